#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""An infected subscriber and a hostile outsider try to get past Postern, with
real frames: nothing to port 25 from a dynamic line reaches the exchanger that
Postern did not make, what is not to port 25 does, and each trick has its
counter (B65, B67, B73)."""

import re

import client
import tricks
from labtest import MX4, MX6, Failure, begins, case, conf, holds, main, same, until
from raw import (GRE, ICMP, IP, NUMBER, PORT, TCP, IPv6, Wire, line4, line6, tcp, v4, v6)


# No session is older than the filter: nothing is learnt from outside.
LAB = ("", conf('grace = "0s"\n'))
RATE = ("rate", conf().replace("syn_rate = 0", "syn_rate = 1\n    syn_burst = 10"))


def delta(now, before):
    return {name: value - before.get(name, 0) for name, value in now.items()
            if value != before.get(name, 0)}


def attempt(lab, wire, trick, line, port):
    """(frames of the line that reached the exchanger, counters that rose)"""
    before, since = lab.counters(), len(wire.frames["mx"])
    wire.send(*trick.make(line, port))
    wire.settled()
    rose = delta(lab.counters(), before)
    return wire.arrived(since, lines=[line]), rose


def judge(lab, wire, trick, line):
    """What is wrong with this trick's outcome."""
    came, rose = attempt(lab, wire, trick, line, 25)
    wrong = []
    if len(came) != trick.leaves:
        wrong.append(f"{trick.name}: {len(came)} frames left instead of {trick.leaves}")
    if trick.counter and not rose.get(trick.counter):
        wrong.append(f"{trick.name}: wanted {trick.counter} to rise, but {rose or 'nothing'} did")
    if trick.other is None:
        return wrong
    came, rose = attempt(lab, wire, trick, line, 587)
    if len(came) != trick.other:
        wrong.append(f"{trick.name} to port 587: {len(came)} frames left instead of "
                     f"{trick.other} ({rose or 'no counter'})")
    return wrong


def table(lab, rows, line_of):
    wrong = []
    # Nobody answers the SYN-ACKs: do not wait long for it.
    lab.run("rtr", "sysctl", "-q", "-w", "net.ipv4.tcp_synack_retries=0")
    with Wire(lab) as wire:
        for number, trick in enumerate(rows, 1):
            wrong += judge(lab, wire, trick, line_of(number))
    print(f"# {len(rows)} tricks")
    if wrong:
        raise Failure("; ".join(wrong))


@case("bypass: IPv4 fragments", *LAB)
def fragments4(lab):
    table(lab, tricks.FRAGMENTS4, line4)


@case("bypass: IPv4 options, lengths, versions, times to live", *LAB)
def ipv4(lab):
    table(lab, tricks.IPV4, line4)


@case("bypass: TCP flags, ports, options, lengths", *LAB)
def segments(lab):
    table(lab, tricks.SEGMENTS, line4)


@case("bypass: IPv6 extension headers, fragments, lengths", *LAB)
def ipv6(lab):
    table(lab, tricks.IPV6, line6)


@case("bypass: VLAN tags, PPPoE, SNAP, all stations", *LAB)
def link(lab):
    table(lab, tricks.LINK, line4)


@case("bypass: destinations", *LAB)
def destinations(lab):
    table(lab, tricks.ADDRESSES4, line4)
    table(lab, tricks.ADDRESSES6, line6)


# --- what has to leave, or cannot be held -----------------------------------

def tunnel(outer):
    return lambda line, port: [outer(line) / (v6(line6(250)) / tcp(port))]


@case("bypass: tunnels and foreign sources are out of reach, and shown to be", *LAB)
def out_of_reach(lab):
    lab.direct |= {"10.64.1.99"}
    lab.postern("exempt", "add", "10.64.1.99", "--why", "test")
    rows = [("IPv6 in IPv4", line4(1), tunnel(v4), None, 1),
            ("GRE", line4(2), tunnel(lambda line: v4(line) / GRE()), None, 1),
            ("exempt neighbour", "10.64.1.99", None, "exempt_line", 1),
            ("static neighbour", "192.0.2.77", None, "not_in_pool", 1),
            ("nobody's IPv4 address (rp_filter)", "203.0.113.9", None, "not_in_pool", 0),
            ("nobody's IPv6 address", "2001:db8:77::9", None, "not_in_pool", 1)]
    wrong = []
    with Wire(lab) as wire:
        for name, source, make, counter, leaves in rows:
            trick = tricks.Trick(name, make or tricks.plain, counter, leaves, None)
            wrong += judge(lab, wire, trick, source)
    lab.postern("exempt", "del", "10.64.1.99")
    same(wrong, [], "outcomes")


# --- from outside -----------------------------------------------------------

def answer(line, flags, **fields):
    """A segment from the exchanger's port 25 to a line."""
    ip = IPv6(src=MX6, dst=line) if ":" in line else IP(src=MX4, dst=line)
    return ip / TCP(sport=25, dport=PORT, flags=flags, seq=7, ack=NUMBER + 1, **fields)


