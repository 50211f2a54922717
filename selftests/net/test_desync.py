#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Nobody's body becomes somebody's commands: B5 (its DATA half), B12, E12, E14,
E15, E32. The dialogues are the product of three lists: how the exchanger
answers DATA, what the body looks like, how the octets are cut into segments."""

import hashlib
import itertools
import re

import client
from labtest import MX4, begins, case, conf, holds, main, same

ENVELOPE = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"

# Name -> behaviour of the exchanger, and the code that DATA gets (None: the end).
REFUSALS = {
    "451": ({"replies": {"data": "451 4.3.0 not now"}}, "451"),
    "503": ({"replies": {"data": "503 5.5.1 no"}}, "503"),
    "554": ({"replies": {"data": "554 5.5.1 no"}}, "554"),
    "250": ({"replies": {"data": "250 ok to what"}}, None),
    "421": ({"replies": {"data": "421 4.3.2 going"}}, "421"),
    "close": ({"actions": {"data": "close"}}, None),
    "reset": ({"actions": {"data": "reset"}}, None),
    "no recipient": ({"replies": {"rcpt": "550 5.1.1 no"}}, "503"),
}
BODIES = {
    "plain": b"Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n",
    "commands": b"MAIL FROM:<smuggled@b>\r\nRCPT TO:<s@d>\r\nDATA\r\nsmuggled\r\n.\r\nQUIT\r\n",
    "dots": b".\r\nMAIL FROM:<smuggled@b>\r\n..\r\n.\r\nQUIT\r\n",
}
CUTS = {"one segment": None, "DATA apart": "data", "every octet": 1}
ALLOWED = re.compile(r"EHLO |MAIL FROM:<a@b>$|RCPT TO:<c@d>$|DATA$|RSET$|QUIT$")


def segments(octets, cut):
    if cut == 1:
        return [octets[i:i + 1] for i in range(len(octets))]
    if cut == "data":
        at = octets.index(b"DATA\r\n") + 6
        return [octets[:at], octets[at:]]
    return [octets]


def play(lab, octets, cut):
    """Everything in one go; returns the replies, and how it ended."""
    c = lab.client("10.64.0.9")
    c.ledger = None		# the exchanger breaks the rules here, not we
    c.hello()
    c.replies.clear()
    try:
        for segment in segments(octets, cut):
            c.send(segment)
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        while True:
            c.reply()
    except (client.Ended, ConnectionError):
        pass
    same(c.buffer, b"", "octets that are no reply")
    c.sock.close()
    c.sock = None
    return c.replies, c.ended


def check_dialogue(lab, name, code, replies, ended):
    holds(ended in ("closed", "reset"), f"{name}: the session hangs ({ended}): {replies}")
    codes = [reply[:3] for reply in replies]
    wanted = ["250", "550" if "no recipient" in name else "250"] + ([code] if code else [])
    same(codes[:len(wanted)], wanted, f"{name}: replies")
    rest = codes[len(wanted):]
    holds(rest in ([], ["421"]), f"{name}: replies after the refusal: {rest}")
    for line in lab.sink_commands():
        holds(ALLOWED.match(line), f"{name}: the exchanger got {line!r} as a command")
    same(lab.sink_rows("message", complete=True), [], f"{name}: messages")


@case("desync: body sent early while DATA is refused: no octet becomes a command (B5)")
def early_body(lab):
    count = 0
    for (kind, (behaviour, code)), (shape, body), (how, cut) in itertools.product(
            REFUSALS.items(), BODIES.items(), CUTS.items()):
        # The answer to DATA comes after the body, also when that is in pieces.
        lab.script(**behaviour, delays={"data": 0.1, "data-early": 0.1} if cut else {})
        replies, ended = play(lab, ENVELOPE + b"DATA\r\n" + body, cut)
        check_dialogue(lab, f"{kind}, {shape}, {how}", code, replies, ended)
        count += 1
    print(f"# {count} dialogues")


@case("desync: 354 although every recipient was refused: a body stays a body (E15)")
def no_recipient_354(lab):
    lab.script(replies={"rcpt": "550 5.1.1 no", "data-early": "354 go on",
                        "dot": "554 5.5.1 no valid recipient"})
    for body in (BODIES["plain"], BODIES["commands"]):
        content = body[:body.index(b"\r\n.\r\n") + 2]
        lab.notes.note("message", source="10.64.0.9", target=MX4, octets=len(content),
                       digest=hashlib.sha256(content).hexdigest(), reply="554")
        replies, _ = play(lab, ENVELOPE + b"DATA\r\n" + body, None)
        same([reply[:3] for reply in replies][:4], ["250", "550", "354", "554"], "replies")
    for line in lab.sink_commands():
        holds(ALLOWED.match(line), f"a command: {line!r}")


@case("desync: early body with 354 is one message (E14)")
def early_accepted(lab):
    body = client.message()
    with lab.client("10.64.0.9") as c:
        c.hello()
        c.send(ENVELOPE + b"DATA\r\n" + body + b".\r\nQUIT\r\n", 5)
        replies = [c.reply() for _ in range(5)]
        same([reply[:3] for reply in replies], ["250", "250", "354", "250", "221"], "replies")
        c.note_message(body, replies[3], 0)
    same(len(lab.sink_rows("message", complete=True)), 1, "messages")


def cut_points(octets, count):
    return [len(octets) * i // (count + 1) for i in range(1, count + 1)]


def in_slot(lab, code):
    """A pipeline with STARTTLS between, cut at 20 places: all in order (E12)."""
    octets = b"MAIL FROM:<a@b>\r\nSTARTTLS\r\nRCPT TO:<c@d>\r\nSTARTTLS\r\nNOOP\r\n"
    lab.script(extensions=["PIPELINING", "STARTTLS"])
    for at in cut_points(octets, 20):
        with lab.client("10.64.0.9") as c:
            holds("STARTTLS" not in c.hello(), "STARTTLS is offered")
            c.send(octets[:at])
            c.send(octets[at:], 5)
            got = [c.reply()[:3] for _ in range(5)]
            same(got, ["250", code, "250", code, "250"], f"cut at {at}: replies")
            begins(c.command("DATA"), "354", "in sync after it: DATA")
            begins(c.body(client.message()), "250", "in sync after it: message")
            c.quit()
    holds("STARTTLS" not in lab.sink_commands(), "STARTTLS was forwarded")
    lab.wait_counter("starttls_refused", 40, lab.counted)


@case("desync: STARTTLS hidden gets 502 in its slot, 20 segmentations (B12, E32)")
def hidden(lab):
    in_slot(lab, "502")


@case("desync: STARTTLS refused gets 454 in its slot, 20 segmentations (B12, E33)",
      "tls", conf(starttls="refuse"))
def refused(lab):
    in_slot(lab, "454")


@case("desync: a TLS client after a refused STARTTLS is not forwarded (B12)")
def injected(lab):
    with lab.client("10.64.0.9") as c:
        c.hello()
        c.send(b"STARTTLS\r\n\x16\x03\x01\x00\x05hello\r\nMAIL FROM:<smuggled@b>\r\n", 1)
        begins(c.reply(), "502", "STARTTLS")
        c.finish()
        c.ledger = None
    same([line for line in lab.sink_commands() if not ALLOWED.match(line) and
          "smuggled" not in line], [], "forwarded octets")


INJECTED = b"MAIL FROM:<smuggled@b>\r\nRCPT TO:<smuggled@d>\r\n"
HELLO = b"\x16\x03\x01\x00\x05hello"


def ends_injected(lab, c, name):
    """The session ends, and nothing of the injection has reached either side."""
    got = c.finish()
    holds(c.ended in ("closed", "reset"), f"{name}: the session hangs")
    holds(got in (b"", b"220 2.0.0 go ahead\r\n"), f"{name}: the client got {got!r}")
    holds(not any("smuggled" in line for line in lab.sink_commands()), f"{name}: forwarded")


@case("desync: STARTTLS passed, commands behind it never arrive, 20 segmentations (B12, E33)",
      "pass", conf(starttls="pass"))
def injected_commands(lab):
    octets = b"STARTTLS\r\n" + INJECTED
    for delay in (0.05, 0):
        lab.script(extensions=["PIPELINING", "STARTTLS"], delays={"starttls": delay})
        for at in cut_points(octets, 20):
            with lab.client("10.64.0.9") as c:
                c.ledger = None
                holds("STARTTLS" in c.hello(), "STARTTLS is not offered")
                try:
                    c.send(octets[:at])
                    c.send(octets[at:])
                except (BrokenPipeError, ConnectionResetError):
                    pass
                ends_injected(lab, c, f"cut at {at}, 220 after {delay} s")
    lab.wait_counter("end_tls_inject", 40, lab.counted)
    for raw in lab.sink_rows("close"):
        holds("smuggled" not in raw["left"], "octets were forwarded")


@case("desync: STARTTLS passed, replies behind its 220 never arrive, 20 segmentations (B12, E33)",
      "pass", conf(starttls="pass"))
def injected_replies(lab):
    reply = "220 2.0.0 go ahead\r\n250 injected\r\n250 injected"
    for hello in (b"", HELLO):
        for at in cut_points(reply, 20):
            lab.script(extensions=["PIPELINING", "STARTTLS"], replies={"starttls": reply},
                       cuts={"starttls": at})
            with lab.client("10.64.0.9") as c:
                c.ledger = None
                c.hello()
                c.send(b"STARTTLS\r\n")
                try:
                    if hello:
                        c.reply()
                        c.send(hello)
                except (client.Ended, BrokenPipeError, ConnectionResetError):
                    pass
                ends_injected(lab, c, f"cut at {at}, hello {len(hello)}")
    lab.wait_counter("end_tls_inject", 40, lab.counted)


@case("desync: octets wait behind a STARTTLS that the exchanger refuses: 421 (B12, E33)",
      "pass", conf(starttls="pass"))
def injected_refused(lab):
    for code in ("454", "502", "530"):
        lab.script(extensions=["PIPELINING", "STARTTLS"], delays={"starttls": 0.05},
                   replies={"starttls": f"{code} no"})
        with lab.client("10.64.0.9") as c:
            c.ledger = None
            c.hello()
            c.send(b"STARTTLS\r\n" + INJECTED)
            begins(c.reply(), code, "STARTTLS")
            begins(c.reply(), "421 4.5.0", "what is behind it")
            c.finish()
        holds(not any("smuggled" in line for line in lab.sink_commands()), f"{code}: forwarded")


# A line end that only some receivers honour: none may cross (E45 to E49).
LOOKALIKES = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n",
              b"\r\n.\0\r\n", b"\r\r\n.\r\r\n", b"\n.\0\n"]


@case("desync: ends of data that a lenient exchanger would take are refused (E46, E47)")
def lookalikes(lab):
    lab.script(lenient=True)
    for end in LOOKALIKES:
        with lab.client("10.64.0.9") as c:
            c.ledger = None
            c.hello()
            c.envelope()
            c.send(b"Subject: x\r\n\r\nbody" + end + b"MAIL FROM:<smuggled@b>\r\n.\r\n", 1)
            try:
                reply = c.reply()
                begins(reply, "5", f"{end!r}: reply")
            except client.Ended:
                pass
    holds(not any("smuggled" in line for line in lab.sink_commands()), "smuggled")
    same(lab.sink_rows("message", complete=True), [], "whole messages")


# Replies that no honest exchanger gives (a first look; B6 has the full list).
HOSTILE = [
    ("code changes inside", {"ehlo": "250-a\r\n251 b"}),
    ("no digits", {"mail": "hello"}),
    ("354 to MAIL", {"mail": "354 go on"}),
    ("two replies for one", {"noop": "250 one\r\n250 two"}),
    ("an empty line", {"mail": ""}),
    ("1000 lines", {"ehlo": "\r\n".join(["250-x"] * 1000 + ["250 y"])}),
    ("a long line", {"mail": "250 " + "x" * 100000}),
    ("NUL", {"mail": "250 a\0b"}),
]


@case("desync: replies that make no sense end the session, no other (E53 to E61)")
def hostile(lab):
    for name, replies in HOSTILE:
        lab.script(replies=replies)
        with lab.client("10.64.0.9", timeout=5) as c:
            c.ledger = None
            try:
                c.hello()
                for line in ("NOOP", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "NOOP"):
                    c.sock.settimeout(1)
                    c.command(line)
                if c.replies[-1].startswith("250"):
                    holds(c.command("DATA")[:1] in "345", f"{name}: DATA")
            except (client.Ended, ConnectionError):
                pass
            if c.ended == "timeout":
                c.abort()	# an exchanger may take its time; we do not wait
        lab.script()
        begins(lab.send("10.64.0.10", client.message()), "250", f"{name}: another line")


if __name__ == "__main__":
    main()
