#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The smuggling matrix (B4): ends of data that only some receivers take for one,
with a second envelope behind, against Postfix, Exim, OpenSMTPD and three lenient
sinks. What every receiver counts is what we counted, and nothing was smuggled.

The same sessions sent directly show that the receivers are fooled by them, so
that the test is known to be able to fail.
"""

import threading
from collections import Counter

import lookalikes
import peers
from labtest import Skip, case, conf, holds, main, same, settle, until
from lookalikes import Session

EXEMPT, LINES = "10.64.0.50", [f"10.64.0.{n}" for n in range(60, 76)]
# The last: sessions at a time, no more than wait to be accepted there.
RECEIVERS = [
    ("Postfix", peers.Postfix, "198.51.100.41", {}, 16),
    ("Exim", peers.Exim, "198.51.100.42", {}, 16),
    ("OpenSMTPD", peers.OpenSmtpd, "198.51.100.43", {}, 5),
    ("sink LF.LF", peers.SinkPeer, "198.51.100.44", {"lenient": "lf"}, 16),
    ("sink mixed", peers.SinkPeer, "198.51.100.45", {"lenient": "mixed"}, 16),
    ("sink CR, NUL", peers.SinkPeer, "198.51.100.46", {"lenient": "cr-nul"}, 16),
]
# What must fool each of them when sent directly, as was measured elsewhere.
FOOLED = {
    "Postfix": ("LF . LF", "LF . CRLF", "CRLF . LF", "CRLF . CRCRLF", "CRCRLF . CRCRLF"),
    "Exim": (),
    "OpenSMTPD": ("LF . LF", "LF . CRLF", "CRLF . LF", "CRLF . NUL CRLF"),
    "sink LF.LF": ("LF . LF",),
    "sink mixed": ("LF . CRLF", "CRLF . LF"),
    "sink CR, NUL": ("CR . CR", "CRCRLF . CRCRLF", "CRLF . NUL CRLF", "CRLF NUL . CRLF"),
}


# Classes of our own; receivers get one of them by their address.
CLASSES = """
class "mend" { newlines = "normalise" syn_rate = 0 }
class "chunks" { chunking = "pass" syn_rate = 0 }
"""
LAB = ("", conf() + CLASSES)


class Run:
    """Rows against one receiver, each in every mode; results by token."""

    def __init__(self, lab, peer, rows, lines, modes):
        self.lab, self.peer, self.lines = lab, peer, lines
        self.jobs = [(row, mode, f"t{n}m{number}x") for n, row in enumerate(rows)
                     for number, mode in enumerate(modes)]
        self.replies = {}
        self.todo = iter(self.jobs)
        self.lock = threading.Lock()
        peer.forget()
        self.before = peer.received()

    def work(self, line):
        while True:
            with self.lock:
                job = next(self.todo, None)
            if job is None:
                return
            row, mode, token = job
            self.replies[token] = lookalikes.one_session(
                self.lab, line, self.peer, row, token, mode)

    def go(self):
        threads = [threading.Thread(target=self.work, args=(self.lines[n % len(self.lines)],))
                   for n in range(self.peer.at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.settle()
        return self

    def settle(self):
        """Until what the receiver counted stands in its box."""
        until(lambda: len(self.peer.delivered()) >= self.peer.received() - self.before,
              f"{self.peer.hostname} to deliver {self.peer.received() - self.before} messages "
              f"({len(self.peer.delivered())} there)", 60)
        self.count = self.peer.received() - self.before
        self.first, self.second, self.cut_short = Counter(), Counter(), set()
        for message in self.peer.delivered():
            self.second.update(lookalikes.tokens_in(message, "two"))
            for token in lookalikes.tokens_in(message, "one"):
                self.first[token] += 1
                if f"second {token}".encode() not in message.content:
                    self.cut_short.add(token)

    def smuggled(self, newlines):
        return sum(self.second[token] for row, mode, token in self.jobs
                   if is_single(row, mode, newlines))


def receivers(lab):
    """By name; started once for the lab, and ending with it."""
    if not hasattr(lab, "receivers"):
        lab.receivers = {}
        for name, kind, address, options, at_once in RECEIVERS:
            lab.run("mx", "ip", "address", "add", f"{address}/24", "dev", "eth0")
            lab.receivers[name] = kind(lab, "mx", address, **options).start()
            lab.receivers[name].at_once = at_once
    return lab.receivers


@case("smuggling: control, sent directly the receivers are fooled", *LAB, sink=False)
def control(lab):
    lab.postern("exempt", "add", EXEMPT, "--why", "control of the smuggling test")
    lab.direct.add(EXEMPT)
    rows = [row for row in lookalikes.ROWS if row[2] == "refuse"]
    for name, peer in receivers(lab).items():
        run = Run(lab, peer, rows, [EXEMPT], (Session.waiting,)).go()
        hit = {row[0]: run.second[token] for row, _, token in run.jobs if token in run.cut_short}
        print(f"# {name}: {len(hit)} of {len(rows)} end the message early, "
              f"{sum(map(bool, hit.values()))} of them deliver a second one", flush=True)
        same([want for want in FOOLED[name] if want not in hit], [], f"{name} is not fooled by")
    lab.postern("exempt", "del", EXEMPT)


def right_counts(row, mode, newlines):
    """Numbers of messages that may come of a session: refused, one, or two."""
    if mode in lookalikes.CHUNKED:
        return (0, 1)
    if row[2] == "refuse" and newlines == "normalise":
        return (0, 1, 2) if lookalikes.ends_truly(row) else (0, 1)
    if row[2] == "refuse":
        return (0,)
    if row[2] == "one":
        return (1,)
    # Exim and OpenSMTPD punish those that do not wait for the answer to an end.
    return (2,) if mode == Session.waiting else (1, 2)


def is_single(row, mode, newlines):
    """Nothing in it may end the first message."""
    return mode in lookalikes.CHUNKED or not (
        row[2] == "two" or newlines == "normalise" and lookalikes.ends_truly(row))


def judge(run, newlines):
    wrong = []
    for row, mode, token in run.jobs:
        one, two = run.first[token], run.second[token]
        single = is_single(row, mode, newlines)
        fault = ("smuggled" if single and two else
                 "cut short" if single and token in run.cut_short else
                 "wrong count" if one + two not in right_counts(row, mode, newlines) else None)
        if fault:
            wrong.append(f"{fault}: {run.peer.hostname}, {row[0]}, {mode.__name__}: {one}+{two} "
                         f"messages, replies {run.replies[token]}")
    return wrong


def accepted(lab, before):
    return lab.counters()["message_accepted"] - before["message_accepted"]


def matrix(lab, modes, newlines="refuse", names=tuple(row[0] for row in RECEIVERS)):
    """All rows; what every receiver counted is what we counted."""
    wrong = []
    print(f"# {len(lookalikes.ROWS)} look-alikes x {len(names)} receivers, newlines = {newlines}, "
          f"{' and '.join(mode.__name__ for mode in modes)}")
    for name in names:
        before = lab.counters()
        run = Run(lab, receivers(lab)[name], lookalikes.ROWS, LINES, modes).go()
        settle(lambda b=before, c=run.count: accepted(lab, b) != c, 10)
        counted = accepted(lab, before)
        if counted != run.count:
            wrong.append(f"{name} took {run.count} messages, we counted {counted}")
        wrong += judge(run, newlines)
        print(f"# {name:13} {len(run.jobs):4} sessions {run.count:4} messages, {counted:4} "
              f"counted by us, {run.smuggled(newlines)} smuggled", flush=True)
    for line in wrong:
        print(f"#   {line}"[:400])
    holds(not wrong, f"{len(wrong)} wrong: {'; '.join(wrong[:3])}")


@case("smuggling: no receiver sees what we did not count (B4)", *LAB, sink=False)
def refuse(lab):
    matrix(lab, lookalikes.PLAIN)


class Under:
    """with Under(lab, "mend"): receivers have that class."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name

    def __enter__(self):
        for peer in receivers(self.lab).values():
            self.lab.postern("destination", "add", peer.listen, "--class", self.name)

    def __exit__(self, *unused):
        for peer in receivers(self.lab).values():
            self.lab.postern("destination", "del", peer.listen)


@case("smuggling: nor with newlines = normalise (B4, E46)", *LAB, sink=False)
def normalise(lab):
    with Under(lab, "mend"):
        with lab.client(LINES[0], "198.51.100.44") as c:
            c.ledger = None		# the lab's own exchanger is not there to compare
            c.hello()
            reply = c.mail(b"Subject: probe\r\n\r\none\ntwo\r\n")
        if not reply.startswith("250"):
            raise Skip(f"newlines = normalise is not there: {reply}")
        matrix(lab, lookalikes.PLAIN, "normalise")


@case("smuggling: nor in chunks with chunking = pass (B4, E20)", *LAB, sink=False)
def chunks(lab):
    with Under(lab, "chunks"):
        with lab.client(LINES[0], "198.51.100.41") as c:
            offered = "CHUNKING" in c.hello()
            c.quit()
        if not offered:
            raise Skip("chunking = pass is not there: CHUNKING is not offered")
        matrix(lab, lookalikes.CHUNKED, names=("Postfix", "Exim"))


if __name__ == "__main__":
    main()
