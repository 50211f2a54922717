#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""`postern judge`: the messages of selftests/data, dialogues, faults, exit statuses."""
import os
import re
import sys
import tempfile

import judge

MAIL = os.path.join(judge.DATA, "mail")
DIALOGUE = os.path.join(judge.DATA, "dialogue")


def case_wanted_mail_is_accepted():
    records = judge.judge(os.path.join(MAIL, "ham"))
    assert len(records) >= 6, records
    for record in records:
        assert record["verdict"] == "accept", record
        assert not record["unscanned"], record


def case_unwanted_mail_is_refused_for_the_right_reason():
    reason = {
        "gtube.eml": "rules:GTUBE", "gtube-base64.eml": "rules:GTUBE",
        "hex-link.eml": "links:hex-host", "login.eml": "links:user-host",
        "number-host.eml": "links:number-host", "wide-letters.eml": "links:mapped-host",
    }
    records = judge.judge(os.path.join(MAIL, "spam"))
    assert len(records) == len(reason), records
    for record in records:
        assert record["verdict"] == "reject", record
        assert reason[os.path.basename(record["file"])] in judge.rules(record), record


def case_line_ends_do_not_matter():
    for name in ("ham/newsletter.eml", "spam/number-host.eml", "spam/login.eml"):
        with open(os.path.join(MAIL, name), "rb") as file:
            text = file.read()
        forms = [judge.judge("-", stdin=text.replace(b"\n", end))
                 for end in (b"\n", b"\r\n", b"\r")]
        assert forms[0] == forms[1] == forms[2], forms


def case_a_dialogue_is_played():
    first, second = judge.judge(os.path.join(DIALOGUE, "two-messages.txt"))
    assert (first["message"], first["verdict"], first["outcome"], first["reply"]) == \
        (1, "accept", "message_accepted", 250), first
    assert (second["message"], second["verdict"], second["outcome"], second["reply"]) == \
        (2, "reject", "message_rejected", 550), second
    assert {"links:user-host", "links:number-host"} <= judge.rules(second), second


def case_a_message_broken_off_has_no_verdict():
    record, = judge.judge(os.path.join(DIALOGUE, "broken-off.txt"))
    assert (record["verdict"], record["outcome"]) == ("none", "message_aborted"), record


def case_a_broken_dialogue_is_named_with_its_line():
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("S: 220 mx\nC: QUIT\nX: what\n")
        file.flush()
        done = judge.run(file.name)
    assert done.returncode == 1, done
    assert b"line 3: expected" in done.stderr and file.name.encode() in done.stderr, done


def case_what_cannot_be_read_is_named_and_the_rest_is_judged():
    done = judge.run("--json", "/nonexistent/a.eml", os.path.join(MAIL, "spam", "gtube.eml"))
    assert done.returncode == 1, done
    assert b"/nonexistent/a.eml" in done.stderr, done
    assert done.stdout.count(b'"verdict":"reject"') == 1, done


def case_wrong_arguments_are_status_2():
    for args in ([], ["--nonsense", "-"], ["--class", "nobody", "-"]):
        assert judge.run(*args).returncode == 2, args


def case_rules_of_the_configuration_are_in_force():
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write('rule "pills" {\n\twhere = header\n\tpattern = "^Subject:.*pills"\n'
                   '\tscore = 60\n}\n'
                   'rule "shop" {\n\twhere = url\n\tpattern = "//shop\\\\.example/"\n'
                   '\tscore = 40\n}\n')
        conf.flush()
        text = b"Subject: Cheap PILLS\n\nhttp://SHOP.example/x\n"
        record, = judge.judge("--conf", conf.name, "-", stdin=text)
        assert judge.rules(record) == {"rules:pills", "rules:shop"}, record
        assert (record["verdict"], record["score"]) == ("reject", 100), record
        record, = judge.judge("--conf", conf.name, "-", stdin=text[:22])
        assert (record["verdict"], record["score"]) == ("accept", 60), record


def case_a_bad_rule_is_named():
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write('rule "half" {\n\tpattern = "a(b"\n\tscore = 1\n}\n')
        conf.flush()
        done = judge.run("--conf", conf.name, "-")
    assert done.returncode == 1 and b":2: rule half: " in done.stderr, done


def case_octets_of_peers_leave_as_plain_text():
    text = b"S: x\n\nhttp://\x1b[31m\xe9.b@w%77w.example\x07/\n"
    for args in (["-"], ["--text", "-"]):
        done = judge.run(*args, stdin=text)
        assert b"links:hex-host" in done.stdout, done
        assert all(32 <= octet < 127 or octet == 10 for octet in done.stdout), done


def case_a_dialogue_without_marks_is_refused():
    for start in (b"EHLO a\r\n", b"220 mx ESMTP\r\n"):
        with tempfile.NamedTemporaryFile() as dialogue:
            dialogue.write(start + b"MAIL FROM:<a@b>\r\n")
            dialogue.flush()
            done = judge.run(dialogue.name)
        assert done.returncode == 1 and not done.stdout, done
        assert b"looks like an SMTP dialogue" in done.stderr, done


def case_the_manual_names_every_finding():
    with open(os.path.join(judge.TOP, "include", "tbl", "links.h"), encoding="ascii") as file:
        rows = re.findall(r'^LINK\(\w+,\s+"([^"]+)",\s+(\d+), "([^"]+)"\)', file.read(), re.M)
    with open(os.path.join(judge.TOP, "doc", "verdict.rst"), encoding="ascii") as file:
        manual = file.read()
    assert len(rows) >= 11, rows
    for rule, score, text in rows:
        assert f"``links:{rule}`` {score}\n    {text}" in manual, rule


def main():
    """Run every case_ function; returns the exit status."""
    failed = 0
    for name, case in list(globals().items()):
        if not name.startswith("case_"):
            continue
        name = name[len("case_"):].replace("_", " ")
        try:
            case()
            print(f"ok judge: {name}")
        except (AssertionError, RuntimeError, ValueError) as why:
            failed += 1
            print(f"not ok judge: {name} - {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
