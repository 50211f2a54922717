# SPDX-License-Identifier: GPL-2.0
"""Single frames by which a line might get a segment to port 25 past Postern.

A row: name, what makes the frames for (line, port), the counter that has to
rise, frames that reach the exchanger for port 25 and, to show that the rest of
the line's traffic is left alone, for port 587. Where the kernel itself refuses
the frame the last figure is 0.
"""

from collections import namedtuple

from raw import *	# noqa: F403
from scapy.compat import raw as octets_of

Trick = namedtuple("Trick", "name make counter leaves other")

TFO = [("MSS", 1460), (34, b"\x01\x02\x03\x04\x05\x06\x07\x08")]
FULL = [("NOP", None)] * 40
MX_ROUTE = "198.51.100.25"
ROUTER = "10.64.0.1"


def fragments4(*pieces, **fields):
    """Of the segment that opens: (offset in octets, length, more) each."""
    def make(line, port):
        octets = whole(v4(line) / tcp(port, **fields) / Raw(b"x" * 64))
        return [fragment4(line, octets[at:at + length], at // 8, more)
                for at, length, more in pieces]
    return make


def hidden_port(line, port):
    """A head to another port, then a piece that would lie upon it."""
    head = whole(v4(line) / tcp(587))
    return [fragment4(line, head + b"\0" * 4, 0, True),
            fragment4(line, whole(v4(line) / tcp(port))[8:] + b"\0" * 4, 1, False)]


FRAGMENTS4 = [
    Trick("first fragment, whole header", fragments4((0, 40, True)), "fragment_first", 0, 1),
    Trick("first fragment of 8 octets", fragments4((0, 8, True)), "fragment_first", 0, 1),
    Trick("first fragment of 2 octets", fragments4((0, 2, True)), "fragment_first", 0, 0),
    Trick("first fragment without TCP", fragments4((0, 0, True)), "fragment_first", 0, 0),
    Trick("fragment at offset 1", fragments4((8, 32, False)), "fragment_low", 0, 0),
    Trick("fragment at offset 2", fragments4((16, 32, False)), "fragment_low", 0, 0),
    Trick("two halves", fragments4((0, 40, True), (40, 44, False)), "fragment_first", 1, 2),
    Trick("two halves, the last one first", fragments4((40, 44, False), (0, 40, True)),
          "fragment_first", 1, 2),
    Trick("head to 587, overlapped at offset 1", hidden_port, "fragment_low", 1, 1),
    Trick("don't-fragment and more-fragments at once", lambda line, port: [
        v4(line, flags="DF+MF") / tcp(port) / Raw(b"x" * 4)], "fragment_first", 0, 1),
]


def options4(options, dst=MX_ROUTE):
    return lambda line, port: [with_options(v4(line, dst) / tcp(port), options)]


def total4(length):
    return lambda line, port: [v4(line, len=length) / tcp(port)]


IPV4 = [
    Trick("NOP options", options4(b"\x01" * 4), "steered", 0, 1),
    Trick("record route", options4(b"\x07\x0b\x04" + b"\0" * 9), "steered", 0, 1),
    Trick("timestamp option", options4(b"\x44\x0c\x05\x00" + b"\0" * 8),
          "steered", 0, 1),
    Trick("router alert", options4(b"\x94\x04\0\0"), "steered", 0, 1),
    Trick("options ended early, a route behind", options4(
        b"\0" * 4 + source_route(131, MX_ROUTE)), "steered", 0, 1),
    Trick("loose source route", options4(source_route(131, MX_ROUTE)),
          "ip_source_route", 0, 0),
    Trick("strict source route", options4(source_route(137, MX_ROUTE)),
          "ip_source_route", 0, 0),
    Trick("source route behind NOPs", options4(
        b"\x01" * 8 + source_route(131, MX_ROUTE)), "ip_source_route", 0, 0),
    Trick("source route over the router's address", options4(
        source_route(131, MX_ROUTE), dst=ROUTER), "ip_source_route", 0, 0),
    Trick("option longer than the header", options4(b"\x07\x28\x04\0"),
          "ip_header", 0, 0),
    Trick("total length beyond the frame", total4(60), "ip_length", 0, 0),
    Trick("total length zero", total4(0), "ip_length", 0, 0),
    Trick("total length within the IP header", total4(12), "ip_length", 0, 0),
    Trick("total length without TCP", total4(20), "tcp_header", 0, 1),
    Trick("total length within the TCP header", total4(32), "tcp_header", 0, 1),
    Trick("header length 4", lambda line, port: [v4(line, ihl=4) / tcp(port)],
          "ip_header", 0, 0),
    Trick("header length beyond the frame", lambda line, port: [
        v4(line, ihl=15) / tcp(port)], "ip_header", 0, 0),
    Trick("version 6 under the EtherType of 4", lambda line, port: [
        v4(line, version=6) / tcp(port)], "ip_header", 0, 0),
    Trick("wrong IP checksum", lambda line, port: [v4(line, chksum=1) / tcp(port)],
          "steered", 0, 0),
    Trick("reserved IP flag", lambda line, port: [v4(line, flags="evil") / tcp(port)],
          "steered", 0, 1),
    Trick("time to live 1", lambda line, port: [v4(line, ttl=1) / tcp(port)], "steered", 0, 0),
    Trick("time to live 255", lambda line, port: [v4(line, ttl=255) / tcp(port)],
          "steered", 0, 1),
    Trick("octets behind the packet", lambda line, port: [
        v4(line) / tcp(port) / Raw(b"x" * 10) / Raw(b"y" * 40)], "steered", 0, 1),
]


def flags(text, counter, leaves=0, **fields):
    return Trick(f"flags {text or 'none'}{''.join(' ' + key for key in fields)}",
                 lambda line, port: [v4(line) / tcp(port, text, **fields)],
                 counter, leaves, 1)


def segment(name, counter, data=b"", **fields):
    return Trick(name, lambda line, port: [v4(line) / tcp(port, **fields) / Raw(data)],
                 counter, 0, 1)


# What opens nothing may be a session's that is older than the filter.
SEGMENTS = [
    flags("SF", "tcp_flags"), flags("SR", "tcp_flags"), flags("SFR", "tcp_flags"),
    flags("", "tcp_flags"), flags("FPU", "tcp_flags"), flags("F", "tcp_flags"),
    flags("P", "tcp_flags"), flags("U", "tcp_flags"), flags("SFRPAU", "tcp_flags"),
    flags("SFA", "tcp_flags"), flags("SRA", "tcp_flags"),
    flags("SU", "steered", urgptr=9), flags("SP", "steered"), flags("SEC", "steered"),
    flags("S", "steered", reserved=7), flags("SN", "steered"), flags("S", "steered", ack=77),
    flags("A", "direct_session", 1), flags("SA", "direct_session", 1),
    flags("R", "direct_session", 1), flags("FA", "direct_session", 1),
    segment("SYN with data", "steered", b"EHLO spam\r\n" * 40),
    segment("fast open cookie and data", "steered", b"EHLO spam\r\n", options=TFO),
    segment("forty octets of options", "steered", options=FULL),
    segment("header length 4", "tcp_header", dataofs=4),
    segment("header length 0", "tcp_header", dataofs=0),
    segment("header longer than the packet", "tcp_header", dataofs=15),
    segment("wrong TCP checksum", "steered", chksum=1),
    segment("source port 0", "tcp_flags", sport=0),
    segment("source port 25", "steered", sport=25),
    segment("source port 1", "steered", sport=1),
    segment("source port 65535", "steered", sport=65535),
    segment("window 0", "steered", window=0),
]


def chain(*headers, **fields):
    """IPv6 with these extension headers; nh= names a last one that is not TCP."""
    def make(line, port):
        packet = v6(line, **fields)
        for header in headers:
            packet /= header.copy()
        return [packet / tcp(port)]
    return make


def dest():
    return IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])


