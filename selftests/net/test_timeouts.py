#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# alone
"""Every wait of section 9 strikes in its time over real sockets, and the client
sees what it should (B105). All stages at once, with small settings.
"""

import os
import select
import socket
import threading
import time

import client
from labtest import MX4, NIGHTLY, begins, case, conf, holds, main, same, until

SECONDS = {"dial": 4, "greeting": 5, "reply": 6, "data": 4, "dot": 5, "verdict": 3, "idle": 7,
           "line": 4, "body": 5, "write": 6, "session": 9}
CONF = conf("".join(f"{name}_timeout = {span}s\n" for name, span in SECONDS.items()))
TICK = 0.25		# what timers, the lab and a busy machine may add to 5 per cent
SILENT, MUTE, SLOW = "198.51.100.28", "198.51.100.26", "198.51.100.27"
STAGES = []


def stage(name, wait, source, sees, target=MX4):
    """A stage: function(lab, client) brings it about; returns when the wait began
    (None: at the connect). @sees is what comes from then on, and how it ends."""
    def register(function):
        STAGES.append((name, wait, source, sees, target, function))
        return function
    return register


def hello(c):
    c.greeting()
    c.command("EHLO client")


def asked(c, line):
    """A command that nobody answers; the wait begins."""
    c.send(line.encode() + b"\r\n")
    return time.monotonic()


def to_data(c, wishes=""):
    hello(c)
    c.command(f"MAIL FROM:<a{wishes}@b>")
    c.command("RCPT TO:<c@d>")
    return c.command("DATA")


@stage("dial", "dial", "10.64.0.11", (b"", "reset"), SILENT)
def dial(lab, c):
    pass


@stage("greeting", "greeting", "10.64.0.12", (b"", "closed"), MUTE)
def greeting(lab, c):
    pass


@stage("EHLO", "reply", "10.64.0.13", (b"421 4.4.2 ", "closed"))
def ehlo(lab, c):
    c.greeting()
    return asked(c, "EHLO c+ehlo=stall")


@stage("MAIL", "reply", "10.64.0.14", (b"421 4.4.2 ", "closed"))
def mail(lab, c):
    hello(c)
    return asked(c, "MAIL FROM:<a+mail=stall@b>")


@stage("RCPT", "reply", "10.64.0.15", (b"421 4.4.2 ", "closed"))
def rcpt(lab, c):
    hello(c)
    c.command("MAIL FROM:<a@b>")
    return asked(c, "RCPT TO:<a+rcpt=stall@b>")


@stage("NOOP behind others", "reply", "10.64.0.16", (b"421 4.4.2 ", "closed"))
def noop(lab, c):
    hello(c)
    c.pipeline(["NOOP", "NOOP <a>", "RSET"])
    return asked(c, "NOOP <a+noop=stall>")


@stage("a reply that never ends", "reply", "10.64.0.17", (b"", "closed"), SLOW)
def endless(lab, c):
    """A line a second is no progress: the deadline is the whole reply's (E61)."""
    hello(c)
    begun = asked(c, "VRFY a")
    while begins_with(c, b"252-"):
        pass
    return begun


def begins_with(c, octets):
    try:
        c.more()
    except client.Ended:
        return False
    holds(c.buffer.startswith(octets), f"got {c.buffer!r}")
    c.buffer = b""
    return True


@stage("DATA", "data", "10.64.0.18", (b"421 4.4.2 ", "closed"))
def data(lab, c):
    hello(c)
    c.command("MAIL FROM:<a+data=stall@b>")
    c.command("RCPT TO:<c@d>")
    return asked(c, "DATA")


@stage("dot", "dot", "10.64.0.19", (b"451 4.4.2 ", "closed"))
def dot(lab, c):
    to_data(c, "+dot=stall")
    body = client.message()
    c.send(body + b".\r\n")
    begun = time.monotonic()
    lab.notes.note("message", source=c.source, target=c.target, digest=client.hashlib.sha256(
        body).hexdigest(), octets=len(body), reply="")
    return begun


@stage("idle", "idle", "10.64.0.20", (b"421 4.4.2 ", "closed"))
def idle(lab, c):
    hello(c)
    return time.monotonic()


@stage("idle within a transaction", "idle", "10.64.0.21", (b"421 4.4.2 ", "closed"))
def idle_open(lab, c):
    hello(c)
    c.command("MAIL FROM:<a@b>")
    return time.monotonic()


@stage("line", "line", "10.64.0.22", (b"421 4.4.2 ", "closed"))
def line(lab, c):
    """An octet now and then is no progress: a line is whole in time or not."""
    hello(c)
    begun = time.monotonic()
    for octet in b"NOOP ab":
        c.send(bytes([octet]))
        time.sleep(0.4)
    return begun


@stage("body", "body", "10.64.0.23", (b"", "closed"))
def body_stops(lab, c):
    """Lines now and then are progress; then none comes any more."""
    to_data(c)
    for _ in range(4):
        c.send(b"line\r\n")
        time.sleep(0.5)
    c.send(b"last line\r\n")
    return time.monotonic()


@stage("body that the exchanger does not take", "write", "10.64.0.24", (b"", "reset"))
def deaf(lab, c):
    to_data(c, "+body=deaf")
    c.sock.setblocking(False)
    begun = time.monotonic()
    # Until all buffers between are full.
    while select.select([], [c.sock], [], 1)[1]:
        begun = time.monotonic()
        c.sock.send(b"line of a long message\r\n" * 1000)
    c.sock.settimeout(10)
    return begun


