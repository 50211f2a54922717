# SPDX-License-Identifier: GPL-2.0
"""A router for tests of `postern up` and `postern down`, and the runner of
their cases.

Each case has a router of its own: a network namespace with two interfaces and
a run directory, both named after this process. No daemon, no mail.
"""

import glob
import json
import os
import re
import signal
import subprocess
import sys

from labtest import BUILD, Failure, holds, same, until, verdict

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


def listing(*words):
    """What bpftool lists. It gives up when an object vanishes under its eyes."""
    def ask():
        done = sh("bpftool", "-j", *words, check=False)
        return None if done.returncode else done
    return json.loads(until(ask, f"bpftool {' '.join(words)}").stdout)


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
        self.ip("link", "set", name, "addrgenmode", "none")
        self.ip("link", "set", name, "up")

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
        links = listing("link", "show")
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
