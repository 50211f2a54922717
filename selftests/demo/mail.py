#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Mail for the demo: real mail where the corpus is at hand, else our own.

usage: mail.py choose POSTERN FOLDER SOURCE     FOLDER/ham-N.eml, spam-N.eml
       mail.py wire FILE                        to standard output, for swaks
       mail.py same SENT ARRIVED                exit 0 when the content is the same
       mail.py top ARRIVED                      Postern's Received: line, if any

SOURCE is the folder of the corpus (mail-dev.tar.xz) or of messages named
*ham* and *spam*. What a receiver or relay had added to a message is taken
out: a subscriber's machine never sends it. POSTERN (the program) judges what
is chosen, so that the spam is mail that it refuses and the ham is not.
"""

import json
import os
import re
import subprocess
import sys
import tarfile

TRACE = re.compile(
    rb"(received|return-path|delivered-to|authentication-results|arc-.*|x-spam.*|list-.*|"
    rb"x-mailman.*|dkim-signature|domainkey-signature|received-spf|x-original-to|"
    rb"x-loop|errors-to|precedence|sender|x-beenthere|mailing-list|x-virus.*|"
    rb"x-received|x-pop3.*|x-uid.*|status|x-status|x-keywords|x-google.*|x-mozilla.*|"
    rb"x-barracuda.*|x-asg.*|x-account-key|x-ironport.*|archived-at|x-original.*)$", re.I)
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
WANTED = 2		# of each kind
CANDIDATES = 300	# spam that is put before the judge


def as_submitted(octets):
    """CRLF line ends and no trace fields; None when it is no plain message."""
    octets = octets.replace(b"\r\n", b"\n")
    if b"\r" in octets or b"\0" in octets or b"\n\n" not in octets:
        return None
    head, body = octets.split(b"\n\n", 1)
    fields = re.split(rb"\n(?![ \t])", head)
    kept = [field for field in fields if b":" in field.split(b"\n")[0] and
            not TRACE.match(field.split(b":")[0].strip())]
    text = b"\n".join(kept) + b"\n\n" + body
    if not kept or max(map(len, text.split(b"\n"))) > 900 or len(text) > 60000:
        return None
    return (text if text.endswith(b"\n") else text + b"\n").replace(b"\n", b"\r\n")


def from_corpus(folder):
    """(kind, message) from the archive; enough of each kind, then no more."""
    found = {"ham": 0, "spam": 0}
    limit = {"ham": 40, "spam": CANDIDATES}
    with tarfile.open(f"{folder}/mail-dev.tar.xz") as archive:
        for member in archive:
            kind = next((k for k in found if f"{k}/" in member.name), None)
            if not member.isfile() or not kind or found[kind] >= limit[kind]:
                continue
            text = as_submitted(archive.extractfile(member).read())
            if text:
                found[kind] += 1
                yield kind, text
            if all(found[k] >= limit[k] for k in found):
                return


def from_folder(folder):
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(root, name)
            kind = next((k for k in ("spam", "ham") if k in path[len(folder):]), None)
            if not kind:
                continue
            with open(path, "rb") as f:
                text = as_submitted(f.read())
            if text:
                yield kind, text


def judge(postern, paths):
    """path -> verdict, by the same engines that sit on the path of the mail."""
    done = subprocess.run([postern, "judge", "--json", *paths], text=True,
                          capture_output=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["file"]: row["verdict"] for row in rows}


def mark(path):
    """No engine of this release knows this spam: give it the well-known test line."""
    with open(path, "ab") as f:
        f.write(GTUBE + b"\r\n")
    print("(with the GTUBE line)", end=" ")


def choose(postern, folder, source):
    real = os.path.exists(f"{source}/mail-dev.tar.xz")
    paths = {"ham": [], "spam": []}
    os.makedirs(f"{folder}/all", exist_ok=True)
    for kind, text in from_corpus(source) if real else from_folder(source):
        path = f"{folder}/all/{kind}-{len(paths[kind]) + 1}.eml"
        with open(path, "wb") as f:
            f.write(text)
        paths[kind].append(path)
    verdicts = judge(postern, paths["ham"] + paths["spam"])
    good = [path for path in paths["ham"] if verdicts[path] == "accept"][:WANTED]
    bad = [path for path in paths["spam"] if verdicts[path] == "reject"][:WANTED]
    if len(good) < WANTED or not paths["spam"]:
        sys.exit(f"mail.py: {source} has {len(good)} ham and {len(paths['spam'])} spam "
                 f"for us, wanted {WANTED} and at least 1")
    if not bad:
        bad = paths["spam"][:1]
        mark(bad[0])
    for kind, chosen in (("ham", good), ("spam", bad)):
        for number, path in enumerate(chosen, 1):
            os.rename(path, f"{folder}/{kind}-{number}.eml")
    refused = sum(verdicts[path] == "reject" for path in paths["spam"])
    print(f"{'real mail of the corpus' if real else 'our own messages'}: "
          f"{len(paths['ham'])} ham and {len(paths['spam'])} spam looked at, "
          f"{refused} of the spam refused by the engines of this release")


def wire(path):
    """With its dots doubled; swaks sends the line end behind the last dot."""
    with open(path, "rb") as f:
        lines = f.read().split(b"\r\n")
    if not lines[-1]:
        lines.pop()
    doubled = [b"." + line if line.startswith(b".") else line for line in lines]
    sys.stdout.buffer.write(b"\r\n".join(doubled + [b"."]))


def fields_off(text, names):
    """Take Received: fields that carry one of the names off the top."""
    taken = []
    while text.startswith(b"Received:"):
        field = re.match(rb"Received:[^\n]*\n(?:[ \t][^\n]*\n)*", text).group()
        if not any(name in field for name in names):
            break
        taken.append(field)
        text = text[len(field):]
    return taken, text


def arrived(path):
    with open(path, "rb") as f:
        return fields_off(f.read(), [b"mx.postern.test (Postfix)", b"rtr.postern.test"])


def same(sent, path):
    with open(sent, "rb") as f:
        return f.read().replace(b"\r\n", b"\n") == arrived(path)[1]


def main():
    door, args = sys.argv[1], sys.argv[2:]
    if door == "choose":
        choose(*args)
    elif door == "wire":
        wire(*args)
    elif door == "same":
        sys.exit(not same(*args))
    elif door == "top":
        ours = [f for f in arrived(*args)[0] if b"rtr.postern.test" in f]
        print(b"".join(ours).decode("latin-1").rstrip())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
