# SPDX-License-Identifier: GPL-2.0
"""Frames as no honest stack makes them, and what became of them.

A Wire sends from the subscriber's or the exchanger's cable and records every
frame that arrives at the other end of the router. Crafted frames come from
lines that nobody owns (10.64.1.x, 2001:db8:64:1xx::), so that no stack answers
them; after each, a marked datagram tells when all has passed.
"""

import os
import socket
import threading

from scapy.config import conf as scapy_conf
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, IPv6, IPv6ExtHdrDestOpt,
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, PadN)
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.packet import Raw
from scapy.utils import checksum

import client
import watch
from labtest import MX4, MX6, until

scapy_conf.verb = 0
NUMBER = 0x1000		# of every crafted segment that opens
PORT = 40025
ROUTER_MAC = "02:00:00:00:00:00"	# stands for the router's on this cable


def line4(number):
    return f"10.64.1.{number}"


def line6(number):
    return f"2001:db8:64:1{number:02x}::2"


def tcp(port, flags="S", **fields):
    return TCP(**{"sport": PORT, "dport": port, "flags": flags, "seq": NUMBER,
                  "window": 64240, **fields})


def v4(line, dst=MX4, **fields):
    return IP(src=line, dst=dst, id=NUMBER, **fields)


def v6(line, dst=MX6, **fields):
    return IPv6(src=line, dst=dst, **fields)


def whole(packet):
    """The octets of TCP, with the checksum they would have in this packet."""
    return bytes(packet.__class__(bytes(packet))[TCP])


def fragment4(line, octets, offset, more):
    """offset in units of eight octets"""
    return v4(line, proto=6, frag=offset, flags="MF" if more else 0) / Raw(octets)


def source_route(kind, via):
    """Kind 131 or 137; type, length, pointer, one address; padded."""
    return bytes([kind, 7, 4]) + socket.inet_aton(via) + b"\0"


def with_options(packet, options):
    """The packet with these octets, four at a time, behind its IPv4 header."""
    octets = bytes(packet)
    head = IP(octets[:20])
    head.ihl, head.len, head.chksum = 5 + len(options) // 4, len(octets) + len(options), 0
    head = bytes(head)[:20]
    return IP(head[:10] + checksum(head + options).to_bytes(2, "big") + head[12:] +
              options + octets[20:])


class Wire:
    """Both ends of the router: eth0 of the subscriber and of the exchanger."""

    def __init__(self, lab):
        self.lab, self.frames, self.over = lab, {"sub": [], "mx": []}, False
        self.socks = {host: watch.packet_socket(lab.ns(host), "eth0") for host in self.frames}
        self.out = {host: watch.packet_socket(lab.ns(host), "eth0", [(0x06, 0, 0, 0)])
                    for host in self.frames}
        self.mac = {host: (self.address("rtr", device), self.address(host, "eth0"))
                    for host, device in (("sub", "sub0"), ("mx", "mx0"))}
        self.threads = [threading.Thread(target=self.listen, args=(host,), daemon=True)
                        for host in self.frames]
        for thread in self.threads:
            thread.start()

    def address(self, host, device):
        with watch.packet_socket(self.lab.ns(host), device) as sock:
            return ":".join(f"{octet:02x}" for octet in sock.getsockname()[4])

    def listen(self, host):
        sock = self.socks[host]
        sock.settimeout(0.2)
        while not self.over:
            try:
                octets, where = sock.recvfrom(65535)
            except TimeoutError:
                continue
            if where[2] != 4:	# not what this host sent itself
                self.frames[host].append(octets)

    def close(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        for sock in (*self.socks.values(), *self.out.values()):
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def neighbour(self, line):
        """What the router has for this line goes to the subscriber's cable."""
        self.lab.run("rtr", "ip", "neigh", "replace", line, "lladdr", self.mac["sub"][1],
                     "dev", "sub0", "nud", "permanent")

    # --- sending

    def frame(self, packet, host="sub"):
        """A packet without a link header gets the one to the router."""
        rtr, own = self.mac[host]
        if packet.haslayer(Ether):
            packet.src = own
            packet.dst = rtr if packet.dst == ROUTER_MAC else packet.dst
            return bytes(packet)
        return bytes(Ether(dst=rtr, src=own) / packet)

    def send(self, *packets, host="sub"):
        for packet in packets:
            self.out[host].send(self.frame(packet, host))

    def settled(self, host="sub"):
        """Everything sent before has reached the far end, or nowhere."""
        far = "mx" if host == "sub" else "sub"
        ends = ("10.64.0.2", MX4) if host == "sub" else (MX4, "10.64.0.2")
        for _ in range(2):
            mark = os.urandom(16)
            self.send(IP(src=ends[0], dst=ends[1]) / UDP(sport=9, dport=9) / Raw(mark),
                      host=host)
            until(lambda: any(mark in frame for frame in self.frames[far][-64:]),
                  "a datagram to pass")

    def arrived(self, since=0, host="mx", lines=()):
        """Frames at @host from number @since on that bear one of these addresses."""
        marks = [packed(line) for line in lines]
        return [Ether(frame) for frame in self.frames[host][since:]
                if any(mark in frame[14:54] for mark in marks)]


def packed(address):
    return socket.inet_pton(client.family_of(address), address)


__all__ = ["ICMP", "IP", "TCP", "UDP", "ICMPv6DestUnreach", "IPv6",
           "IPv6ExtHdrDestOpt", "IPv6ExtHdrFragment", "IPv6ExtHdrHopByHop",
           "IPv6ExtHdrRouting", "PadN", "GRE", "Dot1AD", "Dot1Q", "Ether", "PPP", "PPPoE",
           "Raw", "NUMBER", "PORT", "ROUTER_MAC", "Wire", "fragment4", "line4", "line6",
           "source_route", "tcp", "v4", "v6", "whole", "with_options"]
