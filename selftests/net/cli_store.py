#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the CLI set survives down and up; a change that fails, or is killed,
leaves nothing behind; many random changes end where a plain model ends."""

import glob
import os
import random
import re
import sqlite3
import subprocess
import time

from clilab import (EXEMPT, REFUSE, boot, cli_case, fails, lines, mapped, prefixes, rows,
                    treatments)
from labtest import BUILD, Skip, holds, main, same, size


# --- what survives ----------------------------------------------------------

def set_up_everything(lab):
    for words in ("subscriber bind alice 10.64.0.9", "subscriber bind bob 10.64.0.10",
                  "exempt add alice", "refuse add bob --for 1h", "exempt add 10.64.0.20",
                  "refuse add 2001:db8:64:7::1", "exempt add 10.64.4.0/24 --for 1h",
                  "exempt add 10.64.0.30 --for 1s", "exempt add 10.64.5.0/24 --for 1s",
                  "pool add 10.70.0.0/16 --class residential", "exempt add 10.70.1.1"):
        lab.postern(*words.split())


@cli_case("up after down restores what is still in force")
def _(lab):
    set_up_everything(lab)
    before, pools = lines(lab), prefixes(lab)
    lab.postern("down")
    holds(not glob.glob(f"{lab.dir}/run/bpf/v*"), "down left pins")
    fails(lab, "counters", says="steering is not loaded; run `postern up`")
    same({row["state"] for row in rows(lab, "exempt", "list")} -
         {"steering not loaded"}, set(), "list while down")
    time.sleep(max(0, (before["10.64.0.30"][1] - boot()) / 1e9))
    lab.postern("up")
    after = lines(lab)
    holds("10.64.0.30" not in after and mapped("10.64.5.0/24") not in prefixes(lab),
          "what had lapsed came back")
    del before["10.64.0.30"]
    same({line: (entry[0], entry[2]) for line, entry in after.items()},
         {line: (entry[0], entry[2]) for line, entry in before.items()}, "lines")
    drift = abs(after["10.64.0.10"][1] - before["10.64.0.10"][1])
    holds(drift < 1e9, f"the end moved by {drift} ns")
    del pools[mapped("10.64.5.0/24")]
    same(set(prefixes(lab)), set(pools), "pools")


@cli_case("up on a running steering keeps what is there")
def _(lab):
    set_up_everything(lab)
    before = treatments(lab)
    lab.postern("up")
    after = treatments(lab)
    after.setdefault("10.64.0.30", EXEMPT)	# may have lapsed
    same(after, before, "lines")


@cli_case("entries that the store does not know go with the next up")
def _(lab):
    lab.postern("exempt", "add", "10.64.0.5")
    pin, = glob.glob(f"{lab.dir}/run/bpf/v*/lines")
    key = " ".join(f"0x{octet:02x}" for octet in mapped("10.64.0.6/32")[0])
    value = " ".join(f"{octet}" for octet in bytes(16) + bytes([EXEMPT, 255]) + bytes(6))
    subprocess.run(f"bpftool map update pinned {pin} key {key} value {value}".split(),
                   check=True, timeout=10)
    same({row["target"]: row.get("why") for row in rows(lab, "exempt", "list")},
         {"10.64.0.5": None, "10.64.0.6": "(not in the state store)"}, "list")
    lab.postern("up")
    same(treatments(lab), {"10.64.0.5": EXEMPT}, "lines")


@cli_case("a lost or damaged store exempts nobody, and up says so")
def _(lab):
    set_up_everything(lab)
    lab.postern("down")
    path = f"{lab.dir}/state/postern.db"
    with open(path, "r+b") as f:
        f.write(b"\0" * 4096)
    error = fails(lab, "up", status=3, says="state store")
    holds("nothing that was set by hand is in force" in error, error)
    same(treatments(lab), {}, "lines after damage")
    same(len(prefixes(lab)), 2, "the file's pools")
    fails(lab, "exempt", "add", "10.64.0.5", says="state store")
    same(treatments(lab), {}, "lines after a change that failed")
    same(rows(lab, "exempt", "list"), [], "list")
    lab.postern("down")
    os.unlink(path)
    lab.postern("up")
    same(treatments(lab), {}, "lines after loss")


@cli_case("a damaged row is passed over and counted")
def _(lab):
    lab.postern("exempt", "add", "10.64.0.5")
    lab.postern("refuse", "add", "10.64.0.6")
    lab.postern("down")
    with sqlite3.connect(f"{lab.dir}/state/postern.db") as db:
        db.execute("UPDATE treatments SET treatment = 2")
    db.close()
    fails(lab, "up", status=3, says="1 damaged rows")
    same(treatments(lab), {"10.64.0.5": EXEMPT}, "lines")


@cli_case("a line whose pool cuts lines differently now is not restored")
def _(lab):
    lab.postern("pool", "add", "2001:db8:70::/48", "--line", "60")
    lab.postern("exempt", "add", "2001:db8:70:10::1")
    lab.postern("subscriber", "bind", "alice", "2001:db8:70:20::1")
    lab.postern("pool", "add", "2001:db8:70::/48", "--line", "56")
    lab.postern("down")
    fails(lab, "up", status=3, says="its pool has lines of another length now")
    same(treatments(lab), {}, "lines")
    lab.postern("subscriber", "bind", "alice", "10.64.0.9")
    lab.postern("exempt", "add", "alice")
    same(treatments(lab), {"10.64.0.9": EXEMPT}, "lines after a change of the subscriber")
    lab.postern("exempt", "del", "2001:db8:70:10::/60")
    lab.postern("subscriber", "unbind", "2001:db8:70:20::/60")
    lab.postern("up")


@cli_case("what was said of lines can be taken back when their pool is gone")
def _(lab):
    lab.postern("pool", "add", "10.70.0.0/16")
    lab.postern("exempt", "add", "10.70.0.1")
    lab.postern("subscriber", "bind", "bob", "10.70.0.2")
    lab.postern("pool", "del", "10.70.0.0/16")
    fails(lab, "exempt", "add", "10.70.0.3", says="10.70.0.3 is in no pool")
    lab.postern("exempt", "del", "10.70.0.1")
    lab.postern("subscriber", "unbind", "10.70.0.2")
    same((rows(lab, "exempt", "list"), treatments(lab)), ([], {}), "what is left")


# --- changes that fail -------------------------------------------------------

@cli_case("a map that refuses leaves no row")
def _(lab):
    pin, = glob.glob(f"{lab.dir}/run/bpf/v*/lines")
    subprocess.run(["bpftool", "map", "freeze", "pinned", pin], check=True, timeout=10)
    fails(lab, "exempt", "add", "10.64.0.5", says="cannot change 10.64.0.5")
    same(rows(lab, "exempt", "list"), [], "list")
    lab.postern("down")
    lab.postern("up")
    same(treatments(lab), {}, "lines")


def fill_up(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(fd, bytes(4096)):
            pass
    except OSError:
        pass
    finally:
        os.close(fd)


@cli_case("a store without room leaves no entry")
def _(lab):
    fill = f"{lab.dir}/state/fill"
    lab.postern("down")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k,mode=0700", "tmpfs",
                    f"{lab.dir}/state"], check=True, timeout=10)
    try:
        lab.postern("up")
        lab.postern("exempt", "add", "10.64.0.5")
        # Held open, its side files stay: room lacks first at the commit.
        db = sqlite3.connect(f"{lab.dir}/state/postern.db")
        try:
            db.execute("SELECT * FROM treatments").fetchall()
            fill_up(fill)
            full = "state store: database or disk is full"
            fails(lab, "exempt", "add", "10.64.0.6", says=full)
            fails(lab, "exempt", "del", "10.64.0.5", says=full)
            same(treatments(lab), {"10.64.0.5": EXEMPT}, "lines")
        finally:
            db.close()
        os.unlink(fill)
        same([row["target"] for row in rows(lab, "exempt", "list")], ["10.64.0.5"], "list")
    finally:
        subprocess.run(["umount", f"{lab.dir}/state"], check=True, timeout=10)


def known(lab, line):
    return any(row["target"] == line and row.get("who")
               for row in rows(lab, "exempt", "list"))


def traced(lab, *inject):
    """Run `exempt add` under strace; its status, and the names of its calls."""
    path = f"{lab.dir}/calls"
    command = lab.command("rtr", ["strace", "-o", path, *inject, f"{BUILD}/postern",
                                  "exempt", "add", "10.64.0.5"])
    # A leak check cannot run beside strace.
    env = {**lab.env(), "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run(command, env=env, capture_output=True, timeout=60, check=False)
    with open(path, encoding="ascii", errors="replace") as f:
        return done.returncode, re.findall(r"^(\w+)\(", f.read(), re.MULTILINE)


@cli_case("killed at any system call: nothing half done after the next up")
def _(lab):
    if subprocess.run(["strace", "-V"], capture_output=True, check=False).returncode:
        raise Skip("no strace")
    status, calls = traced(lab)
    same(status, 0, "status without a kill")
    lab.postern("exempt", "del", "10.64.0.5")
    # The change itself is near the end; before that libraries are loaded.
    total = len(calls)
    places = set(range(1, total, size(97, 1))) | set(range(total - 90, total, size(6, 1)))
    killed = in_map = 0
    for place in sorted(places):
        name = calls[place]
        status, _ = traced(lab, "-e", f"inject={name}:signal=KILL:"
                           f"when={calls[:place + 1].count(name)}")
        killed += status != 0
        entry = treatments(lab).get("10.64.0.5")
        holds(not known(lab, "10.64.0.5") or entry == EXEMPT, f"call {place}: in the store alone")
        if entry != EXEMPT:
            continue
        in_map += 1
        lab.postern("up")
        entry = treatments(lab).get("10.64.0.5")
        same(entry == EXEMPT, known(lab, "10.64.0.5"), f"call {place}: map and store")
        if entry == EXEMPT:
            lab.postern("exempt", "del", "10.64.0.5")
    holds(killed > len(places) * 0.8, f"only {killed} of {len(places)} runs were killed")
    holds(in_map > 2, f"only {in_map} kills came after the map's edit")


@cli_case("many at once take turns")
def _(lab):
    count = size(12, 60)
    running = [lab.popen("rtr", f"{BUILD}/postern", "exempt", "add", f"10.64.1.{i + 1}",
                         stdout=subprocess.DEVNULL) for i in range(count)]
    same([process.wait(60) for process in running], [0] * count, "statuses")
    same(treatments(lab), {f"10.64.1.{i + 1}": EXEMPT for i in range(count)}, "lines")
    same(len(rows(lab, "exempt", "list")), count, "list")


# --- a model ------------------------------------------------------------------

class Model:
    """What must come out, as plainly as it can be said."""

    def __init__(self):
        self.bound, self.said, self.said_with = {}, {}, {}

    def leave(self, line):
        subscriber = self.bound.pop(line, None)
        if subscriber and self.said_with.get(line) == subscriber:
            self.said.pop(line, None)

    def bind(self, line, subscriber):
        if self.bound.get(line) != subscriber:
            self.leave(line)
        self.bound[line] = subscriber

    def treat(self, target, treatment):
        self.said[target] = treatment
        self.said_with[target] = self.bound.get(target)

    def lines(self):
        found = {}
        for line in set(self.bound) | {t for t in self.said if t.startswith("10.")}:
            found[line] = max(self.said.get(line, 0), self.said.get(self.bound.get(line), 0))
        return found


def random_change(lab, model, rng):
    """One command and the same for the model; returns the command."""
    line, name = rng.choice(["10.64.0.5", "10.64.0.6", "10.64.0.7"]), rng.choice("ab")
    target = rng.choice([line, name])
    word, treatment = rng.choice([("exempt", EXEMPT), ("refuse", REFUSE)])
    kind = rng.randrange(8)
    if kind < 3:
        words = [word, "add", target, "--new"]
        model.treat(target, treatment)
    elif kind < 5:
        words = [word, "del", target]
        if model.said.get(target) != treatment:
            fails(lab, *words)
            return words
        del model.said[target]
    elif kind < 7:
        words = ["subscriber", "bind", name, line]
        model.bind(line, name)
    else:
        words = ["subscriber", "unbind", line]
        if line not in model.bound:
            fails(lab, *words, says="no subscriber is bound")
            return words
        model.leave(line)
    lab.postern(*words)
    return words


@cli_case("random changes end where a plain model ends")
def _(lab):
    seed = random.randrange(1 << 32)
    rng, model, history = random.Random(seed), Model(), []
    for step in range(size(120, 3000)):
        history.append(" ".join(random_change(lab, model, rng)))
        same(treatments(lab), model.lines(), f"seed {seed}, step {step}, {history[-6:]}")
        if step % 60 == 59:
            lab.postern("down")
            lab.postern("up")
            same(treatments(lab), model.lines(), f"seed {seed}, step {step}, after down and up")


if __name__ == "__main__":
    main()
