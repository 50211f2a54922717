#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Bar B43: judging takes time in proportion to the message, whatever it holds.

Counts instructions with callgrind for one message of each kind that
verdict_bench makes, at n and 2n octets, less those of an empty message, and
fails where count(2n) / count(n) is above 2.3. Without POSTERN_NIGHTLY and
without names, only a few kinds are tried.

    test_linear.py [--octets N] [KIND...]
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BENCH = os.path.join(TOP, os.environ.get("BUILD", "build"), "bench", "verdict_bench")
LIMIT = 2.3
NIGHTLY = bool(os.environ.get("POSTERN_NIGHTLY"))
QUICK = ["html", "folds", "schemes", "users", "ampersands", "boundaries"]


def instructions(kind, octets):
    """Instructions of one run that judges one message."""
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         BENCH, "--once", kind, "--octets", str(octets)],
        capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


def all_kinds():
    """Their names, from the message about a wrong one."""
    run = subprocess.run([BENCH, "--once", "?"], capture_output=True, text=True, check=False)
    return run.stderr.split("expected one of ")[1].split()


def main():
    """Measure and say; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--octets", type=int, default=200000 if NIGHTLY else 50000)
    parser.add_argument("kinds", nargs="*")
    args = parser.parse_args()
    if not shutil.which("valgrind") or not os.path.exists(BENCH):
        print("skip linear - valgrind or build/bench/verdict_bench is missing")
        return 0
    failed = 0
    for kind in args.kinds or (all_kinds() if NIGHTLY else QUICK):
        start = instructions(kind, 0)
        once = instructions(kind, args.octets) - start
        twice = instructions(kind, 2 * args.octets) - start
        good = twice <= LIMIT * once
        failed += not good
        print(f"{'ok' if good else 'not ok'} linear: {kind} {once / args.octets:.1f} instructions "
              f"for each octet, ratio {twice / once:.2f}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
