#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# alone
"""Clients and exchangers that behave badly, many at a time: the inspector
stays up, a bystander's mail passes meanwhile, and nothing is left behind."""

import functools
import hashlib
import itertools
import os
import random
import socket
import threading
import time

import client
from labtest import GTUBE, MX4, case, conf, holds, main, same, size, until

BYSTANDER = "10.64.0.200"
SHORT = "".join(f'{name}_timeout = "{span}"\n' for name, span in (
    ("greeting", "2s"), ("reply", "2s"), ("data", "2s"), ("verdict", "2s"), ("dot", "3s"),
    ("idle", "30s"), ("line", "30s"), ("body", "30s"), ("write", "3s")))
IMPATIENT = ("short", conf(SHORT))
TIGHT = ("tight", conf("memory = 8\n"))
GONE = (ConnectionError, TimeoutError, socket.timeout, OSError)


def next_line(lines=itertools.cycle(range(2, 190))):
    return f"10.64.0.{next(lines)}"


def sturdy(name, *lab):
    """A case after which the inspector is the same process, and mail passes."""
    def register(function):
        @functools.wraps(function)
        def run(lab):
            pid = lab.inspector()
            function(lab)
            lab.script()
            until(lambda: mail(lab, BYSTANDER).startswith("250"), "a bystander's mail", 30)
            same(lab.inspector(), pid, "the process of the inspector")
        return case(f"abuse: {name}", *lab)(run)
    return register


def mail(lab, line, content=None):
    """One message; the reply to its end, or how the session ended before."""
    try:
        return lab.send(line, content or client.message())
    except client.Ended:
        return "ended"


def crowd(count, work, threads=32):
    """work(n) for n in range(count), by some threads."""
    numbers = iter(range(count))
    lock, faults = threading.Lock(), []

    def run():
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            try:
                work(n)
            except Exception as fault:		# the case fails with the first
                faults.append(fault)
    workers = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if faults:
        raise faults[0]


class Raw:
    """A socket, and the stages of a session that it can be taken to."""

    STAGES = ("connected", "greeted", "part of a line", "hello", "sender", "recipient",
              "data", "body", "CR of the end", "end", "quit")

    def __init__(self, lab, line, timeout=15, target=MX4):
        self.lab, self.line, self.target = lab, line, target
        self.content = client.message(body="A line of text.\r\n" * 40)
        self.sock = client.connect(lab.ns("sub"), line, target, timeout=timeout)

    def reply(self):
        got = b""
        while not got.endswith(b"\n") or got.split(b"\n")[-2][3:4] == b"-":
            octets = self.sock.recv(4096)
            if not octets:
                raise ConnectionError("closed")
            got += octets
        return got

    def say(self, text):
        self.sock.sendall(text)
        return self.reply()

    def note(self):
        """A message of ours may arrive whole."""
        self.lab.notes.note("message", source=self.line, target=self.target, port=25, own_port=0,
                            begun=0, octets=len(self.content), reply="",
                            digest=hashlib.sha256(self.content).hexdigest())

    def reach(self, stage):
        steps = (lambda: None, self.reply, lambda: self.sock.sendall(b"EH"),
                 lambda: self.say(b"LO raw.postern.test\r\n"),
                 lambda: self.say(b"MAIL FROM:<a@sub.postern.test>\r\n"),
                 lambda: self.say(b"RCPT TO:<b@mx.postern.test>\r\n"),
                 lambda: self.say(b"DATA\r\n"),
                 lambda: self.sock.sendall(self.content), lambda: self.sock.sendall(b".\r"),
                 self.end, lambda: self.say(b"QUIT\r\n"))
        for step in steps[:self.STAGES.index(stage) + 1]:
            step()
        return self

    def end(self):
        self.note()
        self.say(b"\n")

    def until_closed(self):
        """What still comes; fails when the other end does not close in time."""
        got = b""
        try:
            while octets := self.sock.recv(65536):
                got += octets
        except ConnectionError:
            pass
        return got


@sturdy("500 sessions that wait at every stage, then leave in three ways")
def waiting(lab):
    held = []

    def hold(n):
        held.append(Raw(lab, next_line()).reach(Raw.STAGES[n % len(Raw.STAGES)]))
    crowd(size(500, 3000), hold)
    same(mail(lab, BYSTANDER)[:3], "250", "a bystander's mail meanwhile")
    for n, raw in enumerate(held):
        if n % 3 == 0:
            client.reset(raw.sock)
        else:
            if n % 3 == 1:
                raw.sock.shutdown(socket.SHUT_WR)
                raw.until_closed()
            raw.sock.close()


