#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Arguments of the postern CLI, good and bad, without any steering.

Every row runs build/postern on a run directory of its own in which nothing is
loaded. A bad argument ends in status 2 and names itself and what was expected;
a good one comes as far as "steering is not loaded". Nothing is ever created.
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
POSTERN = os.path.join(os.path.abspath(os.environ.get("BUILD", f"{TOP}/build")), "postern")

# Command, and what standard error must say (all of it in one line); status 2.
BAD = [
    ("", None),
    ("frobnicate", "frobnicate: no such command"),
    ("pool", "no such command, or not all of it"),
    ("pool frobnicate", "pool frobnicate: no such command"),
    ("--frobnicate", "--frobnicate: no such option"),
    ("--conf", "--conf: expected a value"),
    ("counters --frobnicate", "--frobnicate: no such option"),
    ("counters extra", "extra: one argument too many"),
    ("up now", "now: one argument too many"),
    ("pool add", "expected PREFIX"),
    ("pool add 10.64.0.1/16", "10.64.0.1/16: bits are set behind the prefix length"),
    ("pool add 10.64.0.0/33", "10.64.0.0/33: prefix length out of range"),
    ("pool add 10.64.0.0/-1", "10.64.0.0/-1: expected an address or a prefix"),
    ("pool add 2001:db8::/129", "2001:db8::/129: prefix length out of range"),
    ("pool add ten", "ten: expected an address or a prefix"),
    ("pool add 10.64.0.0/16 10.65.0.0/16", "10.65.0.0/16: one argument too many"),
    ("pool add 10.64.0.0/16 --treatment inherit", "--treatment inherit: expected one of steer"),
    ("pool add 10.64.0.0/16 --treatment", "--treatment: expected a value"),
    ("pool add 10.64.0.0/16 --line 15", "--line 15: expected a whole number from 16 to 32"),
    ("pool add 10.64.0.0/16 --line 33", "--line 33: expected a whole number from 16 to 32"),
    ("pool add 2001:db8::/48 --line 47", "--line 47: expected a whole number from 48 to 128"),
    ("pool add 10.64.0.0/16 --rollout 101%", "--rollout 101: expected a whole number from 0"),
    ("pool add 10.64.0.0/16 --rollout half", "--rollout half: expected a share"),
    ("pool add 10.64.0.0/16 --rollout 1e1%", "--rollout 1e1%: expected a share"),
    ("pool add 10.64.0.0/16 --rollout %", "--rollout %: expected a share"),
    ("pool del", "expected PREFIX"),
    ("pool rollout 10.64.0.0/16", "expected PREFIX N%"),
    ("pool rollout 10.64.0.0/16 200%", "rollout 200: expected a whole number from 0 to 100"),
    ("exempt add", "expected ADDRESS|PREFIX|SUBSCRIBER"),
    ("exempt add 10.64.0.5 --until yesterday", "--until yesterday: expected a time such as"),
    ("exempt add 10.64.0.5 --until 2001-01-01", "--until 2001-01-01: that time is past"),
    ("exempt add 10.64.0.5 --until 2047-02-30", "--until 2047-02-30: expected a time"),
    ("exempt add 10.64.0.5 --until 2047-01-31T25:00", "expected a time"),
    ("exempt add 10.64.0.5 --for 2", "--for 2: expected a length of time"),
    ("exempt add 10.64.0.5 --for 2w", "--for 2w: expected a length of time"),
    ("exempt add 10.64.0.5 --for -2h", "--for -2h: expected a length of time"),
    ("exempt add 10.64.0.5 --for 0s", "--for 0s: expected 1s to 3650d"),
    ("exempt add 10.64.0.5 --for 3651d", "--for 3651d: expected 1s to 3650d"),
    ("exempt add 10.64.0.5 --for 99999999999999999999d", "expected 1s to 3650d"),
    ("exempt add 10.64.0.5 --for=", "--for : expected a length of time"),
    ("exempt add 10.64.0.5 --for 2h --until 2047-01-31", "--until and --for together"),
    ("exempt add 10.64.0.5 --why " + "x" * 256, "--why: expected at most 255 octets"),
    ("refuse del", "expected ADDRESS|PREFIX|SUBSCRIBER"),
    ("subscriber bind alice", "expected NAME ADDRESS"),
    ("subscriber bind alice 10.64.0.0/24", "10.64.0.0/24: expected an address"),
    ("subscriber unbind alice", "alice: expected an address or a prefix"),
    ("destination add 192.0.2.1 --pass --class x", "--pass and --class together"),
    ("destination add mx.example", "mx.example: expected an address or a prefix"),
    ("mode", "expected enforce|shadow"),
    ("mode off", "mode off: expected one of enforce, shadow"),
    ("bypass", "no such command, or not all of it"),
    ("bypass on --for 10", "--for 10: expected a length of time"),
    ("bypass on now", "now: one argument too many"),
]

