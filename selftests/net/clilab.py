# SPDX-License-Identifier: GPL-2.0
"""What the tests of the CLI share: cases with steering up and no daemon, and
the maps as bpftool sees them, so that the CLI is not believed about itself."""

import glob
import ipaddress
import json
import os
import subprocess
import time

from labtest import BUILD, case, conf, holds, same

STEER, EXEMPT, REFUSE = 1, 2, 3
OVERRIDE = 2


def cli_case(name):
    """A case that starts with steering up and an empty state store."""
    def register(function):
        def run(lab):
            fresh(lab)
            function(lab)
        case(name, "cli", conf(fail="reset"), daemon=False, sink=False)(run)
        return function
    return register


def fresh(lab):
    lab.postern("down")
    for path in glob.glob(f"{lab.dir}/state/*"):
        os.unlink(path)
    lab.postern("up")


def fails(lab, *words, status=1, says=""):
    done = lab.run("rtr", f"{BUILD}/postern", *words, check=False)
    same(done.returncode, status, f"status of {' '.join(words)} ({done.stderr.strip()})")
    holds(says in done.stderr, f"{' '.join(words)} said {done.stderr!r}, wanted {says!r}")
    return done.stderr


def rows(lab, *words):
    return [json.loads(line) for line in lab.postern(*words, "--json").splitlines()]


# --- the maps, as bpftool sees them ----------------------------------------

def dump(lab, name):
    pin, = glob.glob(f"{lab.dir}/run/bpf/v*/{name}")
    done = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", pin], text=True,
                          capture_output=True, check=True, timeout=30)
    return json.loads(done.stdout)


def octets(row, part):
    return bytes(int(octet, 16) for octet in row[part])


def lines(lab):
    """Line (text) to (treatment, until, subscriber)."""
    found = {}
    for row in dump(lab, "lines"):
        address = ipaddress.ip_address(octets(row, "key"))
        value = octets(row, "value")
        found[str(address.ipv4_mapped or address)] = (
            value[16], int.from_bytes(value[8:16], "little"),
            int.from_bytes(value[0:8], "little"))
    return found


def treatments(lab):
    return {line: entry[0] for line, entry in lines(lab).items()}


def prefixes(lab, table="pools"):
    """Prefix (mapped bits) to value octets."""
    return {(octets(row, "key")[4:], int.from_bytes(octets(row, "key")[:4], "little")):
            octets(row, "value") for row in dump(lab, table)}


def mapped(text):
    net = ipaddress.ip_network(text)
    if net.version == 4:
        return bytes(10) + b"\xff\xff" + net.network_address.packed, net.prefixlen + 96
    return net.network_address.packed, net.prefixlen


def boot():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