@sturdy("a half-close at every stage ends the session, and completes nothing")
def half_closed(lab):
    for stage in Raw.STAGES:
        raw = Raw(lab, next_line()).reach(stage)
        raw.sock.shutdown(socket.SHUT_WR)
        try:
            raw.until_closed()
        except TimeoutError:
            holds(False, f"not closed after a half-close at {stage!r}")
        finally:
            raw.sock.close()
    same(len(lab.sink_rows("message", complete=True)), 2, "messages that arrived")


@sturdy("sessions that reset at a random octet")
def resets(lab):
    chance = random.Random(25)
    content = client.message(body=b"Text.\r\n".decode() * 200)
    lines = (b"EHLO a\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n", content,
             b".\r\nQUIT\r\n")
    cuts = [(chance.randrange(sum(map(len, lines))), chance.random() < 0.5)
            for _ in range(size(600, 20000))]

    def one(n):
        cut, patient = cuts[n]
        raw = Raw(lab, next_line())
        raw.content = content
        raw.note()
        try:
            for part in lines:
                raw.sock.sendall(part[:cut])
                cut -= len(part)
                if cut <= 0:
                    break
                while patient and b"354" not in raw.sock.recv(4096):
                    pass
        except GONE:
            pass
        client.reset(raw.sock)
    begun = time.monotonic()
    crowd(len(cuts), one)
    print(f"# {len(cuts) / (time.monotonic() - begun):.0f} sessions a second")


@sturdy("1,000 connections a second that say nothing")
def silent(lab):
    def one(n):
        sock = client.connect(lab.ns("sub"), next_line(), MX4)
        client.reset(sock) if n % 2 else sock.close()
    begun = time.monotonic()
    crowd(size(3000, 60000), one)
    print(f"# {size(3000, 60000) / (time.monotonic() - begun):.0f} a second")


FAULTS = [{"actions": {stage: action}} for action in ("close", "reset", "stall")
          for stage in ("connect", "greeting", "ehlo", "mail", "rcpt", "data", "body", "dot",
                        "quit")]
FAULTS += [{"greeting": text} for text in ("2", "\0", "554 no", "220-a\r\n221 b", "x" * 1000000)]
FAULTS += [{"replies": {stage: text}} for text in (
    "2", "\0\0\0\0", "garbage", "999 what", "354 go", "250 a\r\n250 b\r\n250 c", "421 bye",
    "250-" + "x" * 1000000, "250-a\r\n" * 2000 + "250 b") for stage in (
        "ehlo", "mail", "rcpt", "data", "dot", "quit")]


@sturdy("exchangers that close, reset, stall or talk nonsense at every stage", *IMPATIENT)
def bad_exchangers(lab):
    lock, targets = threading.Lock(), itertools.cycle([f"198.51.100.{i}" for i in range(25, 29)])

    def one(n):
        with lock:
            target = next(targets)
        with busy[target]:
            with lock:
                rows[target] = FAULTS[n]
                lab.write_script(rows)
            begun = time.monotonic()
            try:
                raw = Raw(lab, next_line(), target=target)
                raw.reach("quit")
                raw.sock.close()
            except GONE:
                pass
            took = time.monotonic() - begun
            holds(took < 8, f"{took:.1f} s with {str(FAULTS[n])[:100]}")
    rows = {}
    busy = {f"198.51.100.{i}": threading.Lock() for i in range(25, 29)}
    crowd(len(FAULTS), one, 4)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@sturdy("readers with a zero window on either side: no CPU, then the write deadline", *IMPATIENT)
def zero_window(lab):
    lab.script(slow=1000)
    body = client.message(body=("x" * 70 + "\r\n") * 70000)
    raws = [Raw(lab, next_line(), 0.3) for _ in range(4)]
    mine = Raw(lab, next_line(), 0.3)
    lab.script()
    deaf = [Raw(lab, next_line(), 0.3) for _ in range(4)]
    for raw in raws + [mine]:
        push(raw.sock, b"EHLO a\r\nMAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nDATA\r\n" + body)
    for raw in deaf:
        raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        push(raw.sock, b"HELP\r\n" * 400000)
    pid = lab.inspector()
    before = cpu_seconds(pid)
    time.sleep(1)
    used = cpu_seconds(pid) - before
    holds(used < 0.3, f"{used:.2f} s of CPU in a second of waiting")
    same(mail(lab, BYSTANDER)[:3], "250", "a bystander's mail meanwhile")
    until(lambda: lab.counters().get("end_timeout_write", 0) or
          lab.counters().get("end_junk", 0), "a deadline to strike", 20)
    for raw in raws + [mine] + deaf:
        raw.sock.close()


