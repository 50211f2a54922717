#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""`postern up` and `postern down`: what they put on a router and what they leave
there."""

import contextlib
import glob
import os
import re
import subprocess

from labtest import Skip, holds, same, until
from routertest import POSTERN, SUB, UPL, case, main, same_state, sh


@case("up: attaches each side's programs")
def attaches(r):
    r.up()
    same(r.program(SUB), "postern_steer", "program on the subscriber side")
    same(r.program(UPL), "postern_back", "program on the upstream side")
    holds(r.xdp(SUB), "no XDP program on the subscriber side")
    holds(not r.xdp(UPL), "XDP program on the upstream side")
    same(len(r.lookups()), 1, "sk_lookup links")
    same(r.settings()["abi"], 1, "settings.abi")
    same(oct(os.stat(f"{r.run_dir}/bpf").st_mode & 0o777), "0o700", "mode of the BPF fs")
    same(oct(os.stat(f"{r.run_dir}/steering.lock").st_mode & 0o777), "0o600", "mode of the lock")


@case("up: a second time changes no more than the programs")
def twice(r):
    r.up()
    first, maps, lookups = r.shape(), r.maps(), r.lookups()
    grace = r.settings()["grace_until"]
    r.up()
    same_state(r.shape(), first, "state")
    same(r.maps(), maps, "maps")
    same([link for link, _ in r.lookups()], [link for link, _ in lookups], "sk_lookup link")
    same(r.settings()["grace_until"], grace, "end of the grace")


@case("down: leaves nothing at all")
def nothing(r):
    before = r.state()
    r.up()
    programs = [r.xdp()[1]] + [int(n) for n in re.findall(r"\bid (\d+)", r.filters(SUB))]
    r.down()
    same_state(r.state(), before, "state")
    holds(not os.path.exists(r.run_dir), f"{r.run_dir} is still there")
    for number in programs:
        until(lambda n=number: sh("bpftool", "prog", "show", "id", str(n),
                                  check=False).returncode, f"program {number} to be gone")
    r.down()
    same_state(r.state(), before, "state after a second down")


@case("down: leaves what others made")
def others(r):
    r.run("tc", "qdisc", "add", "dev", UPL, "clsact")
    r.run("ip", "rule", "add", "fwmark", "0x1", "lookup", "77", "priority", "90")
    before = r.state()
    r.up()
    bytecode = "1,6 0 0 0"
    r.run("tc", "filter", "add", "dev", SUB, "egress", "prio", "7", "bpf", "bytecode", bytecode)
    r.down()
    holds("pref 7" in r.filters(SUB, "egress"), "another's filter is gone")
    r.run("tc", "qdisc", "del", "dev", SUB, "clsact")
    same_state(r.state(), before, "state")


@case("up: beside an ingress qdisc of others")
def ingress(r):
    r.run("tc", "qdisc", "add", "dev", SUB, "ingress")
    r.run("tc", "filter", "add", "dev", SUB, "ingress", "prio", "7", "bpf",
          "bytecode", "1,6 0 0 0")
    before = r.state()
    r.up()
    same(r.program(SUB), "postern_steer", "program")
    r.down()
    same_state(r.state(), before, "state after down")


@case("down: an operator's BPF file system stays mounted")
def own_mount(r):
    os.makedirs(f"{r.run_dir}/bpf")
    sh("mount", "-t", "bpf", "bpf", f"{r.run_dir}/bpf")
    before = r.state()
    r.up()
    r.down()
    same_state(r.state(), before, "state")


@case("up: an interface that is no longer configured is let go")
def dropped(r):
    r.veth("sub1", "10.64.128.1/17")
    r.write_conf(interfaces=((SUB, "subscriber"), (UPL, "upstream")))
    r.up()
    small = r.shape()
    r.write_conf(interfaces=((SUB, "subscriber"), ("sub1", "subscriber"), (UPL, "upstream")))
    r.up()
    same(r.program("sub1"), "postern_steer", "program on the new interface")
    r.write_conf()
    r.up()
    same_state(r.shape(), small, "state after the interface left the configuration")


@case("up: an interface that changes sides gets the other programs")
def sides(r):
    r.up()
    r.write_conf(interfaces=((UPL, "subscriber"), (SUB, "upstream")))
    r.up()
    same((r.program(SUB), r.program(UPL)), ("postern_back", "postern_steer"), "programs")
    holds(r.xdp(UPL) and not r.xdp(SUB), "XDP program on the wrong side")


@case("up: an interface that was made anew gets its programs")
def reborn(r):
    r.up()
    r.ip("link", "del", SUB)
    r.veth(SUB, "10.64.0.1/16", "2001:db8:64:1::1/64")
    r.up()
    same(r.program(SUB), "postern_steer", "program")
    holds(r.xdp(SUB), "no XDP program")
    same(len(glob.glob(f"{r.pins}/xdp-*")), 1, "pinned XDP links")
    r.down()
    holds(not os.path.exists(r.run_dir), "something is left")


@case("up: another mark, table and priority leave nothing of the old")
def moved(r):
    r.write_conf("mark = 458752\nmark_mask = 16711680\nroute_table = 77\nrule_priority = 88\n")
    r.up()
    holds("fwmark 0x70000/0xff0000 lookup 77" in r.ip("rule", "list", "priority", "88"), "rule")
    r.write_conf()
    r.up()
    for family in "-4", "-6":
        same(len(re.findall("proto 25", r.ip(family, "rule"))), 1, f"rules {family}")
        same(r.ip(family, "route", "show", "table", "77").strip(), "", f"table 77 {family}")


@case("up: XDP as the configuration says, also changed while it runs")
def modes(r):
    wanted = (("native", "postern_steer", 1), ("generic", "postern_steer", 2),
              ("off", "postern_steer_s", None), ("auto", "postern_steer", 1))
    for xdp, program, mode in wanted:
        r.write_conf(f'xdp = "{xdp}"\n')
        r.up()
        same(r.program(SUB), program, f"tc program with xdp = {xdp}")
        same(r.xdp() and r.xdp()[0], mode, f"XDP mode with xdp = {xdp}")


@case("up: an interface without native XDP")
def bridge(r):
    if r.run("ip", "link", "add", "br0", "type", "bridge", check=False).returncode:
        raise Skip("no bridge driver")
    r.bring_up("br0")
    sides = (("br0", "subscriber"), (UPL, "upstream"))
    r.write_conf('xdp = "native"\n', interfaces=sides)
    r.refused("br0: native XDP does not work here.*set xdp = auto")
    r.write_conf(interfaces=sides)
    r.up()
    same(r.xdp("br0")[0], 2, "XDP mode with xdp = auto")
    same(r.program("br0"), "postern_steer", "tc program")
    state = r.shape()
    r.up()
    same_state(r.shape(), state, "second up")


@case("up: interfaces without a link header")
def tunnels(r):
    for name in "tun0", "tun1":
        if r.run("ip", "tuntap", "add", name, "mode", "tun", check=False).returncode:
            raise Skip("no tun driver")
        r.bring_up(name)
    r.write_conf(interfaces=(("tun0", "subscriber"), ("tun1", "upstream")))
    before = r.state()
    r.up()
    same((r.program("tun0"), r.program("tun1")), ("postern_steer_l", "postern_back_l3"),
         "programs")
    holds(not r.xdp("tun0"), "XDP on an interface without a link header")
    r.down()
    same_state(r.state(), before, "state after down")


@case("up: three at once end as one")
def race(r):
    r.up()
    wanted = r.shape()
    r.down()
    words = r.command(POSTERN, "up", "--conf", f"{r.dir}/postern.conf")
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
            for _ in range(3)]
        for process in running:
            _, said = process.communicate(timeout=120)
            same(process.returncode, 0, f"exit status of one of three ({said.strip()})")
    same_state(r.shape(), wanted, "state")


if __name__ == "__main__":
    main()
