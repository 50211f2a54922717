#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# alone
"""The daemon dies, hangs, comes back, or is told to step aside: B13, B15, B22,
B23, and the fail modes. Nobody is ever left waiting in the dark."""

import os
import signal
import socket
import threading
import time

import client
from spin import Spin
from labtest import (MX4, MX6, alive, begins, case, conf, holds, main, same, size, until)

LINE = "10.64.0.9"
RESET = ("reset", conf(fail="reset"))


def attempt(lab, line=LINE, target=MX4, patience=3.0):
    """One connection: (what it got, seconds). direct | steered | refused |
    closed | nothing; steered and direct are told apart by the port that the
    exchanger saw."""
    begun = time.monotonic()
    own_port, got = None, "nothing"
    try:
        sock = client.connect(lab.ns("sub"), line, target, timeout=patience)
        own_port = sock.getsockname()[1]
        sock.settimeout(max(0.01, patience - (time.monotonic() - begun)))
        got = "banner" if sock.recv(512).startswith(b"220") else "closed"
        sock.close()
    except ConnectionRefusedError:
        got = "refused"
    except ConnectionResetError:
        got = "closed"
    except (TimeoutError, socket.timeout):
        got = "nothing"
    took = time.monotonic() - begun
    if got == "banner":
        mine = lab.sink_rows("open", peer=line, peer_port=own_port)
        got = "direct" if mine else "steered"
    return got, took


class Connector:
    """Twenty connections a second, each with three seconds of patience."""

    def __init__(self, lab, lines):
        self.lab, self.lines = lab, lines
        self.results, self.threads = [], []
        self.over = False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def run(self):
        while not self.over:
            line = self.lines[len(self.threads) % len(self.lines)]
            self.threads.append(threading.Thread(target=self.one, args=(line,), daemon=True))
            self.threads[-1].start()
            time.sleep(0.05)

    def one(self, line):
        self.results.append(attempt(self.lab, line))

    def __exit__(self, *unused):
        self.over = True
        self.thread.join()
        for thread in self.threads:
            thread.join()


def lines(count):
    return [f"10.64.0.{10 + i}" for i in range(count)]


def kill_loop(lab, allowed):
    """kill -9 of the inspector, then of everything, under connections (B13)."""
    lab.direct |= set(lines(40))
    lab.restarted = True
    lab.log_ok = r"inspector|clerk|keeper"
    with Connector(lab, lines(40)) as connector:
        for number in range(size(4, 50)):
            time.sleep(size(0.3, 1.5))
            if number % 2:
                lab.end_daemon(signal.SIGKILL)
                time.sleep(0.3)
                lab.start_daemon()
            else:
                os.kill(lab.inspector(), signal.SIGKILL)
            until(lab.ready, "the daemon to be ready again")
    got = [kind for kind, _ in connector.results]
    print(f"# {len(got)} connects: " +
          ", ".join(f"{got.count(kind)} {kind}" for kind in sorted(set(got))))
    for kind, took in connector.results:
        holds(kind in allowed | {"steered", "closed"} and took <= 3.0,
              f"a client got {kind} after {took:.2f} s")
    holds(got.count("steered") > len(got) / 4, "hardly anything was steered")
    holds(any(kind in got for kind in allowed), f"the fail mode was never seen: {set(got)}")


@case("fail: kill -9 under connections, fail mode open: no black hole (B13)")
def kill_open(lab):
    kill_loop(lab, {"direct"})


@case("fail: kill -9 under connections, fail mode reset: no black hole (B13)", *RESET)
def kill_reset(lab):
    kill_loop(lab, {"refused"})


def dead_daemon(lab, wanted):
    lab.restarted, lab.direct = True, {LINE, "2001:db8:64:7::2"}
    for line, target in ((LINE, MX4), ("2001:db8:64:7::2", MX6)):
        lab.end_daemon(signal.SIGKILL)
        same(attempt(lab, line, target)[0], wanted, "with the daemon dead")
        lab.postern("refuse", "add", "10.64.0.77", "--why", "test")
        same(attempt(lab, "10.64.0.77")[0], "refused", "a refused line, the daemon dead")
        lab.postern("refuse", "del", "10.64.0.77")
        lab.start_daemon()
        same(attempt(lab, line, target)[0], "steered", "with the daemon back")