@stage("replies that the client does not take", "write", "10.64.0.25", (None, "reset"), SLOW)
def unread(lab, c):
    hello(c)
    c.send(b"HELP\r\n" * 60)

    def last():
        rows = lab.sink_rows("reply", peer=c.source, stage="help")
        return rows[-1]["t"] if rows and rows[-1]["t"] < time.monotonic() - 1 else None
    begun = until(last, "the replies to stop", 5)
    poll = select.poll()
    poll.register(c.sock, select.POLLERR | select.POLLHUP)
    holds(poll.poll(10000), "it is not ended")
    return begun


@stage("session", "session", "10.64.0.26", (b"", "closed"))
def session(lab, c):
    """Commands keep it from being idle, and it ends all the same (E80)."""
    hello(c)
    while c.command("NOOP").startswith("250"):
        time.sleep(0.1)
    begins(c.replies[-1], "421 4.4.2 ", "the last reply")


class Stage(threading.Thread):
    """One row of the table in its own thread."""

    def __init__(self, lab, row):
        super().__init__(daemon=True)
        self.lab, self.row, self.fault, self.took = lab, row, None, None
        self.start()

    def run(self):
        name, wait, source, sees, target, function = self.row
        try:
            self.check(wait, source, sees, target, function)
        except Exception as fault:	# the main thread shows it
            self.fault = f"{name}: {type(fault).__name__}: {fault}"

    def check(self, wait, source, sees, target, function):
        begun = time.monotonic()
        c = client.Client(self.lab.ns("sub"), source, target, timeout=15)
        try:
            if function == unread:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            begun = function(self.lab, c) or begun
            got = c.finish() if c.ended is None else c.buffer
            self.took = time.monotonic() - begun
            holds(sees[0] is None or (got.startswith(sees[0]) and bool(got) == bool(sees[0])),
                  f"the client got {got!r}")
            same(c.ended, sees[1], "end")
        finally:
            c.close()
        limit = SECONDS[wait]
        holds(limit * 0.95 <= self.took <= limit * 1.05 + TICK,
              f"struck after {self.took:.2f} s, {wait}_timeout is {limit} s")


DROP = ("add table inet t; add chain inet t i { type filter hook input priority 0; }; "
        f"add rule inet t i ip daddr {SILENT} tcp dport 25 drop")


def scripts():
    long = "\r\n".join(["214-" + "x" * 500] * 99 + ["214 end"])
    return {"*": {"obey": True, "keep": False},
            MUTE: {"actions": {"greeting": "stall"}},
            SLOW: {"keep": False, "replies": {"help": long},
                   "raw": {"vrfy": ["252-a\r\n", 1] * 12}}}


@case("timeouts: each wait strikes within 5 per cent, with the right words (B105)",
      "wait", CONF)
def table(lab):
    lab.write_script(scripts())
    lab.run("mx", "nft", DROP)
    for kind in ("rmem", "wmem"):	# so that buffers fill at once
        for host in ("rtr", "sub", "mx"):
            lab.run(host, "sysctl", "-q", "-w", f"net.ipv4.tcp_{kind}=4096 16384 131072")
    begun = time.monotonic()
    stages = [Stage(lab, row) for row in STAGES]
    for one in stages:
        one.join(40)
    lab.run("mx", "nft", "delete table inet t")
    for one in stages:
        print(f"# {one.row[0]}: {one.took and round(one.took, 2)} s of {SECONDS[one.row[1]]}")
    same([one.fault for one in stages if one.fault], [], "stages")
    print(f"# {len(stages)} stages in {time.monotonic() - begun:.0f} s")


@case("timeouts: a session that is too long ends behind its transaction (B105, E80)",
      "wait", CONF)
def between(lab):
    with lab.client("10.64.0.27", timeout=15) as c:
        begun = time.monotonic()
        c.hello()
        while time.monotonic() - begun < SECONDS["session"] - 1.5:
            c.command("NOOP")
            time.sleep(0.1)
        c.command("MAIL FROM:<a@b>")
        c.command("RCPT TO:<c@d>")
        while time.monotonic() - begun < SECONDS["session"] + 1:
            c.command("NOOP")
            time.sleep(0.1)
        begins(c.command("DATA"), "354", "DATA when the time is over")
        begins(c.body(client.message()), "250", "the message")
        begins(c.reply(), "421 4.4.2 ", "behind it")
        c.finish()
        same(c.ended, "closed", "end")


def real_dot(lab):
    """In its real length: 585 s, and the client is told 451."""
    lab.script(obey=True)
    c = lab.client("10.64.0.9", timeout=700)
    to_data(c, "+dot=stall")
    begun = time.monotonic()
    body = client.message()
    begins(c.body(body), "451 4.4.2 ", "the end of the message")
    took = time.monotonic() - begun
    c.finish()
    c.close()
    holds(555 < took < 615, f"struck after {took:.1f} s")
    print(f"# 451 after {took:.1f} s")


if NIGHTLY or os.environ.get("POSTERN_REAL_TIME"):
    case("timeouts: the one behind the dot in real time, 585 s (B105)", "real")(real_dot)


if __name__ == "__main__":
    main()