def reaches(lab, wire, line, packet):
    """(frames that reached the line, counters that rose)"""
    before, since = lab.counters(), len(wire.frames["sub"])
    wire.send(packet, host="mx")
    wire.settled("mx")
    return len(wire.arrived(since, "sub", [line])), delta(lab.counters(), before)


def forged(lab, wire, line, rows):
    for flags, counter, wanted in rows:
        came, rose = reaches(lab, wire, line, answer(line, flags))
        same(came, wanted, f"{flags} from port 25 to {line}: frames at the line ({rose})")
        holds(rose.get(counter), f"{flags} from port 25 to {line}: {counter}, got {rose}")


STRAYS = [("SA", "forged_synack", 0), ("SAEC", "forged_synack", 0), ("S", "forged_stray", 0),
          ("A", "forged_stray", 0), ("PA", "forged_stray", 0), ("R", "forged_stray", 0),
          ("FA", "forged_stray", 0)]
KNOWN = [("SA", "forged_synack", 0), ("S", "forged_stray", 0), ("PA", "back_known_flow", 1)]


@case("bypass: the forged half of asymmetric routes, an orphan ACK before it too", *LAB)
def forged_half(lab):
    with Wire(lab) as wire:
        for line in (line4(60), line6(60)):
            wire.neighbour(line)
            forged(lab, wire, line, STRAYS)
            wire.send((v6(line) if ":" in line else v4(line)) / tcp(25, "A"))
            wire.settled()
            forged(lab, wire, line, KNOWN)


def quoted(sender, receiver, sport, dport):
    """An ICMP error about a segment between these, its number guessed."""
    return (IP(src="10.64.1.66", dst=sender) / ICMP(type=3, code=3) /
            IP(src=sender, dst=receiver) / TCP(sport=sport, dport=dport, seq=NUMBER))


@case("bypass: forged segments and ICMP errors do not end a neighbour's session", *LAB)
def hijack(lab):
    line = "10.64.0.9"
    with Wire(lab) as wire, lab.client(line) as session:
        session.hello()
        leg = lab.sink_rows("open", peer=line)[0]["peer_port"]
        for flags in ("R", "RA", "SA", "S", "FPA"):
            outside = IP(src=MX4, dst=line) / TCP(sport=25, dport=leg, flags=flags, seq=NUMBER)
            inside = v4(line) / tcp(25, flags, sport=session.own_port)
            wire.send(outside, host="mx")
            wire.send(outside, inside, v4(line) / tcp(25, flags, sport=leg))
        for sender, receiver, sport, dport in ((MX4, line, 25, session.own_port),
                                               (line, MX4, leg, 25)):
            wire.send(quoted(sender, receiver, sport, dport))
            wire.send(quoted(sender, receiver, sport, dport), host="mx")
        wire.settled()
        begins(session.mail(client.message()), "250", "mail after the forgeries")
        session.quit()
    rose = delta(lab.counters(), lab.counted)
    for counter in ("own_session_icmp", "own_upstream_icmp", "own_upstream", "own_session"):
        holds(rose.get(counter), f"counter {counter} did not rise: {rose}")


# --- changes in mid-air -----------------------------------------------------

def half_open(lab, wire, line):
    """A SYN that we have answered; returns the number of our SYN-ACK."""
    lab.run("rtr", "sysctl", "-q", "-w", "net.ipv4.tcp_synack_retries=2")
    wire.neighbour(line)
    since = len(wire.frames["sub"])
    wire.send(opening(line))
    got = until(lambda: [f for f in wire.arrived(since, "sub", [line]) if f.haslayer(TCP)],
                "our SYN-ACK")
    return got[0][TCP].seq


def opening(line, flags="S", **fields):
    return (v6(line) if ":" in line else v4(line)) / tcp(25, flags, **fields)


def greets(frame):
    return b"220 " in bytes(frame)


def resets(frame):
    return frame.haslayer(TCP) and frame[TCP].flags.R


def repeated(lab, wire, line, change, undo, wanted):
    """A SYN is repeated after a change by which new ones pass."""
    number = half_open(lab, wire, line)
    lab.postern(*change)
    try:
        before, since = lab.counters(), len(wire.frames["mx"])
        wire.send(opening(line))
        wire.settled()
        same(len(wire.arrived(since, lines=[line])), 0, f"{change[0]}: SYNs that left")
        rose = delta(lab.counters(), before)
        holds(rose.get("own_session"), f"{change[0]}: own_session did not rise, but {rose}")
        since = len(wire.frames["sub"])
        wire.send(opening(line, "A", seq=NUMBER + 1, ack=number + 1))
        # An exempt line is told to come again: then it goes directly.
        until(lambda: [f for f in wire.arrived(since, "sub", [line]) if wanted(f)],
              f"{change[0]}: what we say to it")
        wire.send(opening(line, "R", seq=NUMBER + 1))
        wire.send(opening(line, sport=PORT + 1))
        wire.settled()
        same(len([f for f in wire.arrived(0, lines=[line])
                  if f.haslayer(TCP) and f[TCP].sport == PORT + 1]), 1, "new SYNs that left")
    finally:
        lab.postern(*undo)


