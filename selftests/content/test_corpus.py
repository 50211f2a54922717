#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the shipped engines make of real mail, source by source.

Needs ../shared/corpus beside the checkout (skipped without). Each message is
judged as a subscriber's machine would have submitted it: what receivers,
relays and lists add is taken out of its header first. Fails when more than 1
in 1,000 of any source of wanted mail is refused. The share of unwanted mail
that is refused is only said: rules and links alone find little of it.

    test_corpus.py [--list]    --list names the refused messages
"""
import argparse
import collections
import os
import re
import sys
import tarfile
import tempfile

import judge

ARCHIVES = ["mail-dev.tar.xz", "phishing-dev.tar.xz"]
MOST_HAM = 1 / 1000

# Fields that only a receiver, a relay or a list adds.
ADDED = re.compile(
    rb"(received|return-path|delivered-to|x-original-to|envelope-to|x-envelope-\S*|"
    rb"authentication-results|arc-\S*|dkim-signature|domainkey-\S*|received-spf|"
    rb"x-spam\S*|x-virus\S*|x-ms-exchange-\S*|x-forefront-\S*|x-microsoft-antispam\S*|"
    rb"x-sid-\S*|x-incomingtopheader\S*|x-mailman\S*|list-\S*|x-list\S*|mailing-list|"
    rb"precedence|x-beenthere|errors-to|x-loop|x-been\S*|sender|status|x-status|x-keywords|"
    rb"x-uid\S*|x-pyzor|x-bogosity|x-sonic\S*|old-return-path|resent-\S*)[ \t]*:", re.I)


def as_submitted(message):
    """The message without the fields of ADDED."""
    end = re.search(rb"\r?\n\r?\n", message)
    if not end:
        return message
    fields = re.split(rb"\r?\n(?![ \t])", message[:end.start()])
    kept = [field for field in fields if not ADDED.match(field)]
    return b"\n".join(kept) + message[end.start():]


def unpack(archive, into):
    """Write each message of the archive, as submitted, below @into."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isfile():
                continue
            path = os.path.normpath(os.path.join(into, member.name))
            if not path.startswith(into + os.sep):
                raise ValueError(f"{member.name}: leads out of the archive")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(as_submitted(tar.extractfile(member).read()))


def measure(folder, listing):
    """Judge all below @folder and say the figures. Returns the number of faults."""
    total, refused = collections.Counter(), collections.Counter()
    found = collections.defaultdict(collections.Counter)
    for record in judge.judge(folder):
        path = os.path.relpath(record["file"], folder)
        source = os.path.dirname(path)
        total[source] += 1
        found[source].update(judge.rules(record))
        if record["verdict"] != "accept":
            refused[source] += 1
            if listing:
                print(f"# {path} {record['score']} {' '.join(sorted(judge.rules(record)))}")
    faults = 0
    for source in sorted(total):
        rate = refused[source] / total[source]
        spam = source.split(os.sep)[0] == "spam"
        good = spam or rate <= MOST_HAM
        faults += not good
        print(f"{'ok' if good else 'not ok'} corpus: {source} {total[source]} messages, "
              f"{refused[source]} refused, {100 * rate:.2f} % - "
              + (", ".join(f"{rule} {n}" for rule, n in found[source].most_common()) or "nothing"))
    return faults


def main():
    """Unpack, measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    archives = [os.path.join(judge.CORPUS, name) for name in ARCHIVES]
    if not all(os.path.exists(archive) for archive in archives):
        print("skip corpus - ../shared/corpus is not there")
        return 0
    with tempfile.TemporaryDirectory(prefix="postern-corpus.") as folder:
        for archive in archives:
            unpack(archive, folder)
        return 1 if measure(folder, args.list) else 0


if __name__ == "__main__":
    sys.exit(main())
