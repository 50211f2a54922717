#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The lab itself, without the daemon: what the other tests stand on."""

import os
import subprocess

import client
from labtest import (MX4, MX6, TOP, Failure, Lab, alive, begins, case, holds, main, same,
                     until)

BARE = {"daemon": False}


@case("lab: client, exchanger and capture agree, v4 and v6", **BARE)
def direct(lab):
    for source, target in (("10.64.0.9", MX4), ("2001:db8:64:20::2", MX6),
                           ("192.0.2.2", MX4)):
        begins(lab.send(source, client.message(), target), "250", "reply to the dot")
        row = lab.sink_rows("message", peer=source)[0]
        same(row["received"], 0, "octets of a Received: line")
        until(lambda: any(syn[0] == source for syn in lab.outside.syns), "a captured SYN")


@case("lab: the exchanger does as its script says", **BARE)
def scripted(lab):
    lab.script(greeting="220-two\r\n220 lines", replies={"rcpt": ["250 ok", "550 no"]},
               actions={"dot": "reset"}, extensions=["SIZE 1"])
    with lab.client("10.64.0.9") as c:
        same(c.hello(), "250-mx.postern.test\r\n250 SIZE 1", "EHLO reply")
        same(c.replies[0], "220-two\r\n220 lines", "greeting")
        same(c.command("MAIL FROM:<a@b>"), "250 2.1.0 <a@b> ok", "MAIL")
        same(c.command("RCPT TO:<c@d>"), "250 ok", "first recipient")
        same(c.command("RCPT TO:<e@f>"), "550 no", "second recipient")
        begins(c.command("DATA"), "354", "DATA")
        try:
            c.body(client.message())
            raise Failure("a reply after the dot")
        except client.Ended as end:
            same(str(end), "reset", "end of the session")


@case("lab: strict and lenient ends of data", **BARE)
def terminators(lab):
    body = client.message() + b"tail\n.\nMAIL FROM:<smuggled@b>\r\nrest\r\n"
    begins(lab.send("10.64.0.9", body), "250", "strict: whole body is one message")
    same(lab.sink_commands()[-1], "QUIT", "last command")
    lab.script(lenient=True)
    with lab.client("10.64.0.9") as c:
        c.hello()
        c.envelope()
        c.send(body + b".\r\n")
        begins(c.reply(), "250", "lenient: first part is a message")
        begins(c.reply(), "250 2.1.0 <smuggled@b>", "lenient: the rest is commands")
        c.due, c.ledger = c.got, None	# the checker would rightly complain
    rows = lab.sink_rows("message", terminator="\n.\n")
    same(len(rows), 1, "messages ended by a lenient dot")
    lab.notes.note("message", source="10.64.0.9", target=MX4, digest=rows[0]["digest"],
                   octets=rows[0]["octets"], reply="")


@case("lab: two labs at once keep apart, and down leaves nothing", **BARE)
def two(lab):
    with Lab("b", daemon=False) as other:
        other.begin()
        begins(other.send("10.64.0.9", client.message()), "250", "second lab")
        same(lab.sink_rows("message"), [], "messages in the first lab")
        pids = subprocess.run(["ip", "netns", "pids", other.ns("mx")], text=True,
                              capture_output=True, check=True).stdout.split()
        holds(pids, "the second lab's exchanger runs")
    holds(not os.path.exists(other.dir), f"{other.dir} is left")
    for pid in pids:
        holds(not alive(int(pid)), f"process {pid} is left")
    for host in ("sub", "rtr", "mx", "mgmt"):
        holds(not os.path.exists(f"/run/netns/{other.ns(host)}"), f"{other.ns(host)} is left")


@case("lab: up says what is wrong and cleans up", **BARE)
def wrong(lab):
    done = subprocess.run(["selftests/lab.sh", "up", "--name", lab.name, "--no-daemon"],
                          text=True, capture_output=True, check=False, cwd=TOP)
    holds(done.returncode and "exists" in done.stderr, f"second up: {done.stderr!r}")
    done = subprocess.run(["selftests/lab.sh", "up", "--name", "a b"],
                          text=True, capture_output=True, check=False, cwd=TOP)
    holds(done.returncode and "bad name" in done.stderr, f"bad name: {done.stderr!r}")
    name = lab.name + "c"
    done = subprocess.run(["selftests/lab.sh", "up", "--name", name],
                          text=True, capture_output=True, check=False, cwd=TOP,
                          env={**os.environ, "BUILD": "/nonexistent"})
    holds(done.returncode and "posternd" in done.stderr, f"no daemon: {done.stderr!r}")
    holds(not os.path.exists(f"/run/postern-lab/{name}"), "the failed lab is left")


if __name__ == "__main__":
    main()