# These are right, as far as can be told without steering; status 1.
GOOD = [
    "counters", "counters --json --all", "--json counters", "pool list", "class list",
    "pool add 10.64.0.0/16 --class a --treatment refuse --line 32 --rollout 25%",
    "pool add --rollout=0 2001:db8::/32 --line 56 --block-inbound",
    "pool rollout 10.64.0.0/16 0", "pool del ::/0",
    "exempt add 10.64.0.5", "exempt add 10.64.0.5 --for 1h30m", "refuse add alice --new",
    "exempt add --until 2047-01-31 10.64.0.5", "exempt add x --until 2047-01-31T18:00:00Z",
    "exempt del --subscriber aa:bb:cc:dd:ee:ff", "subscriber bind alice 10.64.0.5",
    "destination add 192.0.2.0/24 --class x", "destination list --all", "mode shadow",
    "bypass on --for 10m --why panic", "bypass off", "watch",
]


class Place:
    """A run and a state directory of this process, and a configuration."""

    def __init__(self, top):
        self.top = top
        self.conf = f"{top}/postern.conf"
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f'run_dir = "{top}/run"\nstate_dir = "{top}/state"\n')

    def run(self, words, conf=None, **more):
        env = {**os.environ, "POSTERN_CONF": conf or self.conf, "TZ": "UTC", "LC_ALL": "C"}
        return subprocess.run([POSTERN, *words], capture_output=True, text=True, timeout=20,
                              env=env, check=False, **more)


def bad_arguments(place):
    for command, words in BAD:
        # Only the last argument may hold blanks.
        done = place.run(command.split())
        assert done.returncode == 2, f"{command!r}: status {done.returncode}: {done.stderr}"
        assert words is None or words in done.stderr, f"{command!r}: said {done.stderr!r}"


def good_arguments(place):
    for command in GOOD:
        done = place.run(command.split())
        assert done.returncode == 1, f"{command!r}: status {done.returncode}: {done.stderr}"
        assert "steering is not loaded; run `postern up`" in done.stderr, \
            f"{command!r}: said {done.stderr!r}"


def nothing_is_created(place):
    names = sorted(os.listdir(place.top))
    assert names == ["postern.conf"], f"found {names}"


def times_with_blanks(place):
    done = place.run(["exempt", "add", "10.64.0.5", "--until", "2047-01-31 18:00"])
    assert "steering is not loaded" in done.stderr, done.stderr
    done = place.run(["exempt", "add", "10.64.0.5", "--until", "2047-01-31 18:00 h"])
    assert done.returncode == 2, done.stderr


def commands():
    """The commands that the program's own help lists."""
    done = subprocess.run([POSTERN, "--help"], capture_output=True, text=True, timeout=20,
                          check=True)
    block = done.stdout.split("Commands:\n", 1)[1].split("\n\n", 1)[0]
    names = []
    for line in block.splitlines():
        words = line.split()
        if not line.startswith("   "):
            pair = len(words) > 1 and words[1].islower() and words[0] in (
                "pool", "class", "exempt", "refuse", "subscriber", "destination", "bypass")
            names.append(words[:2] if pair else words[:1])
    return names