def push(sock, octets):
    """As much as goes."""
    try:
        sock.sendall(octets)
    except GONE:
        pass


@sturdy("pipelines of 100,000 commands are cut with a 421")
def pipelines(lab):
    for command in (b"NOOP\r\n", b"RSET\r\n", b"XYZZY\r\n", b"\r\n", b"HELP x\r\n",
                    b"MAIL FROM:<a@a.test>\r\nRSET\r\n", b"AUTH PLAIN\r\n"):
        raw = Raw(lab, next_line()).reach("hello")
        sender = threading.Thread(target=push, args=(raw.sock, command * 100000), daemon=True)
        sender.start()
        got = raw.until_closed()
        sender.join()
        raw.sock.close()
        print(f"# {command!r}: {got.count(10)} replies, the last {got[-70:]!r}")
        holds(b"\r\n421 " in got[-300:], f"{command!r}: ended with {got[-80:]!r}")


@sturdy("parallel messages of 2 MB, rejected early, late, and not at all")
def large(lab):
    filler = ("y" * 74 + "\r\n") * 27000
    bodies = (GTUBE + "\r\n" + filler, filler + GTUBE + "\r\n", filler)
    wanted, got = {0: "550", 1: "550", 2: "250"}, {}

    def one(n):
        got[n] = mail(lab, next_line(), client.message(body=bodies[n % 3]))
    crowd(size(45, 300), one, size(45, 300))
    for n, reply in got.items():
        same(reply[:3], wanted[n % 3], f"message {n}")


@sturdy("more bodies than the memory allows: 421 or a slow pace, no more", *TIGHT)
def tight(lab):
    body = client.message(body=("z" * 74 + "\r\n") * 4000)
    got = {}

    def one(n):
        try:
            got[n] = lab.send(next_line(), body)[:3]
        except (client.Ended, *GONE) as why:
            got[n] = type(why).__name__
    crowd(300, one, 300)
    counts = {kind: list(got.values()).count(kind) for kind in set(got.values())}
    print(f"# {counts}")
    holds(counts.get("250", 0) >= 50, f"{counts}")


@case("abuse: descriptors run out: no spinning, and service afterwards (B37)", "few",
      daemon=False)
def descriptors(lab):
    lab.postern("up")
    lab.start_daemon("prlimit", "--nofile=80:80")
    pid = lab.inspector()
    held = []
    try:
        for _ in range(200):
            held.append(client.connect(lab.ns("sub"), next_line(), MX4))
        before = cpu_seconds(pid)
        time.sleep(2)
        used = cpu_seconds(pid) - before
        print(f"# {used:.2f} s of CPU in 2 s")
        holds(used < 0.1, f"{used:.2f} s of CPU in 2 s without descriptors")
    finally:
        for sock in held:
            sock.close()
    until(lambda: mail(lab, BYSTANDER).startswith("250"), "service with few descriptors", 5)
    lab.end_daemon()


@sturdy("TCP urgent data within a message delays nothing")
def urgent(lab):
    for last in (False, True):
        raw = Raw(lab, next_line()).reach("data")
        rest = b"" if last else b"more\r\n" * 50
        raw.content = b"Subject: urgent\r\n\r\n" + b"text\r\n" * 50 + rest
        raw.note()
        raw.sock.sendall(b"Subject: urgent\r\n\r\n" + b"text\r\n" * 50)
        raw.sock.send(b"!", socket.MSG_OOB)
        raw.sock.sendall(rest + b".\r\nQUIT\r\n")
        if last:
            raw.sock.shutdown(socket.SHUT_WR)
        begun = time.monotonic()
        got = raw.until_closed()
        holds(got.startswith(b"250"), f"answered {got!r}")
        holds(time.monotonic() - begun < 5, "it took too long")
        raw.sock.close()


if __name__ == "__main__":
    main()
