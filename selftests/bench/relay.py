#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The whole path: one-message sessions of smtp-source to smtp-sink, direct (the
line exempt) and through Postern, pass by pass in turn; the median counts."""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "net"))
import labtest
import watch

PASSES = 7
CASES = ((1000, 1, 300), (1000, 10, 3000), (10000, 10, 2000), (100000, 10, 500))
TICKS = os.sysconf("SC_CLK_TCK")


def processor(lab):
    """CPU seconds that keeper, clerk and inspector have used."""
    used = 0
    for pid in watch.family(lab.pid()):
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        fields = text.rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used / TICKS


def rate(lab, octets, sessions, messages):
    """Messages a second, and CPU seconds of the daemon for 1,000 of them."""
    before, begun = processor(lab), time.monotonic()
    lab.run("sub", "/usr/sbin/smtp-source", "-l", str(octets), "-m", str(messages), "-s",
            str(sessions), "-f", "a@example.net", "-t", "b@example.org",
            f"inet:{labtest.MX4}:25", timeout=120)
    took = time.monotonic() - begun
    return messages / took, (processor(lab) - before) * 1000 / messages


def source_line(lab):
    """The address that smtp-source will use."""
    return re.search(r"src (\S+)", lab.run("sub", "ip", "route", "get", labtest.MX4).stdout)[1]


def compare(lab, line, case):
    ratios, plain, through, cpu = [], [], [], []
    rate(lab, *case)
    for _ in range(PASSES):
        lab.postern("exempt", "add", line, "--why", "bench")
        direct, _ = rate(lab, *case)
        lab.postern("exempt", "del", line)
        steered, cost = rate(lab, *case)
        plain.append(direct)
        through.append(steered)
        ratios.append(steered / direct)
        cpu.append(cost)
    print("%7d octets, %3d sessions: %7.0f messages/s direct, %7.0f through, ratio %.2f, "
          "%.3f CPU s per 1,000" % (case[0], case[1], statistics.median(plain),
                                    statistics.median(through), statistics.median(ratios),
                                    statistics.median(cpu)), flush=True)


def main():
    with labtest.Lab(sink=False) as lab:
        sink = lab.popen("mx", "/usr/sbin/smtp-sink", "-c", "-u", "nobody",
                         f"inet:{labtest.MX4}:25", "1000",
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            line = source_line(lab)
            labtest.until(lambda: b":25 " in subprocess.run(
                lab.command("mx", ["ss", "-ltnH"]), capture_output=True, check=True).stdout,
                          "the sink to listen")
            for case in CASES:
                compare(lab, line, case)
        finally:
            sink.terminate()
            sink.wait()


if __name__ == "__main__":
    main()
