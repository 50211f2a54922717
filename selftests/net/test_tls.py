#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""STARTTLS where a class passes it (E33): real clients and Postfix within TLS,
its limits; and what is told of exchangers and clients that want TLS where it is
not passed (E32)."""

import contextlib
import json
import os

import client
from labtest import MX4, TOP, begins, case, conf, holds, main, same, until

LINE = "10.64.0.9"
PASS = conf(starttls="pass")
SMALL = PASS.replace("syn_rate = 0", "syn_rate = 0\n    tls_octets = 100000")


@contextlib.contextmanager
def postfix(lab):
    folder = f"{lab.dir}/postfix"
    lab.run("mx", f"{TOP}/selftests/demo/postfix.sh", "start", folder)
    try:
        until(lambda: listens(lab), "Postfix to listen")
        yield f"{folder}/mail"
    finally:
        lab.run("mx", f"{TOP}/selftests/demo/postfix.sh", "stop", folder)


def listens(lab):
    """Straight, from its own namespace."""
    done = lab.run("mx", "bash", "-c", f"exec 3<>/dev/tcp/{MX4}/25 && head -c 4 <&3", check=False)
    return done.stdout == "220 "


def delivered(folder):
    """The messages so far, as texts."""
    texts = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".eml") and not name.startswith("."):
            with open(f"{folder}/{name}", encoding="latin-1") as f:
                texts.append(f.read())
    return texts


def swaks(lab, *words):
    return lab.run("sub", "swaks", "--server", MX4, "--local-interface", LINE, "--helo", "pc",
                   "--from", "a@sub.postern.test", "--to", "b@mx.postern.test", *words, check=False)


def session_records(lab):
    return [row for row in lab.events() if row["event"] == "session"]


def last_record(lab, before):
    """The record of the session that ended since there were @before."""
    return until(lambda: session_records(lab)[before:], "the session's record")[0]


@case("tls: swaks and Postfix speak TLS through the tunnel: mail arrives, unscanned (E33)",
      "tls", PASS, sink=False)
def real_mail(lab):
    before = len(session_records(lab))
    with postfix(lab) as mail:
        done = swaks(lab, "--tls", "--body", "within TLS", "--header", "Subject: one")
        same(done.returncode, 0, f"swaks: {done.stdout[-400:]}")
        holds("=== TLS started" in done.stdout, "TLS was not started")
        text = until(lambda: delivered(mail), "the message")[0]
    holds("within TLS" in text, f"content: {text}")
    holds("rtr.postern.test" not in text, "a line of ours was added within TLS")
    record = last_record(lab, before)
    same((record["tls"], record["messages"]["started"]), (True, 0), "record")
    holds(record["tls_octets"] > 500, f"tls_octets {record['tls_octets']}")
    lab.wait_counter("tls_passed", 1, lab.counted)


@case("tls: a large message, by openssl, at the class's pace (E33)",
      "tls", PASS, sink=False)
def large_mail(lab):
    body = "".join(f"line {n} {'x' * 60}\r\n" for n in range(20000))
    script = ("EHLO pc\r\nMAIL FROM:<a@sub.postern.test>\r\nRCPT TO:<b@mx.postern.test>\r\n"
              f"DATA\r\nSubject: large\r\n\r\n{body}.\r\nQUIT\r\n")
    with postfix(lab) as mail:
        done = lab.run("sub", "openssl", "s_client", "-quiet", "-starttls", "smtp", "-bind",
                       f"{LINE}:0", "-connect", f"{MX4}:25", stdin=script, check=False)
        holds("250 2.0.0 Ok: queued" in done.stdout, f"replies: {done.stdout[-300:]}")
        text = until(lambda: [text for text in delivered(mail) if "line 0 " in text],
                     "the message")[0]
    holds("line 19999 " in text, "the message is not whole")


@case("tls: beyond tls_octets the session is closed and no mail arrives (E33)",
      "small", SMALL, sink=False)
def limited(lab):
    before = len(session_records(lab))
    with postfix(lab) as mail:
        same(swaks(lab, "--tls", "--body", "x" * 50).returncode, 0, "a small message")
        until(lambda: len(delivered(mail)) == 1, "the small message")
        with open(f"{lab.dir}/large", "w", encoding="ascii") as f:
            f.write(("y" * 70 + "\n") * 3000)
        done = swaks(lab, "--tls", "--body", f"@{lab.dir}/large")
        holds(done.returncode != 0, "a message beyond the limit was accepted")
        lab.wait_counter("end_tls_limit", 1, lab.counted)
        same(len(delivered(mail)), 1, "messages")
    until(lambda: len(session_records(lab)) == before + 2, "two records")
    same(session_records(lab)[-1]["tls_octets"], 100000, "octets, to the last")


@case("tls: who wants it and does not get it is counted and named (E32, E33)")
def wanted(lab):
    lab.script(extensions=["PIPELINING", "STARTTLS"],
               replies={"mail": "530 5.7.0 Must issue a STARTTLS command first"})
    for _ in range(2):
        with lab.client(LINE) as c:
            c.hello()
            begins(c.command("MAIL FROM:<a@b>"), "530", "MAIL")
            begins(c.command("MAIL FROM:<a@b>"), "530", "MAIL")
            c.quit()
    with lab.client(LINE) as c:
        holds("STARTTLS" not in c.hello(), "STARTTLS is offered")
        c.quit()
    lab.wait_counter("tls_wanted", 2, lab.counted)
    lab.wait_counter("left_after_ehlo", 1, lab.counted)
    rows = until(lambda: json.loads(lab.postern("status", "--json"))["daemon"].get("tls_wanted"),
                 "the exchanger in status")
    same([(row["exchanger"], row["sessions"]) for row in rows], [(MX4, 2)], "status --json")
    holds(f"TLS wanted  {MX4}: 2 sessions, last 20" in lab.postern("status"), "status")


if __name__ == "__main__":
    main()
