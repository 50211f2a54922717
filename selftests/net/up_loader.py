#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""`postern up` and `postern down`: what they leave on a router, what they
refuse and how they say it, and what remains of them when they are killed.

Each case has a router of its own: a network namespace with two interfaces and
a run directory, both named after this process. No daemon, no mail.
Bars: B20, B21, B90.
"""

import contextlib
import glob
import json
import os
import re
import signal
import subprocess
import sys

from labtest import BUILD, Failure, Skip, holds, same, size, until, verdict

CASES = []
NAME = f"up{os.getpid()}"
POSTERN = f"{BUILD}/postern"
SUB, UPL = "sub0", "upl0"

CONF = """
run_dir = "{dir}/run"
state_dir = "{dir}/state"
event_log = ""
pool "10.64.0.0/16" {{ }}
pool "2001:db8:64::/48" {{ }}
"""


def case(name):
    def register(function):
        CASES.append((name, function))
        return function
    return register


def sh(*words, check=True, timeout=120, **options):
    done = subprocess.run(words, text=True, capture_output=True, timeout=timeout,
                          check=False, **options)
    if check and done.returncode:
        raise Failure(f"{' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
    return done


def same_state(got, wanted, what):
    """Say only what differs."""
    for key in sorted({*got, *wanted}):
        same(got.get(key), wanted.get(key), f"{what}: {key}")


class Router:
    """A namespace with a subscriber side and an upstream side."""

    def __init__(self):
        self.ns, self.dir = NAME, f"/run/{NAME}"
        self.run_dir = f"{self.dir}/run"
        self.pins = f"{self.run_dir}/bpf/v1"

    def __enter__(self):
        for name in (self.ns, f"{self.ns}o"):
            sh("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")
        os.makedirs(f"{self.dir}/state", exist_ok=True)
        self.veth(SUB, "10.64.0.1/16", "2001:db8:64:1::1/64")
        self.veth(UPL, "198.51.100.1/24", "2001:db8:25::1/64")
        self.sysctl("ipv4/ip_forward", 1)
        self.sysctl("ipv6/conf/all/forwarding", 1)
        self.write_conf()
        return self

    def __exit__(self, *unused):
        for name in (self.ns, f"{self.ns}o"):
            sh("ip", "netns", "del", name, check=False)
        while sh("umount", f"{self.run_dir}/bpf", check=False).returncode == 0:
            pass
        sh("rm", "-rf", self.dir)

    def veth(self, name, *addresses):
        sh("ip", "link", "add", name, "netns", self.ns, "type", "veth",
           "peer", "name", name, "netns", f"{self.ns}o")
        for address in addresses:
            self.ip("addr", "add", address, "dev", name,
                    *(["nodad"] if ":" in address else []))
        self.bring_up(name)
        sh("ip", "-n", f"{self.ns}o", "link", "set", name, "up")

    def bring_up(self, name):
        """Up, without a link-local address that would appear by itself later."""
        self.ip("link", "set", name, "addrgenmode", "none", "up")

    def write_conf(self, text="", interfaces=((SUB, "subscriber"), (UPL, "upstream"))):
        with open(f"{self.dir}/postern.conf", "w", encoding="utf-8") as f:
            f.write(CONF.format(dir=self.dir) + text)
            for name, side in interfaces:
                f.write(f'interface "{name}" {{ side = "{side}" }}\n')

    # --- commands in it

    def command(self, *words):
        return ("nsenter", f"--net=/run/netns/{self.ns}", "--", *words)

    def run(self, *words, **options):
        return sh(*self.command(*words), **options)

    def ip(self, *words):
        return self.run("ip", *words).stdout

    def sysctl(self, key, value):
        self.run("sh", "-c", f"echo {value} > /proc/sys/net/{key}")

    def postern(self, verb, *before, check=True):
        """`postern VERB`; @before stands in front of it, e.g. strace."""
        return self.run(*before, POSTERN, verb, "--conf", f"{self.dir}/postern.conf",
                        check=check)

    def up(self):
        self.postern("up")

    def down(self):
        self.postern("down")

    def refused(self, *words, verb="up", before=()):
        """The verb fails, each of @words is said in a line, nothing changes."""
        state = self.state()
        done = self.postern(verb, *before, check=False)
        holds(done.returncode, f"{verb} succeeded, wanted {words}")
        for word in words:
            holds(any(re.search(word, line) for line in done.stderr.splitlines()),
                  f"no line with {word!r} in {done.stderr!r}")
        same_state(self.state(), state, f"state after a refused {verb}")

    # --- what is there

    def xdp(self, name=SUB):
        """(mode, program id) of the XDP program, or None."""
        link = json.loads(self.ip("-j", "-d", "link", "show", "dev", name))[0]
        if "xdp" not in link:
            return None
        return link["xdp"]["mode"], link["xdp"]["prog"]["id"]

    def filters(self, name, side="ingress"):
        return self.run("tc", "filter", "show", "dev", name, side, check=False).stdout

    def program(self, name):
        """Name of the tc program at Postern's place."""
        found = re.findall(r"pref 25 bpf chain 0 handle 0x25 (\w+):", self.filters(name))
        holds(len(found) <= 1, f"{len(found)} filters of ours on {name}")
        return found[0] if found else None

    def interfaces(self):
        return [row["ifname"] for row in json.loads(self.ip("-j", "link"))]

    def lookups(self):
        """Links of sk_lookup programs in this namespace: (link, program)."""
        inode = os.stat(f"/run/netns/{self.ns}").st_ino
        links = json.loads(sh("bpftool", "-j", "link", "show").stdout)
        return sorted((link["id"], link["prog_id"]) for link in links
                      if link["type"] == "netns" and link["netns_ino"] == inode)

    def maps(self):
        """name -> kernel id of the pinned maps."""
        ids = {}
        for path in glob.glob(f"{self.pins}/*"):
            done = sh("bpftool", "-j", "map", "show", "pinned", path, check=False)
            answer = json.loads(done.stdout or "{}")
            if "id" in answer and "max_entries" in answer:
                ids[os.path.basename(path)] = answer["id"]
        return ids

    def state(self):
        """All that up and down could touch, with the programs' numbers."""
        state = {
            "rules": self.ip("-4", "rule") + self.ip("-6", "rule"),
            "routes": self.ip("-4", "route", "show", "table", "all") +
                      self.ip("-6", "route", "show", "table", "all"),
            "qdiscs": self.run("tc", "qdisc").stdout,
            "lookups": self.lookups(),
            "files": sorted(found for found in
                            sh("find", self.run_dir, check=False).stdout.split()
                            if not found.endswith("steering.lock")),
            "mounts": sh("sh", "-c", f"grep -c ' {self.run_dir}/bpf ' /proc/mounts",
                         check=False).stdout,
            "maps": self.maps(),
        }
        for name in self.interfaces():
            state[f"{name} xdp"] = self.xdp(name)
            state[f"{name} filters"] = self.filters(name) + self.filters(name, "egress")
        return state

    def shape(self):
        """The same without numbers that differ from load to load."""
        state = {key: re.sub(r":\[\d+\]|\bid \d+|tag \w+", "", str(value))
                 for key, value in self.state().items()}
        state.update(maps=sorted(self.maps()), lookups=len(self.lookups()))
        for name in self.interfaces():
            state[f"{name} xdp"] = self.xdp(name) and self.xdp(name)[0]
        return state

    def settings(self):
        dump = sh("bpftool", "-j", "map", "dump", "pinned", f"{self.pins}/settings").stdout
        return json.loads(dump)[0]["formatted"]["value"]


