#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The postern CLI against real maps, without a daemon: what it says it does is
read back with bpftool, not with itself."""

import json
import signal
import sqlite3
import subprocess
import time

import client
from clilab import (EXEMPT, OVERRIDE, REFUSE, boot, cli_case, dump, fails, fresh, lines, mapped,
                    octets, prefixes, rows, treatments)
from labtest import BUILD, MX4, MX6, case, conf, holds, main, same, until


# --- exemptions and refusals -----------------------------------------------

@cli_case("an exempt address is an entry of the kernel, and goes again")
def _(lab):
    lab.postern("exempt", "add", "10.64.0.5", "--why", "server")
    same(lines(lab), {"10.64.0.5": (EXEMPT, 0, 0)}, "lines")
    listed, = rows(lab, "exempt", "list")
    same((listed["target"], listed["state"], listed["why"]),
         ("10.64.0.5", "in force", "server"), "list")
    same(rows(lab, "refuse", "list"), [], "refusals")
    lab.postern("exempt", "del", "10.64.0.5")
    same(lines(lab), {}, "lines")
    fails(lab, "exempt", "del", "10.64.0.5", says="10.64.0.5 is not exempt")


@cli_case("an IPv6 address stands for its line")
def _(lab):
    lab.postern("refuse", "add", "2001:db8:64:5::77")
    same(treatments(lab), {"2001:db8:64:5::": REFUSE}, "lines")
    lab.postern("refuse", "del", "2001:db8:64:5::/64")
    same(treatments(lab), {}, "lines")
    fails(lab, "refuse", "add", "2001:db8:64:5::77/128", says="the line 2001:db8:64:5::/64")


@cli_case("an end is the kernel's own, on the boot clock")
def _(lab):
    before = boot()
    lab.postern("exempt", "add", "10.64.0.5", "--for", "1h")
    end = lines(lab)["10.64.0.5"][1]
    holds(before + 3600e9 <= end <= boot() + 3600e9, f"end {end}, now {before}")
    lab.postern("exempt", "add", "10.64.0.6", "--for", "1s")
    until(lambda: "10.64.0.6" not in {row["target"] for row in rows(lab, "exempt", "list")},
          "the exemption to lapse")
    holds("10.64.0.6" in {row["target"] for row in rows(lab, "exempt", "list", "--all")},
          "not listed with --all")


@cli_case("a prefix is an entry of the pools and takes after its pool")
def _(lab):
    lab.postern("pool", "rollout", "10.64.0.0/16", "30%")
    lab.postern("exempt", "add", "10.64.4.0/24", "--for", "1h")
    pool, entry = prefixes(lab)[mapped("10.64.0.0/16")], prefixes(lab)[mapped("10.64.4.0/24")]
    same((entry[0], entry[3], entry[5] & OVERRIDE), (EXEMPT, 120, OVERRIDE), "entry")
    same((entry[1:3], entry[4]), (pool[1:3], 30), "class, line length and share")
    holds(int.from_bytes(entry[8:16], "little") > boot(), "no end")
    holds("10.64.4.0/24" not in {row["prefix"] for row in rows(lab, "pool", "list")},
          "listed as a pool")
    fails(lab, "pool", "del", "10.64.0.0/16", says="10.64.4.0/24; remove it first")
    fails(lab, "pool", "add", "10.64.4.0/24", says="exempt del")
    lab.postern("pool", "rollout", "10.64.0.0/16", "40%")
    same(prefixes(lab)[mapped("10.64.4.0/24")][4], 40, "share")
    lab.postern("exempt", "del", "10.64.4.0/24")
    holds(mapped("10.64.4.0/24") not in prefixes(lab), "the entry stays")


@cli_case("what is in no pool, or is one, is an error that says what to do")
def _(lab):
    fails(lab, "exempt", "add", "203.0.113.1", says="203.0.113.1 is in no pool")
    fails(lab, "exempt", "add", "203.0.113.0/24", says="no pool holds 203.0.113.0/24")
    fails(lab, "exempt", "add", "10.0.0.0/8", says="no pool holds 10.0.0.0/8")
    fails(lab, "exempt", "add", "10.64.0.0/16", says="postern pool add 10.64.0.0/16")
    fails(lab, "exempt", "add", "10.64.0.300", says="10.64.0.300: expected an address")
    fails(lab, "exempt", "add", "10.64.0.1/16", says="bits are set behind")
    fails(lab, "exempt", "add", "alcie", says="alcie: no such subscriber")
    fails(lab, "pool", "add", "10.64.0.0/16", says="comes from")
    fails(lab, "pool", "add", "10.70.0.0/16", "--class", "none", says="none: no such class")
    fails(lab, "pool", "del", "10.70.0.0/16", says="10.70.0.0/16 is not a pool")
    fails(lab, "destination", "add", "203.0.113.1", "--class", "none", says="no such class")
    fails(lab, "destination", "del", "203.0.113.1", says="203.0.113.1 has no rule")
    fails(lab, "subscriber", "show", "nobody", says="nobody: no such subscriber")
    same(lines(lab), {}, "lines")
    same(len(prefixes(lab)), 2, "pools")


@cli_case("a refusal wins over an exemption, and what lies beneath comes back")
def _(lab):
    lab.postern("subscriber", "bind", "alice", "10.64.0.9")
    lab.postern("exempt", "add", "alice")
    same(treatments(lab), {"10.64.0.9": EXEMPT}, "exempt subscriber")
    lab.postern("refuse", "add", "10.64.0.9", "--for", "1h")
    same(treatments(lab), {"10.64.0.9": REFUSE}, "refused line")
    lab.postern("refuse", "del", "10.64.0.9")
    same(treatments(lab), {"10.64.0.9": EXEMPT}, "again")
    same(lines(lab)["10.64.0.9"][1], 0, "the refusal's end stayed")
    lab.postern("refuse", "add", "alice")
    done = lab.run("rtr", f"{BUILD}/postern", "exempt", "add", "10.64.0.9")
    holds("refusal wins" in done.stderr, done.stderr)
    same(treatments(lab), {"10.64.0.9": REFUSE}, "refused subscriber")
    lab.postern("refuse", "del", "alice")
    lab.postern("exempt", "del", "10.64.0.9")
    same(treatments(lab), {"10.64.0.9": 0}, "bound, and nothing said of him")


@cli_case("an exemption follows the subscriber, not the address")
def _(lab):
    lab.postern("subscriber", "bind", "alice", "10.64.0.9")
    lab.postern("subscriber", "bind", "alice", "2001:db8:64:9::1")
    lab.postern("exempt", "add", "alice")
    same(treatments(lab), {"10.64.0.9": EXEMPT, "2001:db8:64:9::": EXEMPT}, "his lines")
    lab.postern("subscriber", "bind", "alice", "10.64.0.10")
    same(treatments(lab)["10.64.0.10"], EXEMPT, "bound later")
    lab.postern("subscriber", "bind", "bob", "10.64.0.9")
    same(treatments(lab)["10.64.0.9"], 0, "given to somebody else")
    ids = {row["subscriber"]: row["id"] for row in rows(lab, "subscriber", "list")}
    same(lines(lab)["10.64.0.9"][2], ids["bob"], "subscriber of the line")
    lab.postern("subscriber", "unbind", "10.64.0.10")
    holds("10.64.0.10" not in lines(lab), "unbound, and still there")
    same(len(rows(lab, "subscriber", "show", "alice")), 1, "alice's lines")


@cli_case("what was said of a line ends with the subscriber who was on it")
def _(lab):
    lab.postern("exempt", "add", "10.64.0.8")
    lab.postern("subscriber", "bind", "alice", "10.64.0.8")
    same(treatments(lab)["10.64.0.8"], EXEMPT, "said before anybody was on it")
    lab.postern("subscriber", "bind", "alice", "10.64.0.9")
    lab.postern("exempt", "add", "10.64.0.9")
    lab.postern("subscriber", "bind", "bob", "10.64.0.9")
    same(treatments(lab)["10.64.0.9"], 0, "bob inherits nothing")
    same([row["target"] for row in rows(lab, "exempt", "list")], ["10.64.0.8"], "list")


# --- pools, destinations, settings -----------------------------------------

@cli_case("pools by hand and from the file")
def _(lab):
    lab.postern("pool", "add", "10.70.0.0/16", "--class", "residential", "--rollout", "25%",
                "--treatment", "refuse", "--block-inbound")
    entry = prefixes(lab)[mapped("10.70.0.0/16")]
    same(tuple(entry[:6]), (REFUSE, 1, 128, 112, 25, 1), "pool by hand")
    lab.postern("pool", "add", "2001:db8:70::/48", "--line", "56")
    same(prefixes(lab)[mapped("2001:db8:70::/48")][2], 56, "line length")
    done = lab.run("rtr", f"{BUILD}/postern", "pool", "del", "10.64.0.0/16")
    holds("next `postern up` brings it back" in done.stderr, done.stderr)
    holds(mapped("10.64.0.0/16") not in prefixes(lab), "the file's pool stays")
    lab.postern("up")
    same({row["prefix"]: row["source"] for row in rows(lab, "pool", "list")},
         {"10.64.0.0/16": "file", "2001:db8:64::/48": "file", "10.70.0.0/16": "hand",
          "2001:db8:70::/48": "hand"}, "pools after up")
    lab.postern("pool", "del", "10.70.0.0/16")
    lab.postern("up")
    holds(mapped("10.70.0.0/16") not in prefixes(lab), "a removed pool came back")


@cli_case("destinations by hand, and the router's own are left alone")
def _(lab):
    own = {row["prefix"] for row in rows(lab, "destination", "list", "--all")
           if row["source"] == "router"}
    holds(len(own) > 2, f"own addresses: {own}")
    lab.postern("destination", "add", "198.51.100.25")
    lab.postern("destination", "add", "2001:db8:25::/48", "--class", "residential")
    same({row["prefix"]: row["rule"] for row in rows(lab, "destination", "list")},
         {"198.51.100.25": "pass", "2001:db8:25::/48": "class"}, "destinations")
    same(tuple(prefixes(lab, "destinations")[mapped("198.51.100.25/32")][:2]), (1, 0), "entry")
    address = next(iter(own))
    fails(lab, "destination", "add", address, says="an address of this router")
    fails(lab, "destination", "del", address, says="an address of this router")
    lab.postern("down")
    lab.postern("up")
    same({row["prefix"] for row in rows(lab, "destination", "list")},
         {"198.51.100.25", "2001:db8:25::/48"}, "after up")
    lab.postern("destination", "del", "198.51.100.25")
    holds(mapped("198.51.100.25/32") not in prefixes(lab, "destinations"), "still there")


def settings(lab):
    value = octets(dump(lab, "settings")[0], "value")
    return int.from_bytes(value[4:8], "little"), int.from_bytes(value[8:16], "little")


@cli_case("bypass does not wait for the store")
def _(lab):
    db = sqlite3.connect(f"{lab.dir}/state/postern.db", isolation_level=None)
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("BEGIN IMMEDIATE")		# readers are kept out too
        begun = time.monotonic()
        process = lab.popen("rtr", f"{BUILD}/postern", "bypass", "on", stderr=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL)
        until(lambda: settings(lab)[1], "bypass", 1)
        holds(time.monotonic() - begun < 1, "it took longer than a second")
    finally:
        db.close()
    same(process.wait(20), 0, "status")


@cli_case("bypass and mode need neither daemon, store nor a sound file")
def _(lab):
    same(settings(lab), (0, 0), "at first")
    lab.postern("bypass", "on", "--for", "10m")
    left = settings(lab)[1] - boot()
    holds(590e9 < left < 601e9, f"left {left}")
    holds("BYPASS IS ON for another 9m" in lab.postern("status"), "status is silent")
    same(json.loads(lab.postern("status", "--json"))["bypass"], True, "status --json")
    with open(f"{lab.dir}/state/postern.db", "wb") as f:
        f.write(b"garbage " * 1000)
    lab.postern("bypass", "on")
    same(settings(lab)[1], 2**64 - 1, "without an end")
    lab.postern("bypass", "off")
    lab.postern("mode", "shadow")
    same(settings(lab), (1, 0), "shadow")
    holds("mode is shadow" in lab.postern("status"), "status is silent")
    lab.postern("mode", "enforce")
    same(settings(lab), (0, 0), "at last")


# --- words -------------------------------------------------------------------

@cli_case("hostile words come out escaped")
def _(lab):
    name = "\x1b[31mred\r\n\u202e\u00e9"
    lab.postern("exempt", "add", "--new", "--subscriber", name, "--why", "\x1b]0;x\x07")
    for words in (("exempt", "list"), ("subscriber", "list"), ("subscriber", "show", name),
                  ("exempt", "list", "--json"), ("subscriber", "list", "--json")):
        out = lab.postern(*words)
        holds(all(c == "\n" or " " <= c <= "~" for c in out), f"{words}: {out!r}")
    same(rows(lab, "exempt", "list")[0]["target"], name, "name in JSON")


@cli_case("the audit names who did what")
def _(lab):
    env = {**lab.env(), "SUDO_USER": "anna"}
    subprocess.run(lab.command("rtr", [f"{BUILD}/postern", "refuse", "add", "10.64.0.5",
                                       "--why", "spam"]), env=env, check=True, timeout=20,
                   capture_output=True)
    listed, = rows(lab, "refuse", "list")
    same(listed["who"], "anna", "who")
    db = sqlite3.connect(f"{lab.dir}/state/postern.db")
    try:
        last = db.execute("SELECT who, what FROM audit ORDER BY id DESC").fetchone()
    finally:
        db.close()
    same(last, ("anna", "10.64.0.5 refused: spam"), "audit")


@cli_case("status names what is wrong, and works with nothing loaded")
def _(lab):
    status = json.loads(lab.postern("status", "--json"))
    same((status["loaded"], status["mode"], status["pools"], status["daemon"]),
         (True, "enforce", 2, {"running": False}), "status")
    same([(row["name"], row["attached"]) for row in status["interfaces"]],
         [("sub0", True), ("mx0", True)], "interfaces")
    holds(any("daemon: not running" in text for text in status["degraded"]), "no word of it")
    lab.postern("down")
    done = lab.run("rtr", f"{BUILD}/postern", "status", "--json", check=False)
    same((done.returncode, json.loads(done.stdout)["loaded"]), (1, False), "when down")


# --- traffic -----------------------------------------------------------------

def connects(lab, line, target):
    """Does a connection reach the exchanger? Silence is an error, not a no."""
    try:
        with client.Client(lab.ns("sub"), line, target, 25, 10, lab.notes) as c:
            reached = c.greeting().startswith("220")
            c.quit()
            return reached
    except (client.Ended, ConnectionError):
        return False


TRAFFIC = {"daemon": False, "sink": True}


@case("treatments are in force at the next SYN, without a daemon", "traffic",
      conf(fail="reset"), **TRAFFIC)
def _(lab):
    fresh(lab)
    for line, other, target in (("10.64.0.41", "10.64.0.42", MX4),
                                ("2001:db8:64:11::2", "2001:db8:64:12::2", MX6)):
        lab.direct |= {line, other}
        holds(not connects(lab, line, target), f"{line}: connected while nothing answers")
        lab.postern("exempt", "add", line)
        holds(connects(lab, line, target), f"{line}: exempt, and not connected")
        holds(not connects(lab, other, target), f"{other}: not exempt, but connected")
        lab.postern("refuse", "add", line)
        holds(not connects(lab, line, target), f"{line}: refused, but connected")
        lab.postern("refuse", "del", line)
        lab.postern("bypass", "on", "--for", "1m")
        holds(connects(lab, line, target), f"{line}: bypass, and not connected")
        lab.postern("bypass", "off")
        holds(not connects(lab, line, target), f"{line}: bypass over, but connected")
        lab.postern("exempt", "add", line, "--for", "1s")
        until(lambda at=line, to=target: not connects(lab, at, to), f"{line}: lapse")


@case("watch shows the kernel's decisions without a daemon", "traffic", conf(fail="reset"),
      **TRAFFIC)
def _(lab):
    fresh(lab)
    lab.direct.add("10.64.0.43")

    def shown():
        connects(lab, "10.64.0.43", MX4)
        with open(f"{lab.dir}/watched", encoding="ascii") as f:
            seen = [json.loads(line) for line in f if line.endswith("\n")]
        return [row for row in seen if row["reason"] == "fail_reset" and
                row["source"] == "10.64.0.43" and row["destination_port"] == 25]

    with open(f"{lab.dir}/watched", "w", encoding="ascii") as out:
        watch = lab.popen("rtr", f"{BUILD}/postern", "watch", "--json", stdout=out,
                          stderr=subprocess.DEVNULL)
    try:
        until(shown, "a decision to be shown")
    finally:
        watch.send_signal(signal.SIGINT)
        watch.wait(10)


if __name__ == "__main__":
    main()
