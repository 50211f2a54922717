# SPDX-License-Identifier: GPL-2.0
"""`postern judge` for the tests of this folder."""
import json
import os
import subprocess

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
POSTERN = os.environ.get("POSTERN", os.path.join(TOP, os.environ.get("BUILD", "build"), "postern"))
CORPUS = os.path.join(TOP, "..", "shared", "corpus")
DATA = os.path.join(TOP, "selftests", "data")


def run(*args, stdin=b""):
    """`postern judge ARGS` under the default configuration unless told otherwise."""
    args = list(args)
    if "--conf" not in args:
        args = ["--conf", "/dev/null"] + args
    return subprocess.run([POSTERN, "judge"] + args, input=stdin, capture_output=True, check=False)


def judge(*args, stdin=b""):
    """The records of all messages; raises when judge did not say 0."""
    done = run(*args, stdin=stdin)
    if done.returncode:
        raise RuntimeError(f"judge said {done.returncode}: {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def rules(record):
    """The names of what was found in a message."""
    return {finding["rule"] for finding in record["findings"]}
