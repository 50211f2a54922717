#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""`postern up` and `postern down`: what they refuse. One clear line, a status
that is not zero, and nothing changes; alone and over a running steering.

Bars: B20, B90.
"""

import os
import re
import signal
import subprocess

from labtest import holds, same, until
from routertest import CASES, POSTERN, SUB, UPL, case, main, same_state, sh


def ablation(name, *words):
    """A case made of a function that takes something away from a router."""
    def register(take_away):
        def run(r):
            take_away(r)
            r.refused(*words)
        CASES.append((f"refused: {name}", run))

        def run_over(r):
            r.up()
            take_away(r)
            r.refused(*words)
        if take_away.__doc__ is None:	# some cannot come after an up
            CASES.append((f"refused over a running one: {name}", run_over))
        return take_away
    return register


@ablation("IPv4 forwarding off", "IPv4 forwarding is off.*net/ipv4/ip_forward=1")
def no_forwarding4(r):
    r.sysctl("ipv4/ip_forward", 0)


@ablation("IPv6 forwarding off", "IPv6 forwarding is off.*net/ipv6/conf/all/forwarding=1")
def no_forwarding6(r):
    r.sysctl("ipv6/conf/all/forwarding", 0)


@ablation("rp_filter strict upstream", f"{UPL}: rp_filter is strict.*conf/{UPL}/rp_filter=2")
def strict(r):
    r.sysctl("ipv4/conf/all/rp_filter", 1)


@ablation("src_valid_mark", "src_valid_mark is on.*net/ipv4/conf/all/src_valid_mark=0")
def src_valid_mark(r):
    r.sysctl("ipv4/conf/all/src_valid_mark", 1)


@ablation("tcp_fwmark_accept", "tcp_fwmark_accept is on.*net/ipv4/tcp_fwmark_accept=0")
def fwmark_accept(r):
    r.sysctl("ipv4/tcp_fwmark_accept", 1)


@ablation("lo down", "lo is down.*ip link set lo up")
def lo_down(r):
    r.ip("link", "set", "lo", "down")


@ablation("interface down", f"{SUB}: the interface is down.*ip link set {SUB} up")
def iface_down(r):
    r.ip("link", "set", SUB, "down")


@ablation("no such interface", "nosuch0: there is no such interface")
def iface_missing(r):
    r.write_conf(interfaces=((SUB, "subscriber"), (UPL, "upstream"), ("nosuch0", "upstream")))


@ablation("interface twice", f"alias0: .*interface twice .as {SUB} too")
def iface_twice(r):
    r.ip("link", "property", "add", "dev", SUB, "altname", "alias0")
    r.write_conf(interfaces=((SUB, "subscriber"), ("alias0", "upstream"), (UPL, "upstream")))


@ablation("no upstream interface", "names no interface of the upstream side")
def no_upstream(r):
    r.write_conf(interfaces=((SUB, "subscriber"),))


@ablation("rule of others at our priority", "IPv6 rule of priority 2525 is not ours")
def foreign_rule(r):
    r.ip("-6", "rule", "add", "from", "2001:db8::/32", "lookup", "9", "priority", "2525")


@ablation("mark of others", "IPv4 rule of priority 9 matches our mark")
def foreign_mark(r):
    r.ip("rule", "add", "fwmark", "0x504f0000/0xffff0000", "lookup", "9", "priority", "9")


@ablation("table of others", "IPv4 table 2525 holds a route that is not ours")
def foreign_route(r):
    r.ip("route", "add", "blackhole", "10.9.0.0/16", "table", "2525")


@ablation("foreign XDP program", f"{SUB}: a foreign XDP program is attached .stranger, id")
def foreign_xdp(r):
    """Ours holds the hook once it is up."""
    source = ('__attribute__((section("xdp"), used)) int stranger(void *c) { return 2; }\n'
              'char l[] __attribute__((section("license"), used)) = "GPL";\n')
    sh("clang", "-O2", "-g", "-target", "bpf", "-x", "c", "-c", "-", "-o",
       f"{r.dir}/stranger.o", input=source)
    os.makedirs(f"{r.dir}/bpf")
    sh("mount", "-t", "bpf", "bpf", f"{r.dir}/bpf")
    try:
        sh("bpftool", "prog", "load", f"{r.dir}/stranger.o", f"{r.dir}/bpf/stranger")
        r.run("bpftool", "net", "attach", "xdp", "pinned", f"{r.dir}/bpf/stranger", "dev", SUB)
    finally:
        sh("umount", f"{r.dir}/bpf")


@ablation("foreign filter at our place", f"{SUB}: a foreign tc filter .* priority 25")
def foreign_filter(r):
    r.run("tc", "qdisc", "add", "dev", SUB, "clsact", check=False)
    r.run("tc", "filter", "replace", "dev", SUB, "ingress", "prio", "25", "handle", "0x25",
          "bpf", "bytecode", "1,6 0 0 0")


@ablation("foreign filter at our priority", f"{UPL}: a foreign tc filter .* priority 25")
def foreign_priority(r):
    r.run("tc", "qdisc", "add", "dev", UPL, "clsact", check=False)
    r.run("tc", "filter", "add", "dev", UPL, "ingress", "prio", "25", "handle", "7",
          "bpf", "bytecode", "1,6 0 0 0")


@ablation("read-only BPF file system", "BPF file system at .*/run/bpf is read-only.*remount,rw")
def read_only(r):
    if not os.path.ismount(f"{r.run_dir}/bpf"):
        os.makedirs(f"{r.run_dir}/bpf")
        sh("mount", "-t", "bpf", "bpf", f"{r.run_dir}/bpf")
    sh("mount", "-o", "remount,ro", f"{r.run_dir}/bpf")


def pin_stranger(r, name, *definition):
    if not os.path.ismount(f"{r.run_dir}/bpf"):
        os.makedirs(f"{r.run_dir}/bpf")
        sh("mount", "-t", "bpf", "bpf", f"{r.run_dir}/bpf")
    os.makedirs(r.pins, exist_ok=True)
    if os.path.exists(f"{r.pins}/{name}"):
        os.unlink(f"{r.pins}/{name}")
    sh("bpftool", "map", "create", f"{r.pins}/{name}", *definition)


@ablation("pinned map of another shape",
          "v1/listeners is not Postern's map.*value 4 .*expected listeners")
def wrong_value(r):
    pin_stranger(r, "listeners", "type", "sockmap", "key", "4", "value", "4", "entries", "32",
                 "name", "listeners")


@ablation("map of another program under our pin name",
          "v1/listeners is not Postern's map.*name oops")
def wrong_name(r):
    pin_stranger(r, "listeners", "type", "sockmap", "key", "4", "value", "8", "entries", "32",
                 "name", "oops")


@ablation("layout of another release", r"/run/bpf/v7 belongs to another release.*postern down")
def other_layout(r):
    pin_stranger(r, "../v7map", "type", "array", "key", "4", "value", "4", "entries", "1",
                 "name", "v7")
    os.unlink(f"{r.run_dir}/bpf/v7map")
    os.mkdir(f"{r.run_dir}/bpf/v7")


@case("refused: down over the layout of another release")
def down_other(r):
    r.up()
    os.mkdir(f"{r.run_dir}/bpf/v7")
    r.refused("v7 belongs to another release", verb="down")


@case("refused: steering of another network namespace")
def elsewhere(r):
    r.up()
    state = r.state()
    for verb in "up", "down":
        done = sh("nsenter", f"--net=/run/netns/{r.ns}o", POSTERN, verb, "--conf",
                  f"{r.dir}/postern.conf", check=False)
        holds(done.returncode and "another network namespace" in done.stderr,
              f"{verb} elsewhere: {done.stderr}")
    same_state(r.state(), state, "state")


@case("refused: missing rights, each by name")
def rights(r):
    r.refused("missing capability CAP_NET_ADMIN",
              before=("setpriv", "--bounding-set=-net_admin"))
    r.refused("missing capability CAP_SYS_ADMIN", "missing capability CAP_BPF",
              before=("setpriv", "--bounding-set=-sys_admin,-bpf"))


@case("refused: bpf() by the kernel")
def no_bpf(r):
    r.refused("the kernel refuses bpf.*lockdown",
              before=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=bpf",
                      "-e", "inject=bpf:error=EPERM"))


@case("not refused: no BTF of the kernel, no locked memory")
def not_needed(r):
    r.run("unshare", "-m", "sh", "-c", "mount -t tmpfs none /sys/kernel/btf && "
          f"exec {POSTERN} check --conf {r.dir}/postern.conf")
    r.postern("up", "prlimit", "--memlock=0")


@case("noted, not refused: spoofing is possible, SYN cookies are off")
def notes(r):
    r.sysctl("ipv4/tcp_syncookies", 0)
    done = r.postern("up")
    for words in (f"{SUB}: rp_filter is off.*conf/{SUB}/rp_filter=1", "tcp_syncookies is 0"):
        holds(re.search(words, done.stderr), f"no note {words!r} in {done.stderr!r}")
    r.sysctl(f"ipv4/conf/{SUB}/rp_filter", 1)
    r.sysctl("ipv4/tcp_syncookies", 1)
    same(r.postern("up").stderr, "", "notes on a sound router")


@case("refused: all faults at once, and check says the same")
def all_at_once(r):
    r.sysctl("ipv4/ip_forward", 0)
    r.sysctl("ipv4/conf/all/src_valid_mark", 1)
    r.ip("route", "add", "blackhole", "10.9.0.0/16", "table", "2525")
    r.write_conf(interfaces=((SUB, "subscriber"), ("nosuch0", "upstream")))
    words = ("IPv4 forwarding", "src_valid_mark", "table 2525", "nosuch0")
    r.refused(*words)
    r.refused(*words, verb="check")


@case("check: finds nothing on a sound router and changes nothing")
def check_clean(r):
    for prepare in (lambda: None, r.up):
        prepare()
        state = r.state()
        r.postern("check")
        same_state(r.state(), state, "state")


@case("refused: lock held by somebody for too long")
def locked(r):
    r.up()
    with subprocess.Popen(["flock", f"{r.run_dir}/steering.lock", "sleep", "60"]) as holder:
        try:
            until(lambda: sh("flock", "-n", f"{r.run_dir}/steering.lock", "true",
                             check=False).returncode, "the lock to be held")
            r.refused("cannot take .*steering.lock: Device or resource busy")
        finally:
            for pid in (*children(holder.pid), holder.pid):
                os.kill(pid, signal.SIGKILL)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(word) for word in f.read().split()]


if __name__ == "__main__":
    main()
