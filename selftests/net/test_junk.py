#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Commands that bring no mail forward, 100,000 of them (B40, E36): the session
is cut at the class's max_junk with a 421, for little of our time.
"""

import os
import re
import threading

import client
from labtest import begins, case, conf, holds, main, same, size

BLAST = 100000
KINDS = {
    "NOOP": ["NOOP"],
    "RSET": ["RSET"],
    "VRFY": ["VRFY somebody"],
    "HELP": ["HELP"],
    "unknown": ["BOGUS"],
    "empty lines": [""],
    "STARTTLS": ["STARTTLS"],
    "AUTH": ["AUTH PLAIN AGEAYgBj"],
    "MAIL and RSET": ["MAIL FROM:<a@b>", "RSET"],
    "all kinds": ["NOOP", "RSET", "VRFY x", "BOGUS", "EXPN y", "STARTTLS"],
}


def configured(lab):
    """What the class says; without a word postern.conf(5) says 100."""
    hit = re.search(r"max_junk = (\d+)", lab.conf)
    return int(hit.group(1)) if hit else 100


def blast(lab, lines, line="10.64.0.9"):
    """All at once; returns the replies behind EHLO's."""
    c = lab.client(line, timeout=20)
    c.ledger = None		# most commands stay without a reply
    c.hello()
    c.replies.clear()
    octets = "".join(text + "\r\n" for text in lines * (BLAST // len(lines))).encode()

    def send():
        try:
            c.sock.sendall(octets)
        except OSError:
            pass		# it was cut
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    try:
        while True:
            c.reply()
    except client.Ended:
        pass
    sender.join()
    holds(c.ended in ("closed", "reset"), f"the session goes on: {c.ended}")
    c.close()
    return c.replies


def check_cut(lab, name, lines):
    """The limit is one of commands without mail; MAIL itself is none of them."""
    limit = configured(lab)
    before = len(lab.sink_rows("command"))
    replies = blast(lab, lines)
    begins(replies[-1], "421 4.7.0 ", f"{name}: the last reply")
    most = limit * (2 if lines[0].startswith("MAIL") else 1)
    holds(most - 1 <= len(replies) - 1 <= most,
          f"{name}: {len(replies) - 1} commands were answered, max_junk is {limit}")
    seen = len(lab.sink_rows("command")) - before
    holds(seen <= most + 1, f"{name}: {seen} commands at the exchanger")


@case("junk: 100,000 commands of each kind are cut at 100 with 421 (B40)")
def default(lab):
    for name, lines in KINDS.items():
        check_cut(lab, name, lines)
    lab.wait_counter("end_junk", len(KINDS), lab.counted)
    begins(lab.send("10.64.0.9", client.message()), "250", "mail afterwards")


@case("junk: max_junk of the class is what counts (B40)", "set",
      conf().replace("syn_rate = 0", "syn_rate = 0\n    max_junk = 40"))
def set_by_class(lab):
    for name in ("NOOP", "unknown", "MAIL and RSET"):
        check_cut(lab, name, KINDS[name])


@case("junk: mail in between starts the count anew (B40)")
def mail_between(lab):
    with lab.client("10.64.0.9") as c:
        c.hello()
        for _ in range(3):
            for _ in range(configured(lab) - 10):
                begins(c.command("NOOP"), "250", "NOOP")
            begins(c.mail(client.message()), "250", "a message")
        begins(c.quit(), "221", "QUIT")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def round_of_junk(lab, sessions):
    """Sessions that use up their limit; microseconds of ours for a command."""
    limit = configured(lab)
    octets = b"NOOP\r\nBOGUS\r\nVRFY x\r\nRSET\r\n" * (limit // 4 + 1)
    pid = lab.inspector()
    begun = cpu_seconds(pid)
    for number in range(sessions):
        c = lab.client(f"10.64.0.{10 + number % 200}")
        c.ledger = None
        c.hello()
        c.send(octets)
        begins(c.finish().split(b"\r\n")[-2].decode(), "421", "the last reply")
        c.close()
    return (cpu_seconds(pid) - begun) * 1e6 / (sessions * limit)


@case("junk: a command costs under 20 us of processor time (B40)")
def cost(lab):
    lab.script(quiet=True, keep=False)
    sessions = size(200, 1000)
    # Others share the machine, and their caches: the best of three.
    took = min(round_of_junk(lab, sessions) for _ in range(3))
    print(f"# {took:.1f} us a command, {sessions * configured(lab)} commands, best of 3")
    holds(took < 20, f"{took:.1f} us a command")
    same(configured(lab), 100, "the limit")


if __name__ == "__main__":
    main()
