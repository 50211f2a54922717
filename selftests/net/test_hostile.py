#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Replies that no honest exchanger gives, at every stage (B6, E53 to E61): the
session ends with a named reason, nobody else notices, and memory is bounded.
"""

import threading
import time

import client
import ledger
import watch
from labtest import MX4, begins, case, holds, main, same, settle, size, until

STAGES = ["greeting", "ehlo", "mail", "rcpt", "data", "dot"]
GOOD = {"greeting": "220", "ehlo": "250", "mail": "250", "rcpt": "250", "data": "354",
        "dot": "250"}
OTHERS = "198.51.100.26"	# where everybody else's mail goes

# Name -> (octets in the place of the reply, what must follow). @ stands for the
# code that the stage should get, % for the next number. "bad": the session
# ends there; "after": behind the reply, which is a good one; "fine": it goes on.
KINDS = {
    "1,000 lines": ("@-x\r\n" * 1000 + "@ y\r\n", "bad"),
    "1 MB line": ("@ " + "x" * (1 << 20) + "\r\n", "bad"),
    "1 MB without an end": ("x" * (1 << 20), "bad"),
    "code changes": ("@-a\r\n% b\r\n", "bad"),
    "code changes to 421": ("@-a\r\n421 b\r\n", "bad"),
    "no blank": ("@\r\n", "fine"),
    "no blank, but text": ("@ok\r\n", "bad"),
    "no digits": ("hello there\r\n", "bad"),
    "two digits": ("25 ok\r\n", "bad"),
    "four digits": ("@0 ok\r\n", "bad"),
    "NUL": ("@ a\0b\r\n", "bad"),
    "NUL alone": ("\0\r\n", "bad"),
    "bare CR": ("@ a\rb\r\n", "bad"),
    "LF alone": ("@ ok\n", "fine"),
    "empty line": ("\r\n", "bad"),
    "a blank first": (" @ ok\r\n", "bad"),
    "1xx": ("150 wait\r\n", "bad"),
    "6xx": ("650 what\r\n", "bad"),
    "000": ("000 what\r\n", "bad"),
    "354": ("354 go on\r\n", "bad"),
    "two replies": ("@ one\r\n@ two\r\n", "after"),
    "two replies, three lines": ("@ one\r\n@-two\r\n@ three\r\n", "after"),
    "421": ("421 4.3.2 going\r\n", "closing"),
}
# A reply while the message is on its way: only a refusal has a meaning (E19).
DURING = {"451": "refused", "554": "refused", "421": "refused"}
BODY = client.message(body="line of a message\r\n" * 2000)


def rows():
    """Of the matrix: (name, stage, raw octets, what must follow)."""
    for name, (raw, follows) in KINDS.items():
        for stage in STAGES:
            code = GOOD[stage]
            octets = raw.replace("@", code).replace("%", str(int(code) + 1))
            if name == "354" and stage == "data":
                octets = "250 go on\r\n"
            yield name, stage, octets, follows
        octets = raw.replace("@", "250").replace("%", "251")
        yield name, "body", octets, "refused" if name == "421" else "bad"
    for code, follows in DURING.items():
        yield code, "body", f"{code} 4.3.0 seen enough\r\n", follows


def early_body(lab, c):
    """The rest of the message goes when the exchanger has spoken."""
    before = len(lab.sink_rows("reply", stage="early"))
    half = len(BODY) // 2
    c.send(BODY[:half])
    until(lambda: len(lab.sink_rows("reply", stage="early")) > before, "the early reply")
    c.body(BODY[half:])


def dialogue(lab, line, stage):
    """One message in lock step, as far as it goes: (codes, end, own port)."""
    c = lab.client(line, timeout=15)
    try:
        c.greeting()
        for command in ("EHLO c", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA"):
            c.command(command)
        if c.replies[-1].startswith("3") and stage == "body":
            early_body(lab, c)
        elif c.replies[-1].startswith("3"):
            c.body(BODY)
        c.command("QUIT")
        c.finish()
    except (client.Ended, ConnectionError):
        pass
    codes = [reply[:3] for reply in c.replies]
    c.ledger = None		# the exchanger breaks the rules here, not we
    c.close()
    return codes, c.ended, c.own_port


def check(name, stage, follows, codes, ended):
    """What the client saw, up to the stage and from there on."""
    wanted = [GOOD[stage] for stage in STAGES] + ["221"]
    at = len(STAGES) - 1 if stage == "body" else STAGES.index(stage)
    where = f"{name} at {stage}: {codes}, {ended}"
    holds(ended in ("closed", "reset"), f"{where}: no end")
    same(codes[:at], wanted[:at], f"{where}: replies before")
    rest = codes[at:]
    if follows == "fine":
        same(rest, wanted[at:], f"{where}: replies from there on")
    elif follows == "after":
        holds(rest in ([wanted[at]], [wanted[at], "421"]), where)
    elif follows == "refused":
        same(rest, [name], where)
    elif follows == "closing":
        same(rest, ["421"], where)
    else:
        holds(rest in ([], ["421"]), where)


REASONS = {"fine": {"end_quit"}, "after": {"end_mx_protocol"}, "bad": {"end_mx_protocol"},
           "closing": {"end_mx_421"}, "refused": {"end_mx_during_data", "end_mx_421"}}


class Others:
    """Somebody else's mail, one after the other, as long as this lasts."""

    def __init__(self, lab):
        self.lab, self.over, self.took, self.wrong = lab, False, [], []
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def run(self):
        while not self.over:
            begun = time.monotonic()
            try:
                reply = self.lab.send("10.64.0.50", client.message(), OTHERS)
            except (client.Ended, OSError) as error:
                reply = repr(error)
            self.took.append(time.monotonic() - begun)
            if not reply.startswith("250"):
                self.wrong.append(reply)
            time.sleep(0.02)	# a rate, for the records' sake

    def __exit__(self, *unused):
        self.over = True
        self.thread.join()