@case("bypass: a repeated SYN finds its half-open connection, exempt or bypassed by now", *LAB)
def races(lab):
    with Wire(lab) as wire:
        for number, line in enumerate((line4(70), line6(70))):
            lab.direct.add(line)
            repeated(lab, wire, line, ("exempt", "add", line, "--why", "test"),
                     ("exempt", "del", line), resets)
            line = (line4, line6)[number](71)
            lab.direct.add(line)
            repeated(lab, wire, line, ("bypass", "on"), ("bypass", "off"), greets)


@case("bypass: a line refused in mid-session loses it, and gets no other", *LAB)
def refused(lab):
    line = "10.64.0.9"
    session = lab.client(line)
    session.hello()
    lab.postern("refuse", "add", line, "--why", "test")
    try:
        until(lambda: session.command("NOOP").startswith("421"), "the session's end")
        session.close()
        same(dial(lab, line), "refused", "the refused line")
    finally:
        lab.postern("refuse", "del", line)


@case("bypass: a line refused in mid-message may end that, at full speed", *LAB)
def refused_in_message(lab):
    line, content = "10.64.0.8", client.message(body=("y" * 70 + "\r\n") * 40000)
    with lab.client(line, timeout=5) as session:
        session.hello()
        session.envelope()
        session.send(content[:100000])
        lab.postern("refuse", "add", line, "--why", "test")
        try:
            session.send(content[100000:] + b".\r\n", 1)
            begins(session.reply(), "250", "the message")
            session.note_message(content, session.replies[-1], session.started)
        finally:
            lab.postern("refuse", "del", line)
            session.abort()


@case("bypass: a refused line's flood is answered with few resets", *LAB)
def flood_refused(lab):
    line = line4(80)
    lab.postern("refuse", "add", line, "--why", "test")
    with Wire(lab) as wire:
        wire.neighbour(line)
        wire.send(*[opening(line, flags, sport=PORT + n) for n in range(100) for flags in "SA"])
        wire.settled()
        rose = delta(lab.counters(), lab.counted)
        same(len(wire.arrived(0, lines=[line])), 0, "frames that left")
        answers = len(wire.arrived(0, "sub", [line]))
    lab.postern("refuse", "del", line)
    holds(rose.get("refused_flood", 0) >= 150, f"refused_flood: {rose}")
    holds(1 <= answers <= 50, f"{answers} resets")


# --- what one line can do to others -----------------------------------------

def dial(lab, line, target=MX4):
    try:
        sock = client.connect(lab.ns("sub"), line, target, timeout=3)
        got = "greeted" if sock.recv(64).startswith(b"220") else "closed"
        sock.close()
        return got
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return "closed"


MARKS = """
table inet marks {
    chain there { type filter hook input priority 300; meta mark != 0 counter; }
    chain out { type filter hook postrouting priority 300; meta mark != 0 counter; }
}
"""


@case("bypass: the mark ends at our sockets: nothing leaves the router with one", *LAB)
def mark(lab):
    lab.run("rtr", "nft", "-f", "-", stdin=MARKS)
    try:
        for line, target in (("10.64.0.9", MX4), ("2001:db8:64:7::2", MX6)):
            begins(lab.send(line, client.message(), target), "250", "mail")
        with Wire(lab) as wire:
            wire.send(opening(line4(81), "A"), opening(line4(81), "R"))
            wire.settled()
        there, out = (int(word) for word in
                      re.findall(r"packets (\d+)", lab.run("rtr", "nft", "list", "ruleset").stdout))
        holds(there > 20, f"only {there} marked packets were delivered here")
        same(out, 0, "marked packets that left")
    finally:
        lab.run("rtr", "nft", "flush", "ruleset")



@case("bypass: a SYN flood meets its line's budget, and nobody else's", *RATE)
def flood(lab):
    lab.run("rtr", "sysctl", "-q", "-w", "net.ipv4.tcp_synack_retries=0")
    with Wire(lab) as wire:
        wire.send(*[opening(line4(90), sport=PORT + n) for n in range(1000)])
        wire.send(*[v6(f"2001:db8:64:190::{n:x}") / tcp(25) for n in range(2, 1000)])
        wire.settled()
        same(len(wire.arrived(0, lines=[line4(90), "2001:db8:64:190::2"])), 0, "frames that left")
    rose = delta(lab.counters(), lab.counted)
    holds(rose.get("syn_budget", 0) >= 1950, f"syn_budget: {rose}")
    holds(rose.get("steered", 0) <= 40, f"steered: {rose}")
    for line, target in (("10.64.0.9", MX4), ("2001:db8:64:9::2", MX6)):
        same(dial(lab, line, target), "greeted", "another line during the flood")


if __name__ == "__main__":
    main()
