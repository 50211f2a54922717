#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""BDAT through the whole of Postern: E20, E21, E24, E25 and the BDAT half of B5.

That chunks arrive octet for octet, that nobody is told 2xx for what did not
arrive, and that the bad mark never arrives whole, is checked by the runner
after every case (I1 to I3).
"""

import client
from labtest import GTUBE, begins, case, conf, holds, main, same, until

LINE = "10.64.0.9"
OFFER = ["PIPELINING", "CHUNKING", "BINARYMIME"]
PASS = conf().replace("syn_rate = 0", "syn_rate = 0\n    chunking = pass")
ENVELOPE = ["MAIL FROM:<a@b>", "RCPT TO:<c@d>"]


def cut(content, size):
    return [content[i:i + size] for i in range(0, len(content), size)]


def codes(replies):
    return [reply[:3] for reply in replies]


def session(lab, **behaviour):
    lab.script(extensions=OFFER, **behaviour)
    c = lab.client(LINE)
    c.offered = c.hello()
    return c


def bodies():
    head = client.message(body="")
    yield [head + b"one chunk\r\n"]
    yield cut(head + b"a boundary everywhere\r\n.\r\n..\r\nQUIT\r\n", 7)
    yield [head + b"no line end"]
    yield cut(client.message(body="") + b"line\r\n" * 50000, 65536)
    yield [client.message(), b""]
    yield [head.replace(b"\r\n\r\n", b"\r"), b"\n\r\nCRLF cut in two\r\n"]


@case("chunking: messages of every cut arrive octet for octet on one leg (E20, E24)", text=PASS)
def arrive(lab):
    sent = 0
    with session(lab) as c:
        same(c.offered, "250-mx.postern.test\r\n250-PIPELINING\r\n250 CHUNKING", "EHLO reply")
        for pieces in bodies():
            for rush in (False, True):
                c.pipeline(ENVELOPE)
                same(set(codes(c.chunks(pieces, rush))), {"250"}, f"message {sent}")
                sent += 1
        begins(c.mail(client.message()), "250", "DATA behind them")
        c.quit()
    rows = lab.sink_rows("message", complete=True)
    same(len(rows), sent + 1, "messages that arrived")
    same([row["received"] > 0 for row in rows], [False] * sent + [True], "Received: lines (E84)")
    same(len(lab.sink_rows("open")), 1, "upstream legs")
    holds(not any("LAST" in line and not line.startswith("BDAT 0 ")
                  for line in lab.sink_commands()), "LAST went up with octets")
    lab.wait_counter("message_accepted", sent + 1, lab.counted)


@case("chunking: spam is refused, the next message takes the same leg (E24)", text=PASS)
def spam(lab):
    bad = client.message(body=f"{GTUBE}\r\n" + "more\r\n" * 20)
    with session(lab) as c:
        c.pipeline(ENVELOPE)
        begins(c.chunks([bad])[-1], "550 5.7.1 ", "reply to LAST")
        c.pipeline(ENVELOPE)
        same(codes(c.chunks([client.message()])), ["250"], "the next message")
        c.quit()
    same(len(lab.sink_rows("open")), 1, "upstream legs")
    same(len(lab.sink_rows("message", complete=True)), 1, "messages that arrived")
    same(sum(line.startswith("RSET") for line in lab.sink_commands()), 1, "RSETs of ours")
    lab.wait_counter("verdict_reject", 1, lab.counted)


@case("chunking: a chunk that the exchanger refuses takes later ones along (E25, B5)", text=PASS)
def refused(lab):
    with session(lab, replies={"chunk": ["250 one", "452 4.3.1 full"]}) as c:
        c.pipeline(ENVELOPE)
        pieces = [client.message(), b"RSET\r\n", b"QUIT\r\n", b"MAIL FROM:<smuggled@b>\r\n"]
        same(codes(c.chunks(pieces, rush=True)), ["250", "452", "452", "452"], "replies")
        c.pipeline(ENVELOPE)
        same(codes(c.chunks([client.message()])), ["452"], "LAST's octets refused")
        begins(c.mail(client.message()), "250", "DATA behind it")
        c.quit()
    holds(not any("smuggled" in line for line in lab.sink_commands()), "a chunk was executed")
    same(len(lab.sink_rows("message", complete=True)), 1, "messages that arrived")
    lab.wait_counter("message_tempfailed", 2, lab.counted)


@case("chunking: a client that goes within a chunk leaves nothing whole (B5, B10)", text=PASS)
def gone(lab):
    for leave in (client.Client.close, client.Client.abort):
        c = session(lab)
        c.pipeline(ENVELOPE)
        c.send(b"BDAT 100 LAST\r\nfifty octets are missing\r\n")
        until(lambda: any(line.startswith("BDAT") for line in lab.sink_commands()), "the chunk")
        leave(c)
    until(lambda: len(lab.sink_rows("close")) == 2, "both upstream legs' ends")
    same(lab.sink_rows("message", complete=True), [], "messages that arrived")


@case("chunking: hidden it is refused, its octets are swallowed, DATA works (E21)", lab="h")
def hidden(lab):
    with session(lab) as c:
        same(c.offered, "250-mx.postern.test\r\n250 PIPELINING", "EHLO reply")
        c.pipeline(ENVELOPE)
        same(codes(c.chunks([client.message(), b"QUIT\r\n"], rush=True)), ["502", "502"],
             "replies")
        begins(c.command("DATA"), "354", "DATA in the same transaction")
        begins(c.body(client.message()), "250", "the message")
        c.quit()
    holds(not any(line.startswith("BDAT") for line in lab.sink_commands()), "BDAT went up")
    same(len(lab.sink_rows("message", complete=True)), 1, "messages that arrived")
    lab.wait_counter("command_refused", 2, lab.counted)


if __name__ == "__main__":
    main()
