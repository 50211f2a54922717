#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The router's surroundings: its own addresses (B73), loops (B29), firewall
rules on the same box (B30), small MTUs beyond it (B28), forged returns."""

import socket
import struct
import time

import client
import watch
from labtest import MX4, MX6, begins, case, conf, holds, main, same, size

V4, V6 = ("10.64.0.9", MX4), ("2001:db8:64:7::2", MX6)
OWN = ["10.64.0.1", "192.0.2.1", "198.51.100.1", "192.168.64.1", "2001:db8:64::1",
       "2001:db8:2::1", "2001:db8:25::1", "2001:db8:99::1"]


def listeners(lab):
    """Ports that the router listens on."""
    ports = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{lab.pid()}/net/{table}", encoding="ascii") as f:
            for line in f.readlines()[1:]:
                words = line.split()
                if words[3] == "0A":
                    ports.add(int(words[1].rsplit(":", 1)[1], 16))
    return ports


def knock(lab, host, source, target, port):
    """What a connection gets: octets, or the way it ended."""
    try:
        sock = client.connect(lab.ns(host), source, target, port, timeout=1)
    except OSError as error:
        return type(error).__name__
    try:
        sock.sendall(b"EHLO x\r\n")
        return sock.recv(512).decode("latin-1") or "closed"
    except OSError as error:
        return type(error).__name__
    finally:
        sock.close()


# Host, source by family: every side of the router.
SIDES = [("sub", "10.64.0.9", "2001:db8:64:7::2"), ("sub", "192.0.2.2", "2001:db8:2::2"),
         ("mx", MX4, MX6), ("mgmt", "192.168.64.2", "2001:db8:99::2")]


@case("router: its listeners are no open proxy, from any side (B73)")
def own_addresses(lab):
    ports = listeners(lab)
    holds(ports, "the router listens on nothing at all")
    tried = at_25 = 0
    for host, source4, source6 in SIDES:
        for target in OWN:
            for port in sorted(ports | {25}):
                got = knock(lab, host, source6 if ":" in target else source4, target, port)
                holds(not got.startswith("2"), f"{host} to {target} port {port}: {got!r}")
                tried += 1
                at_25 += port == 25
    same(lab.sink_rows("open"), [], "connections that reached an exchanger")
    dials = [syn for syn in lab.outside.syns[lab.syns_from[1]:] if syn[3] == 25 and
             syn[2] not in OWN]
    same(dials, [], "dials")
    # A connection that we made to ourselves would be one end more than knocks.
    ended = {name: count - lab.counted[name] for name, count in lab.counters().items()
             if name.startswith("end_") and count != lab.counted[name]}
    same(ended, {"end_not_subscriber": tried - at_25}, "why connections ended")
    print(f"# {tried} connections to listeners {sorted(ports)}")
    begins(lab.send(V4[0], client.message()), "250", "mail after the scan")


@case("router: an exchanger routed to a listener port is not reached either (B73)")
def listener_port(lab):
    for port in sorted(listeners(lab)):
        got = knock(lab, "sub", V4[0], MX4, port)
        same(got, "ConnectionRefusedError", f"the exchanger's port {port}")


@case("router: our own SYN coming back is dropped; nothing grows (B29)")
def loop(lab):
    lost = "203.0.113.66"
    lab.run("sub", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1",
            "net.ipv4.conf.all.accept_local=1", "net.ipv4.conf.all.send_redirects=0",
            "net.ipv4.conf.eth0.send_redirects=0")
    lab.run("rtr", "sysctl", "-q", "-w", "net.ipv4.conf.all.send_redirects=0",
            "net.ipv4.conf.sub0.send_redirects=0")
    lab.run("rtr", "ip", "route", "add", f"{lost}/32", "via", "10.64.0.2")
    quiet = watch.open_connections(lab.pid())
    socks = [client.make_socket(lab.ns("sub"), V4[0]) for _ in range(3)]
    try:
        for sock in socks:
            sock.setblocking(False)
            sock.connect_ex((lost, 25))
        lab.wait_counter("own_syn", 1, lab.counted)
        end, most = time.monotonic() + size(2, 10), 0
        while time.monotonic() < end:
            most = max(most, watch.open_connections(lab.pid()) - quiet)
            time.sleep(0.1)
        holds(most <= 2 * len(socks), f"{most} sockets for {len(socks)} connections")
        began = lab.counters()["session_started"] - lab.counted["session_started"]
        same(began, len(socks), "sessions")
    finally:
        for sock in socks:
            client.reset(sock)
        lab.run("rtr", "ip", "route", "del", f"{lost}/32")
        lab.run("sub", "sysctl", "-q", "-w", "net.ipv4.ip_forward=0")


INVALID = "\n".join(f"chain {hook} {{ type filter hook {hook} priority 0; "
                    "ct state invalid drop; }" for hook in ("input", "forward", "output"))
NAT = """
chain post { type nat hook postrouting priority 100;
	oifname mx0 ip saddr 10.64.0.200/29 masquerade; }
