# SPDX-License-Identifier: GPL-2.0
"""The runner of a file's cases, and the one door to what they need (lab.py).

A test file makes cases with @case and calls main(). Cases of one file share a
lab (name from the process id) one after the other; after each of them the
invariants are checked over what happened in it. Each case prints one line:
"ok NAME", "not ok NAME - why" or "skip NAME - why".
"""

import os
import signal
import sys
import traceback

# Test files take all of these from here.
from lab import (BUILD, GTUBE, MX4, MX6, NIGHTLY, TOP, Failure, Lab, Skip, alive,
                 begins, conf, holds, same, settle, size, until)

CASES = []


def case(name, lab="", text=None, **options):
    """@case("what it shows"): a case in the lab with this tag and configuration."""
    def register(function):
        CASES.append((name, lab, text, options, function))
        return function
    return register


def verdict(name, function, lab):
    """Run one case; returns its line."""
    try:
        if lab:
            lab.begin()
        function(lab)
        wrong = lab.violations() if lab else []
        if wrong:
            raise Failure("; ".join(wrong[:4]))
        return f"ok {name}"
    except Skip as why:
        return f"skip {name} - {why}"
    except Failure as why:
        return f"not ok {name} - {why}"
    except Exception as fault:		# whatever it is, the other cases still run
        where = traceback.extract_tb(fault.__traceback__)
        at = next((f for f in reversed(where) if f.filename != __file__), where[-1])
        return (f"not ok {name} - {type(fault).__name__}: {fault} "
                f"({os.path.basename(at.filename)}:{at.lineno} {at.line})")


def keep_logs(lab):
    for name, lines in (("daemon.log", 6), ("log/events.json", 4), ("sink/ledger.jsonl", 8)):
        print(f"# {name}:")
        for line in lab.log_lines(name)[-lines:]:
            print(f"#   {line.rstrip()[:400]}")


def run_lab(key, wanted):
    """All wanted cases of one lab; returns the number that failed."""
    tag, text, options = key
    cases = [row for row in wanted if (row[1], row[2], row[3]) == (tag, text, options)]
    lab = Lab(tag, text, **options)
    try:
        lab.up()
    except Failure as why:
        for row in cases:
            print(f"not ok {row[0]} - {why}", flush=True)
        return len(cases)
    bad = 0
    try:
        for name, _, _, _, function in cases:
            line = verdict(name, function, lab)
            print(" ".join(line.split("\n")), flush=True)
            if line.startswith("not ok"):
                bad += 1
                keep_logs(lab)
    finally:
        lab.down()
    return bad


def main():
    """Run the cases of this file; arguments are parts of names to pick some."""
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))
    wanted = [row for row in CASES
              if not sys.argv[1:] or any(part in row[0] for part in sys.argv[1:])]
    keys = []
    for row in wanted:
        if (row[1], row[2], row[3]) not in keys:
            keys.append((row[1], row[2], row[3]))
    sys.exit(bool(sum(run_lab(key, wanted) for key in keys)))