@case("fail: daemon dead, class fails open: direct; a refused line is reset")
def open_mode(lab):
    dead_daemon(lab, "direct")


@case("fail: daemon dead, class fails closed: reset", *RESET)
def reset_mode(lab):
    dead_daemon(lab, "refused")


@case("fail: a killed inspector is back within 2 s")
def restart(lab):
    lab.direct, lab.restarted = {LINE}, True
    lab.log_ok = r"inspector"
    took = []
    for _ in range(size(3, 20)):
        old = lab.inspector()
        begun = time.monotonic()
        os.kill(old, signal.SIGKILL)
        until(lambda: attempt(lab)[0] == "steered", "a steered banner", 5)
        took.append(time.monotonic() - begun)
        holds(lab.inspector() != old, "the same process")
    holds(max(took) <= 2.0, f"took {max(took):.2f} s")
    lab.wait_counter("inspector_restarted", 1, lab.counted)


def hang(lab, stop, resume):
    """B15's timeline: direct within 3 s, steered within 1 s of the end of it."""
    lab.direct = set(lines(40)) | {LINE}
    stop()
    begun = time.monotonic()
    until(lambda: attempt(lab, patience=0.5)[0] == "direct", "the fail mode", 4)
    took = time.monotonic() - begun
    session = lab.client(LINE)
    session.hello()
    resume()
    begun = time.monotonic()
    until(lambda: attempt(lab, patience=0.5)[0] == "steered", "steering again", 3)
    again = time.monotonic() - begun
    begins(session.mail(client.message()), "250", "a session that went direct meanwhile")
    session.quit()
    print(f"# open after {took:.2f} s, steered {again:.2f} s after the end of the hang")
    holds(took <= 3.5, f"steering stopped after {took:.2f} s")
    holds(again <= 1.0, f"steering came back after {again:.2f} s")


@case("fail: a stopped inspector is skipped within 3 s, resumes within 1 s (B15)")
def stopped(lab):
    lab.log_ok, lab.restarted = r"inspector|worker", True
    pid = lab.inspector()
    try:
        hang(lab, lambda: os.kill(pid, signal.SIGSTOP), lambda: os.kill(pid, signal.SIGCONT))
    finally:
        os.kill(pid, signal.SIGCONT)


def workers(pid):
    """Threads of the inspector but its first."""
    return sorted(int(tid) for tid in os.listdir(f"/proc/{pid}/task") if int(tid) != pid)


def cpu_ticks(tids, pid):
    total = 0
    for tid in tids:
        with open(f"/proc/{pid}/task/{tid}/stat", encoding="ascii", errors="replace") as f:
            words = f.read().rsplit(")", 1)[1].split()
        total += int(words[11]) + int(words[12])
    return total


@case("fail: spinning workers are skipped within 3 s, or replaced (B15)")
def spinning(lab):
    lab.log_ok, lab.restarted = r"inspector|worker|keeper", True
    pid = lab.inspector()
    tids = workers(pid)
    holds(tids, "the inspector has no threads but its first")
    spin = Spin(tids)
    ended = []

    def resume():
        holds(cpu_ticks(tids, pid) - busy[0] > 20, "the workers did not spin")
        ended.append(spin.__exit__())
    busy = [0]

    def begin():
        spin.__enter__()
        busy[0] = cpu_ticks(tids, pid)
    try:
        hang(lab, begin, resume)
    finally:
        if not ended and alive(pid):
            spin.__exit__()


@case("fail: bypass works with the daemon dead, survives its start, and ends (B22)")
def bypass(lab):
    lab.direct, lab.restarted = {LINE}, True
    lab.end_daemon(signal.SIGKILL)
    begun = time.monotonic()
    lab.postern("bypass", "on")
    same(attempt(lab)[0], "direct", "bypass with the daemon dead")
    holds(time.monotonic() - begun < 1.0, "bypass took longer than 1 s")
    lab.start_daemon()
    same(attempt(lab)[0], "direct", "bypass after the daemon's start")
    holds("bypass" in lab.postern("status"), "bypass is not in the status")
    lab.wait_counter("bypass", 1, lab.counted)
    lab.postern("bypass", "off")
    same(attempt(lab)[0], "steered", "bypass off")
    lab.postern("bypass", "on", "--for", "2s")
    same(attempt(lab)[0], "direct", "bypass with an expiry")
    until(lambda: attempt(lab)[0] == "steered", "the bypass to lapse", 4)