chain pre { type nat hook prerouting priority -100;
	iifname sub0 tcp dport 8025 redirect to :25; }
"""
NOTRACK_ONE = """
chain raw { type filter hook prerouting priority -300; tcp dport 25 notrack; }
chain forward { type filter hook forward priority 0; ct state established,new accept; }
"""
NOTRACK_BOTH = """
chain raw { type filter hook prerouting priority -300;
	tcp dport 25 notrack; tcp sport 25 notrack; }
chain rawout { type filter hook output priority -300;
	tcp dport 25 notrack; tcp sport 25 notrack; }
"""
RULES = [
    ("conntrack absent", None),
    ("conntrack, invalid dropped", INVALID),
    ("conntrack with NAT rules", INVALID + NAT),
    ("notrack one way", NOTRACK_ONE),
    ("notrack both ways", INVALID + NOTRACK_BOTH),
]


@case("router: the destination is right under five sets of rules (B30)")
def rules(lab):
    for name, body in RULES:
        if body:
            lab.run("rtr", "nft", "-f", "-", stdin=f"table inet t {{\n{body}\n}}\n")
        try:
            for source, target in (V4, V6, (V4[0], "198.51.100.27")):
                have = len(lab.sink_rows("message", local=target))
                content = client.message(body="line\r\n" * 50000)
                begins(lab.send(source, content, target), "250", f"{name}: {target}")
                got = lab.sink_rows("message", local=target)[have:]
                same([row["peer"] for row in got], [source], f"{name}: {target} saw")
        finally:
            if body:
                lab.run("rtr", "nft", "delete", "table", "inet", "t")


# The lines' own connections masqueraded on this router: the answers are ours only
# after the translation, so a rule behind it gives them our mark.
MASQUERADE = """
chain post { type nat hook postrouting priority 100; oifname mx0 masquerade; }
chain pre { type filter hook prerouting priority -90;
	socket transparent 1 meta mark set meta mark and 0x0000ffff or 0x504f0000; }
"""


@case("router: lines behind NAT of the same router, with the rule for it (B30)")
def masquerade(lab):
    lab.run("rtr", "nft", "-f", "-", stdin=f"table inet t {{\n{MASQUERADE}\n}}\n")
    try:
        for (source, target), seen in ((V4, "198.51.100.1"), (V6, "2001:db8:25::1")):
            lab.translated[seen] = source
            content = client.message(body="line\r\n" * 50000)
            begins(lab.send(source, content, target), "250", target)
            same([row["peer"] for row in lab.sink_rows("message", local=target)], [seen],
                 "address that the exchanger saw")
    finally:
        lab.run("rtr", "nft", "delete", "table", "inet", "t")


@case("router: iptables with \"drop INVALID\" on every chain (B30)")
def iptables(lab):
    for tool in ("iptables", "ip6tables"):
        for chain in ("INPUT", "FORWARD", "OUTPUT"):
            done = lab.run("rtr", tool, "-w", "-A", chain, "-m", "conntrack", "--ctstate",
                           "INVALID", "-j", "DROP", check=False)
            holds(done.returncode == 0, f"{tool}: {done.stderr.strip()}")
    try:
        for source, target in (V4, V6):
            content = client.message(body="line\r\n" * 50000)
            begins(lab.send(source, content, target), "250", target)
    finally:
        for tool in ("iptables", "ip6tables"):
            lab.run("rtr", tool, "-w", "-F")


# --- a hop with a small MTU behind the router: rtr - mgmt - mx ---------------

HOP = conf() + 'interface "mgmt0" { side = "upstream" }\n'
FAR4, FAR6 = "203.0.113.25", "2001:db8:26::25"


def add_hop(lab):
    """FAR4 and FAR6 live in mx behind mgmt, over a link of 1400 or 1280."""
    lab.run("mgmt", "ip", "link", "add", "far0", "type", "veth", "peer", "name", "far0",
            "netns", lab.ns("mx"))
    lab.run("mgmt", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1",
            "net.ipv6.conf.all.forwarding=1")
    for host, end in (("mgmt", "1"), ("mx", "25")):
        lab.run(host, "ip", "address", "add", f"203.0.113.{end}/24", "dev", "far0")
        lab.run(host, "ip", "address", "add", f"2001:db8:26::{end}/64", "dev", "far0", "nodad")
        lab.run(host, "ip", "link", "set", "far0", "up")
    for family, far, via in (("-4", "203.0.113.0/24", "192.168.64.2"),
                             ("-6", "2001:db8:26::/64", "2001:db8:99::2")):
        lab.run("rtr", "ip", family, "route", "add", far, "via", via)
    for family, far, via in (("-4", FAR4, "203.0.113.1"), ("-6", FAR6, "2001:db8:26::1")):
        lab.run("mx", "ip", family, "rule", "add", "from", far, "lookup", "77")
        lab.run("mx", "ip", family, "route", "add", "default", "via", via, "table", "77")


def set_mtu(lab, mtu):
    """On the hop alone: the exchanger's own MSS must not give it away."""
    lab.run("mgmt", "ip", "link", "set", "far0", "mtu", str(mtu))
    for host in ("sub", "rtr"):
        for family in ("-4", "-6"):
            lab.run(host, "ip", family, "route", "flush", "cache")
        # What an earlier case learnt of the path.
        lab.run(host, "ip", "tcp_metrics", "flush", check=False)