def every_command_has_help(place):
    found = commands()
    assert len(found) > 25, found
    for words in found:
        done = place.run([*words, "--help"])
        assert done.returncode == 0, f"{words}: status {done.returncode}"
        assert done.stdout.startswith(f"Usage: postern {' '.join(words)}"), done.stdout
        assert not done.stderr, done.stderr


def version_and_help(place):
    assert place.run(["--version"]).stdout.startswith("postern ")
    assert place.run(["--help"]).returncode == 0
    assert "pool rollout" in place.run(["pool", "--help"]).stdout


def faults_of_the_file_are_named(place):
    conf = f"{place.top}/../bad-{os.getpid()}.conf"
    with open(conf, "w", encoding="ascii") as f:
        f.write("wrokers = 2\n")
    try:
        done = place.run(["counters"], conf=conf)
        assert done.returncode == 1, done.returncode
        assert f"{conf}:1:" in done.stderr and "wrokers" in done.stderr, done.stderr
        done = place.run(["bypass", "on"], conf=conf)
        assert "going on with the defaults" in done.stderr, done.stderr
    finally:
        os.unlink(conf)


def a_missing_file_is_named(place):
    done = place.run(["counters", "--conf", "/nonexistent/postern.conf"])
    assert done.returncode == 1, done.returncode
    assert "/nonexistent/postern.conf" in done.stderr, done.stderr


def control_octets_are_escaped(place):
    done = place.run(["pool", "add", "\x1b[31mred\n"])
    assert done.returncode == 2, done.returncode
    assert "\x1b" not in done.stderr and "\\x1b[31mred\\x0a" in done.stderr, repr(done.stderr)
    done = place.run(["\x1b]0;title\x07"])
    assert done.returncode == 2 and "\x1b" not in done.stderr, repr(done.stderr)


def needs_root(place):
    done = place.run(["counters"], user=65534, group=65534)
    assert done.returncode == 1, done.returncode
    assert "needs root" in done.stderr, done.stderr
    done = place.run(["reasons"], user=65534, group=65534)
    assert done.returncode == 0, done.stderr


def reasons_as_json(place):
    done = place.run(["reasons", "--json"])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["number"] for row in rows] == list(range(len(rows)))
    assert all(set(row) == {"number", "name", "origin", "effect", "text"} for row in rows)
    assert len({row["name"] for row in rows}) == len(rows)


def the_manual_of_counters_is_current(place):
    made = place.run(["manual", "counters"]).stdout
    with open(f"{TOP}/doc/counters.rst", encoding="utf-8") as f:
        assert f.read() == made, "run: build/postern manual counters >doc/counters.rst"


def the_manual_names_every_command_and_option(place):
    with open(f"{TOP}/doc/postern.8.rst", encoding="utf-8") as f:
        manual = f.read()
    for words in commands():
        assert f"``{' '.join(words)}" in manual, f"doc/postern.8.rst lacks {' '.join(words)}"
        usage = place.run([*words, "--help"]).stdout.split("Options of every command")[0]
        for word in usage.split():
            if word.startswith("--"):
                assert f"``{word}" in manual, f"doc/postern.8.rst lacks {word} of {words}"


def standard_output_that_fails(place):
    with open("/dev/full", "w", encoding="ascii") as full:
        env = {**os.environ, "POSTERN_CONF": place.conf}
        done = subprocess.run([POSTERN, "reasons"], stdout=full, stderr=subprocess.PIPE,
                              text=True, env=env, timeout=20, check=False)
    assert done.returncode == 1, done.returncode
    assert "standard output" in done.stderr, done.stderr


CASES = [bad_arguments, good_arguments, times_with_blanks, nothing_is_created,
         every_command_has_help, version_and_help, faults_of_the_file_are_named,
         a_missing_file_is_named, control_octets_are_escaped, needs_root, reasons_as_json,
         the_manual_of_counters_is_current, the_manual_names_every_command_and_option,
         standard_output_that_fails]


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="cli-args-") as top:
        os.chmod(top, 0o755)
        place = Place(top)
        for case in CASES:
            try:
                case(place)
                print(f"ok {case.__name__}", flush=True)
            except (AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"not ok {case.__name__} - {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