# --- up and down ------------------------------------------------------------

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


# --- refusals: one clear line, nothing changed ------------------------------

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


@ablation("pinned map of another shape", "v1/dead is not Postern's map.*value 4 .*expected dead")
def wrong_value(r):
    pin_stranger(r, "dead", "type", "lru_hash", "key", "16", "value", "4", "entries", "16384",
                 "name", "dead")


@ablation("map of another program under our pin name", "v1/dead is not Postern's map.*name oops")
def wrong_name(r):
    pin_stranger(r, "dead", "type", "lru_hash", "key", "16", "value", "8", "entries", "16384",
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


# --- faults and kills at system calls (B21) ---------------------------------

# What changes something: (system call, pattern in strace's line).
CHANGES = [
    ("mount", ""), ("umount2", ""), ("mkdir", ""), ("rmdir", ""), ("unlink", ""),
    ("sendto", "RTM_NEW|RTM_DEL|nlmsg_type=0x2[cde]"),
    ("bpf", "BPF_OBJ_PIN|BPF_LINK|BPF_MAP_UPDATE|BPF_MAP_DELETE|BPF_PROG_LOAD|BPF_MAP_CREATE"),
]


def trace(r, verb):
    """The changing system calls of a run: [(call, number of it in the run)]."""
    log = f"{r.dir}/trace"
    calls = ",".join(call for call, _ in CHANGES)
    r.postern(verb, "strace", "-f", "-qq", "-e", f"trace={calls}", "-o", log)
    counts, found = {}, []
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            match = re.match(r"\d+ +(\w+)\(", line)
            if not match:
                continue
            call = match[1]
            counts[call] = counts.get(call, 0) + 1
            if re.search(dict(CHANGES)[call], line):
                found.append((call, counts[call]))
    return found


def spread(rows, most):
    """At most so many of the rows: every one in the nightly run."""
    most = size(most, len(rows))
    step = max(1, len(rows) / most)
    return [rows[int(i * step)] for i in range(min(most, len(rows)))]


def injected(r, verb, fault, call, number):
    """Run the verb with a fault at the n-th of such calls; what it was."""
    return r.postern(verb, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                     "-e", f"inject={call}:{fault}:when={number}", check=False)


def strace_works(r):
    if sh("strace", "-qq", "-o", "/dev/null", "true", check=False).returncode:
        raise Skip("strace does not work here")
    holds(r.dir, "no router")


def kill_and_repair(r, verb, prepare, repair, wanted):
    prepare()
    rows = trace(r, verb)
    holds(len(rows) > 5, f"only {len(rows)} changes seen")
    print(f"# {verb}: {len(spread(rows, 14))} of {len(rows)} places", flush=True)
    for call, number in spread(rows, 14):
        prepare()
        injected(r, verb, "signal=KILL", call, number)
        getattr(r, repair)()
        same_state(r.shape(), wanted, f"state after {verb} killed at {call} {number}, then {repair}")


@case("killed: a first up, then up")
def killed_up(r):
    strace_works(r)
    r.up()
    wanted = r.shape()
    kill_and_repair(r, "up", r.down, "up", wanted)


@case("killed: a first up, then down")
def killed_up_down(r):
    strace_works(r)
    wanted = r.shape()
    kill_and_repair(r, "up", lambda: None, "down", wanted)


@case("killed: an up over a running one, then up")
def killed_again(r):
    strace_works(r)
    r.up()
    kill_and_repair(r, "up", lambda: None, "up", r.shape())


@case("killed: a down, then down")
def killed_down(r):
    strace_works(r)
    wanted = r.shape()
    kill_and_repair(r, "down", r.up, "down", wanted)


@case("killed: a down, then up")
def killed_down_up(r):
    strace_works(r)
    r.up()
    kill_and_repair(r, "down", r.up, "up", r.shape())


def fail_and_compare(r, prepare):
    """An up that meets an error anywhere leaves what was there before it."""
    prepare()
    rows = trace(r, "up")
    prepare()
    before = r.state()
    failed = 0
    for call, number in spread(rows, 20):
        done = injected(r, "up", "error=ENOMEM", call, number)
        if done.returncode == 0:	# it could do without
            prepare()
            before = r.state()
            continue
        failed += 1
        holds(done.stderr.strip(), f"not a word about {call} {number}")
        if call == "bpf" and "policy" in done.stderr:
            continue
        same_state(r.state(), before, f"state after a failure of {call} {number}: {done.stderr}")
    holds(failed > 5, f"only {failed} failures")


@case("failed: a first up takes everything back")
def failed_fresh(r):
    strace_works(r)
    fail_and_compare(r, r.down)


@case("failed: an up over a running one puts its programs back")
def failed_over(r):
    strace_works(r)
    r.up()
    fail_and_compare(r, lambda: None)


def main():
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))
    bad = 0
    for name, function in CASES:
        if sys.argv[1:] and not any(part in name for part in sys.argv[1:]):
            continue
        with Router() as router:
            line = verdict(name, lambda _, f=function, r=router: f(r), None)
        print(" ".join(line.split("\n"))[:1500], flush=True)
        bad += line.startswith("not ok")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