def timed(lab, line, target):
    content = client.message(body="a line of text\r\n" * 65536)
    begun = time.monotonic()
    with client.Client(lab.ns("sub"), line, target, 25, 30, lab.notes) as c:
        c.hello()
        begins(c.mail(content), "250", f"1 MB from {line} to {target}")
        c.quit()
    return time.monotonic() - begun


PATHS = [("10.64.0.9", "10.64.0.70", FAR4, 1400),
         ("2001:db8:64:7::2", "2001:db8:64:8::2", FAR6, 1280)]


@case("router: 1 MB over a hop of 1400 or 1280, ICMP allowed: within 2x of direct (B28)",
      "hop", HOP)
def mtu(lab):
    add_hop(lab)
    for steered, direct, far, mtu_size in PATHS:
        set_mtu(lab, mtu_size)
        lab.direct.add(direct)
        lab.postern("exempt", "add", direct, "--why", "test")
        straight = timed(lab, direct, far)
        through = timed(lab, steered, far)
        print(f"# MTU {mtu_size}: {straight:.2f} s direct, {through:.2f} s through us")
        holds(through <= max(2 * straight, 0.5), f"{through:.2f} s, direct {straight:.2f} s")
        lab.postern("exempt", "del", direct)
    lab.wait_counter("own_upstream_icmp", 1, lab.counted)


@case("router: the same with ICMP blocked and MTU probing: within 10 s (B28)", "hop", HOP)
def mtu_blind(lab):
    lab.run("rtr", "sysctl", "-q", "-w", "net.ipv4.tcp_mtu_probing=1")
    lab.run("mgmt", "nft", "table inet t { chain o { type filter hook output priority 0; "
            "icmp type destination-unreachable drop; icmpv6 type packet-too-big drop; }; }")
    try:
        for steered, _, far, mtu_size in PATHS:
            set_mtu(lab, mtu_size)
            took = timed(lab, steered.replace(".9", ".19").replace(":7:", ":9:"), far)
            print(f"# MTU {mtu_size}, no ICMP: {took:.2f} s")
            holds(took <= 10, f"{took:.2f} s")
    finally:
        lab.run("mgmt", "nft", "delete", "table", "inet", "t")


# --- packets that nobody sends by mistake ------------------------------------

def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def tcp_packet(source, target, sport, dport, flags):
    """An IP packet with an empty TCP segment."""
    family = client.family_of(source)
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, target)
    tcp = struct.pack("!HHIIBBHHH", sport, dport, 1000, 2000, 5 << 4, flags, 8192, 0, 0)
    pseudo = ends + (struct.pack("!HH", 6, len(tcp)) if family == socket.AF_INET
                     else struct.pack("!IHBB", len(tcp), 0, 0, 6))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    if family == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + ends + tcp
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 7, 0, 64, 6, 0)
    return head[:10] + struct.pack("!H", checksum(head + ends)) + ends + tcp


def frame(lab, host, packet):
    """The packet, addressed to the router, as @host would send it."""
    router = {"mx": "mx0", "sub": "sub0"}[host]
    macs = []
    for where, interface in (("rtr", router), (host, "eth0")):
        show = lab.run(where, "ip", "-o", "link", "show", interface).stdout
        macs.append(bytes.fromhex(show.split("link/ether ")[1].split()[0].replace(":", "")))
    kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
    return b"".join(macs) + kind + packet


FORGED = [("forged_synack", 0x12), ("forged_stray", 0x10), ("forged_stray", 0x18)]


@case("router: forged halves from outside are counted and dropped", "forged",
      conf('grace = "0s"\n'))
def forged(lab):
    sock = watch.packet_socket(lab.ns("mx"), "eth0")
    inside = watch.packet_socket(lab.ns("sub"), "eth0")
    inside.settimeout(0.3)
    for source, target in ((MX4, "10.64.0.30"), (MX6, "2001:db8:64:11::2")):
        for counter, flags in FORGED:
            before = lab.counters()
            sock.send(frame(lab, "mx", tcp_packet(source, target, 25, 4321, flags)))
            lab.wait_counter(counter, 1, before)
    # A genuine neighbour of the forged ones still passes.
    lab.direct.add("10.64.0.31")
    lab.postern("exempt", "add", "10.64.0.31", "--why", "test")
    begins(lab.send("10.64.0.31", client.message()), "250", "an exempt line meanwhile")
    lab.postern("exempt", "del", "10.64.0.31")
    seen = []
    try:
        while True:
            octets = inside.recv(2048)
            if struct.pack("!HH", 25, 4321) in octets[34:62]:
                seen.append(octets)
    except (TimeoutError, socket.timeout):
        pass
    sock.close()
    inside.close()
    same(len(seen), 0, "forged segments that reached the subscriber")


if __name__ == "__main__":
    main()
