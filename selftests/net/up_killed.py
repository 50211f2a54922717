#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""`postern up` and `postern down`, killed or failed at their system calls: the
next one repairs, and an error takes back what was done (B21).

The places are spread over the run; the nightly run takes every one.
"""

import re

from labtest import Skip, holds, same, size
from routertest import SUB, case, main, same_state, sh


# What changes something: (system call, pattern in strace's line).
CHANGES = [
    ("mount", ""), ("umount2", ""), ("mkdir", ""), ("rmdir", ""), ("unlink", ""),
    ("sendto", "RTM_NEW|RTM_DEL|nlmsg_type=0x2[cde]"),
    ("bpf", "BPF_OBJ_PIN|BPF_LINK|BPF_MAP_UPDATE|BPF_MAP_DELETE|BPF_PROG_LOAD|BPF_MAP_CREATE"),
]


def trace(r, verb):
    """The changing system calls of a run: [(call, number of it in the run)]."""
    log = f"{r.dir}/trace"
    calls = ",".join(call for call, _ in CHANGES)
    r.postern(verb, "strace", "-f", "-qq", "-e", f"trace={calls}", "-o", log)
    counts, found = {}, []
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            match = re.match(r"\d+ +(\w+)\(", line)
            if not match:
                continue
            call = match[1]
            counts[call] = counts.get(call, 0) + 1
            if re.search(dict(CHANGES)[call], line):
                found.append((call, counts[call]))
    return found


def spread(rows, most):
    """At most so many of the rows: every one in the nightly run."""
    most = size(most, len(rows))
    step = max(1, len(rows) / most)
    return [rows[int(i * step)] for i in range(min(most, len(rows)))]


def injected(r, verb, fault, call, number):
    """Run the verb with a fault at the n-th of such calls; what it was."""
    return r.postern(verb, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                     "-e", f"inject={call}:{fault}:when={number}", check=False)


def strace_works(r):
    if sh("strace", "-qq", "-o", "/dev/null", "true", check=False).returncode:
        raise Skip("strace does not work here")
    holds(r.dir, "no router")


def kill_and_repair(r, verb, prepare, repair, wanted):
    prepare()
    rows = trace(r, verb)
    holds(len(rows) > 5, f"only {len(rows)} changes seen")
    print(f"# {verb}: {len(spread(rows, 14))} of {len(rows)} places", flush=True)
    for call, number in spread(rows, 14):
        prepare()
        injected(r, verb, "signal=KILL", call, number)
        getattr(r, repair)()
        same_state(r.shape(), wanted, f"{verb} killed at {call} {number}, then {repair}")


@case("killed: a first up, then up")
def killed_up(r):
    strace_works(r)
    r.up()
    wanted = r.shape()
    kill_and_repair(r, "up", r.down, "up", wanted)


@case("killed: a first up, then down")
def killed_up_down(r):
    strace_works(r)
    wanted = r.shape()
    kill_and_repair(r, "up", r.down, "down", wanted)


@case("killed: an up over a running one, then up")
def killed_again(r):
    strace_works(r)
    r.up()
    kill_and_repair(r, "up", lambda: None, "up", r.shape())


@case("killed: a down, then down")
def killed_down(r):
    strace_works(r)
    wanted = r.shape()
    kill_and_repair(r, "down", r.up, "down", wanted)


@case("killed: a down, then up")
def killed_down_up(r):
    strace_works(r)
    r.up()
    kill_and_repair(r, "down", r.up, "up", r.shape())


def fail_and_compare(r, prepare):
    """An up that meets an error anywhere leaves what was there before it."""
    prepare()
    rows = trace(r, "up")
    prepare()
    before = r.state()
    failed = 0
    for call, number in spread(rows, 20):
        done = injected(r, "up", "error=ENOMEM", call, number)
        if "steering is not up" not in done.stderr:
            prepare()	# it could do without, or the state store met the fault
            before = r.state()
            continue
        failed += 1
        holds("postern: " in done.stderr, f"not a word about {call} {number}")
        same_state(r.state(), before, f"{call} {number} failed ({done.stderr.strip()})")
    holds(failed > 5, f"only {failed} failures")


@case("failed: a first up takes everything back")
def failed_fresh(r):
    strace_works(r)
    fail_and_compare(r, r.down)


@case("failed: XDP in every mode, so that tc screens")
def no_xdp(r):
    strace_works(r)
    log = f"{r.dir}/trace"
    r.postern("up", "strace", "-f", "-qq", "-e", "trace=bpf", "-o", log)
    r.down()
    with open(log, encoding="utf-8", errors="replace") as f:
        calls = [line for line in f if " bpf(" in line]
    first = next(i for i, line in enumerate(calls, 1)
                 if "BPF_LINK_CREATE" in line and "BPF_XDP" in line)
    done = injected(r, "up", "error=EOPNOTSUPP", "bpf", f"{first}..{first + 1}")
    same(done.returncode, 0, f"exit status ({done.stderr})")
    holds(f"{SUB}: XDP does not work here" in done.stderr, done.stderr)
    same(r.program(SUB), "postern_steer_s", "tc program (postern_steer_screen, cut)")
    r.up()
    same((r.program(SUB), bool(r.xdp())), ("postern_steer", True), "after another up")


@case("failed: an up over a running one puts its programs back")
def failed_over(r):
    strace_works(r)
    r.up()
    fail_and_compare(r, lambda: None)


if __name__ == "__main__":
    main()