def hops():
    return IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)])


def routing(kind, left):
    return IPv6ExtHdrRouting(type=kind, segleft=left, addresses=["2001:db8:25::26"])


def raw_header(kind, octets):
    """An extension header that scapy does not know, TCP behind it."""
    def make(line, port):
        segment_octets = octets_of(tcp(port))
        return [v6(line, nh=kind) / Raw(b"\x06" + octets + segment_octets)]
    return make


def pieces6(*pieces):
    """Of destination options and TCP: (offset, length, more) each."""
    def make(line, port):
        inner = octets_of(v6(line) / dest() / tcp(port) / Raw(b"x" * 60))[40:]
        return [v6(line) / IPv6ExtHdrFragment(nh=60, offset=at // 8, m=more, id=NUMBER) /
                Raw(inner[at:at + length]) for at, length, more in pieces]
    return make


def frag6(at, more, skip=0):
    def make(line, port):
        inner = octets_of(v6(line) / tcp(port) / Raw(b"x" * 20))[40 + skip:]
        return [v6(line) / IPv6ExtHdrFragment(nh=6, offset=at, m=more, id=NUMBER) / Raw(inner)]
    return make


def payload6(length):
    return lambda line, port: [v6(line, plen=length) / tcp(port)]


def deep(count, other):
    counter = "steered" if count <= 8 else "ip6_chain"
    return Trick(f"{count} headers", chain(*[dest() for _ in range(count)]), counter, 0, other)


IPV6 = [
    Trick("plain", chain(), "steered", 0, 1),
    Trick("hop-by-hop options", chain(hops()), "steered", 0, 1),
    Trick("destination options", chain(dest()), "steered", 0, 1),
    Trick("routing header, none left", chain(routing(0, 0)), "steered", 0, 1),
    Trick("routing header type 0", chain(routing(0, 1)), "ip_source_route", 0, 1),
    Trick("routing header type 2", chain(routing(2, 1)), "ip_source_route", 0, 1),
    Trick("routing header type 4", chain(routing(4, 1)), "ip_source_route", 0, 1),
    Trick("routing header over the router's address", chain(
        routing(2, 1), dst="2001:db8:64::1"), "ip_source_route", 0, 0),
    Trick("atomic fragment", frag6(0, 0), "fragment_first", 0, 1),
    Trick("first fragment", frag6(0, 1), "fragment_first", 0, 1),
    Trick("fragment at offset 1", frag6(1, 0, 8), "fragment_low", 0, 0),
    Trick("fragment at offset 2", frag6(2, 0, 16), "fragment_low", 0, 0),
    Trick("first fragment without TCP", pieces6((0, 8, 1), (8, 80, 0)), "fragment_first", 1, 1),
    Trick("first fragment of 4 octets", pieces6((0, 4, 1)), "ip6_chain", 0, 0),
    Trick("two fragment headers", chain(
        IPv6ExtHdrFragment(id=1), IPv6ExtHdrFragment(id=2)), "fragment_first", 0, 1),
    Trick("hop-by-hop in the wrong place", chain(dest(), hops()), "steered", 0, 1),
    deep(8, 1), deep(9, 0), deep(20, 0),
    Trick("authentication header", raw_header(51, b"\x01" + b"\0" * 10), "steered", 0, 1),
    Trick("mobility header", raw_header(135, b"\0" * 7), "steered", 0, 1),
    Trick("host identity header", raw_header(139, b"\0" * 7), "steered", 0, 1),
    Trick("header longer than the packet", raw_header(60, b"\xff" + b"\0" * 6),
          "ip6_chain", 0, 0),
    Trick("payload length beyond the frame", payload6(60), "ip_length", 0, 0),
    Trick("payload length zero", payload6(0), "tcp_header", 0, 1),
    Trick("payload length within TCP", payload6(12), "tcp_header", 0, 1),
    Trick("version 4 under the EtherType of 6", chain(version=4), "ip_header", 0, 0),
    Trick("hop limit 1", chain(hlim=1), "steered", 0, 0),
    Trick("hop limit 255", chain(hlim=255), "steered", 0, 1),
    Trick("destination that maps IPv4", chain(dst="::ffff:198.51.100.25"),
          "special_address", 0, 0),
]


def tags(*kinds, vid=0):
    def make(line, port):
        packet = Ether(dst=ROUTER_MAC)
        for kind in kinds:
            packet /= kind(vlan=vid, prio=5)
        return [packet / v4(line) / tcp(port)]
    return make


def many(count, counter):
    return Trick(f"{count} priority tags", tags(*[Dot1Q] * count), counter, 0, None)


def pppoe(**fields):
    return lambda line, port: [
        Ether(dst=ROUTER_MAC, type=0x8864) / PPPoE(sessionid=1, **fields) /
        PPP(proto=0x21) / v4(line) / tcp(port)]


def snap(line, port):
    octets = b"\xaa\xaa\x03\0\0\0\x08\0" + octets_of(v4(line) / tcp(port))
    return [Ether(dst=ROUTER_MAC, type=len(octets)) / Raw(octets)]


LINK = [
    many(1, "steered"), many(2, "steered"), many(3, "link_header"), many(4, "link_header"),
    many(5, "link_header"), many(6, "link_header"), many(9, "link_header"),
    many(40, "link_header"), many(200, "link_header"),
    Trick("QinQ", tags(Dot1AD, Dot1Q), "steered", 0, 1),
    Trick("tag of a VLAN that is not there", tags(Dot1Q, vid=7), "steered", 0, 0),
    Trick("PPPoE without a session", pppoe(), "steered", 0, 0),
    Trick("PPPoE of version 2", pppoe(version=2), "link_header", 0, 0),
    Trick("PPPoE, length beyond the frame", pppoe(len=400), "link_header", 0, 0),
    Trick("SNAP in an 802.3 frame", snap, None, 0, 0),
    Trick("to all stations", lambda line, port: [
        Ether(dst="ff:ff:ff:ff:ff:ff") / v4(line) / tcp(port)], "steered", 0, 0),
]


def to(name, dst, counter, other=0):
    ip = v6 if ":" in dst else v4
    return Trick(f"to {name}", lambda line, port: [ip(line, dst) / tcp(port)],
                 counter, 0, other)


ADDRESSES4 = [
    to("the router", ROUTER, "own_address"),
    to("the router's other side", "198.51.100.1", "own_address"),
    to("a neighbour", "10.64.0.77", "steered"),
    to("the pool's broadcast address", "10.64.255.255", "steered"),
    to("the exchanger's broadcast address", "198.51.100.255", "steered"),
    to("all", "255.255.255.255", "special_address"),
    to("all systems", "224.0.0.1", "special_address"),
    to("loopback", "127.0.0.1", "special_address"),
    to("link-local", "169.254.1.1", "special_address"),
    to("nobody", "0.0.0.0", "special_address"),
]

ADDRESSES6 = [
    to("the router", "2001:db8:64::1", "own_address"),
    to("a neighbour", "2001:db8:64:9::2", "steered"),
    to("all nodes", "ff02::1", "special_address"),
    to("link-local", "fe80::1", "special_address"),
    to("loopback", "::1", "special_address"),
    Trick("privacy address on the line", lambda line, port: [
        v6(line[:-3] + ":dead:beef:1:2") / tcp(port)], "steered", 0, 0),
]


def plain(line, port):
    return [(v6(line) if ":" in line else v4(line)) / tcp(port)]