def reasons(lab, ports):
    """Own port -> reason of its session, once all are there."""
    def found():
        return {row["port"]: row["reason"] for row in lab.events()
                if row["event"] == "session" and row["client"] == "10.64.0.9"
                and row["port"] in ports}
    until(lambda: set(ports) <= set(found()), "a record of each session")
    return found()


@case("hostile: replies that make no sense at every stage: an end with a name (B6)")
def matrix(lab):
    table = list(rows())
    ports = {}
    with Others(lab) as others:
        for name, stage, octets, follows in table:
            lab.write_script({MX4: {"raw": {stage: octets}, "keep": False},
                              OTHERS: {"quiet": True, "keep": False}})
            codes, ended, port = dialogue(lab, "10.64.0.9", stage)
            check(name, stage, follows, codes, ended)
            ports[port] = (name, stage, follows)
    for port, reason in reasons(lab, ports).items():
        name, stage, follows = ports[port]
        holds(reason in REASONS[follows], f"{name} at {stage}: ended with {reason}")
    same(others.wrong, [], "mail of others")
    holds(len(others.took) > 10, "hardly any mail of others")
    holds(max(others.took) < 5, f"mail of others took {max(others.took):.1f} s")
    print(f"# {len(table)} dialogues, {len(others.took)} messages of others, "
          f"the slowest {max(others.took):.2f} s")


# What a session may be made to hold: the exchanger says this and no more.
HELD = {
    "a line without an end": ("mail", "250 " + "x" * 4000),
    "99 lines of EHLO": ("ehlo", ("250-" + "x" * 150 + "\r\n") * 99),
    "EHLO without an end": ("ehlo", "250-SIZE 1\r\n250-" + "y" * 4000),
    "a greeting without an end": ("greeting", "220-a\r\n" * 90 + "220-" + "z" * 4000),
}


def hold(lab, count):
    """@count sessions whose exchanger says half of something and stops."""
    held, before = [], len(lab.sink_rows("stall"))
    for number in range(count):
        c = lab.client(f"10.64.0.{10 + number % 200}", timeout=15)
        c.ledger = None
        c.sock.sendall(b"EHLO c\r\nMAIL FROM:<a@b>\r\n")
        held.append(c)
    until(lambda: len(lab.sink_rows("stall")) - before >= count, "all to be held", 60)
    return held


def resident(lab):
    """kB of the inspector, once it moves no more."""
    seen = [0, -1]

    def quiet():
        seen.append(watch.status_kb(lab.inspector(), "VmRSS"))
        return [] if len(set(seen[-4:])) == 1 else ["still moving"]
    settle(quiet, 20)
    return seen[-1]


@case("hostile: half a reply held costs under 64 KB a session (B6)")
def memory(lab):
    lab.restarted = True
    count = size(200, 2000)
    for name, (stage, octets) in HELD.items():
        lab.end_daemon()	# one that has no memory to use again
        lab.start_daemon()
        lab.script(raw={stage: octets}, actions={stage: "cork"}, keep=False)
        held = hold(lab, 20)
        before = resident(lab)
        held += hold(lab, count)
        each = (resident(lab) - before) / count
        for c in held:
            c.abort()
        print(f"# {name}: {each:.1f} KB a session, {count} sessions")
        holds(each < 64, f"{name}: {each:.1f} KB a session")
        until(lambda: watch.open_connections(lab.pid()) == 0, "the sessions to end", 20)
    lab.script()
    begins(lab.send("10.64.0.10", client.message()), "250", "mail afterwards")
    same(len(ledger.arrived(lab.sink_rows())), 1, "messages that arrived")


if __name__ == "__main__":
    main()
