#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Line coverage of userspace/smtp and userspace/session: `make coverage`.

Runs unit tests, scenarios and each fuzzer's corpus, all built with gcc
--coverage into BUILD, and prints the covered lines of each file. Fails below
95 % of the lines of both folders together, but for two files: what they do
cannot be counted, because the process that does it may open no file to write
counters to. Both totals are printed.

usage: coverage.py BUILD [-v]     -v: the lines that were not run
"""

import glob
import json
import os
import subprocess
import sys

FOLDERS = ("userspace/smtp", "userspace/session")
LEAST = 95.0
# The inspector's process under its system call filter: test_daemon, test_relay and
# others run it, session_sandbox_test the filter.
UNCOUNTED = ("userspace/session/inspector.c", "userspace/session/sandbox.c")


def run(command):
    """Counters of an earlier run are gone; a test that fails fails this."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    if done.returncode:
        sys.stdout.write(done.stdout.decode(errors="replace")[-3000:])
        sys.exit(f"coverage.py: {command[0]} ended with {done.returncode}")


def measure(build):
    """{file: {line: was it run}} of all objects of both folders."""
    lines = {}
    for folder in FOLDERS:
        for note in sorted(glob.glob(f"{build}/{folder}/*.gcno")):
            out = subprocess.run(["gcov", "--json-format", "--stdout", note],
                                 check=True, capture_output=True).stdout
            for unit in json.loads(out)["files"]:
                if unit["file"].startswith(FOLDERS):
                    seen = lines.setdefault(unit["file"], {})
                    for line in unit["lines"]:
                        n = line["line_number"]
                        seen[n] = seen.get(n, False) or line["count"] > 0
    return lines


def total(lines, names, what):
    """Print and return the share of all lines of these files, in per cent."""
    all_lines = sum(len(lines[name]) for name in names)
    hit = sum(sum(lines[name].values()) for name in names)
    share = 100 * hit / max(all_lines, 1)
    print(f"{share:6.1f} %  {hit:5d} of {all_lines:5d}  {what}")
    return share


def report(lines, show):
    """A line a file, then the totals; returns the one that counts, in per cent."""
    for name in sorted(lines):
        seen = lines[name]
        print(f"{100 * sum(seen.values()) / len(seen):6.1f} %  "
              f"{sum(seen.values()):5d} of {len(seen):5d}  {name}")
        if show:
            print("          ", *[n for n in sorted(seen) if not seen[n]])
    total(lines, lines, "in all")
    return total(lines, [name for name in lines if name not in UNCOUNTED],
                 "without " + " and ".join(map(os.path.basename, UNCOUNTED)))


def main():
    build = sys.argv[1]
    for old in glob.glob(f"{build}/**/*.gcda", recursive=True):
        os.unlink(old)
    run([f"{build}/unit", "-j2"])
    run([f"{build}/scenario"])
    for fuzzer in sorted(glob.glob(f"{build}/replay/*_fuzz")):
        name = os.path.basename(fuzzer)[:-len("_fuzz")]
        run([fuzzer, *sorted(glob.glob(f"selftests/fuzz/corpus/{name}/*"))])
    share = report(measure(build), "-v" in sys.argv)
    if share < LEAST:
        sys.exit(f"coverage.py: {share:.1f} % of the lines were run, expected {LEAST} %")


if __name__ == "__main__":
    main()