@case("fail: bypass with a stopped daemon (B22)")
def bypass_stopped(lab):
    lab.direct, lab.restarted = {LINE}, True
    lab.log_ok = r"inspector|worker|clerk"
    pids = [lab.pid(), lab.inspector()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        lab.postern("bypass", "on")
        same(attempt(lab)[0], "direct", "bypass while the daemon is stopped")
        lab.postern("bypass", "off")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    until(lambda: attempt(lab, patience=1)[0] == "steered", "steering", 5)


class Direct:
    """Sessions opened before the filter; each completes a message at the end."""

    def __init__(self, lab, count):
        self.lab, self.sessions = lab, []
        for number in range(count):
            v6 = number % 4 == 3
            line = f"2001:db8:64:{1 + number % 20}::2" if v6 else f"10.64.0.{2 + number % 250}"
            lab.direct.add(line)
            session = lab.client(line, MX6 if v6 else MX4)
            session.hello()
            self.sessions.append(session)

    def noop(self, when):
        for session in self.sessions:
            begins(session.command("NOOP"), "250", f"{session.source} {when}")

    def complete(self):
        for session in self.sessions:
            begins(session.mail(client.message()), "250", session.source)
            session.quit()


@case("fail: direct sessions survive start, reload, crash, stop, bypass (B23)", "direct",
      daemon=False)
def survive(lab):
    lab.log_ok = r"inspector"
    sessions = Direct(lab, size(24, 200))
    lab.postern("up")
    sessions.noop("after up")
    lab.start_daemon()
    sessions.noop("after the daemon's start")
    same(attempt(lab)[0], "steered", "a new connection")
    os.kill(lab.pid(), signal.SIGHUP)
    sessions.noop("after a reload")
    os.kill(lab.inspector(), signal.SIGKILL)
    sessions.noop("after the inspector's crash")
    until(lambda: attempt(lab, patience=1)[0] == "steered", "the inspector", 5)
    lab.end_daemon(signal.SIGKILL)
    sessions.noop("after the daemon's crash")
    lab.start_daemon()
    lab.postern("bypass", "on")
    sessions.noop("with bypass on")
    lab.postern("bypass", "off")
    lab.postern("up")
    sessions.noop("after another up")
    lab.end_daemon()
    sessions.noop("after the daemon's stop")
    lab.postern("down")
    sessions.complete()
    print(f"# {len(sessions.sessions)} sessions")


@case("fail: SYN cookies forced: sessions work, a direct one survives (F8 to F11)",
      "cookies", daemon=False)
def cookies(lab):
    lab.run("rtr", "sysctl", "-q", "-w", "net.ipv4.tcp_syncookies=2")
    sessions = Direct(lab, 4)
    lab.postern("up")
    lab.start_daemon()
    before = lab.counters()
    for line, target in ((LINE, MX4), ("2001:db8:64:20::2", MX6)):
        begins(lab.send(line, client.message(), target), "250", f"{line} with cookies")
    lab.wait_counter("steered_cookie", 2, before)
    sessions.complete()
    lab.end_daemon()
    lab.postern("down")


@case("fail: what up made, down takes away", "down", daemon=False)
def down(lab):
    def state():
        looks = (("ip", "-d", "link"), ("tc", "qdisc", "show"), ("ip", "rule"),
                 ("ip", "-6", "rule"), ("ip", "route", "show", "table", "all"),
                 ("tc", "filter", "show", "dev", "sub0", "ingress"))
        text = "\n".join(lab.run("rtr", *look).stdout for look in looks)
        with open("/proc/self/mounts", encoding="utf-8") as f:
            mounts = [line for line in f if lab.dir in line]
        return text, mounts
    before = state()
    for _ in range(2):
        lab.postern("up")
    holds(state() != before, "up changed nothing")
    lab.postern("down")
    same(state()[0], before[0], "links, filters, rules and routes after down")
    same(state()[1], before[1], "mounts after down")
    lab.postern("down")


if __name__ == "__main__":
    main()
