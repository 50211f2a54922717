#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Ports of both legs: the subscriber's own upstream (E87, B25), a port that comes
again before its last connection is forgotten (B32), many named ports (F5), a loop
(B29), conntrack with "drop invalid" (B31)."""

import re

import client
from labtest import (MX4, MX6, TOP, Failure, begins, case, conf, holds, main, same, size, until)

V4, V6 = ("10.64.0.9", MX4), ("2001:db8:64:7::2", MX6)
# Lines from .128 on are of a class that takes a new port, as all do by default.
MIXED = conf().replace("syn_rate = 0", 'syn_rate = 0 upstream_port = "same"') + """
class "plain" { syn_rate = 0 }
pool "10.64.0.128/25" { class = "plain" }
pool "2001:db8:64:10::/60" { class = "plain" line = 64 }
"""
# The rules of doc/steering.rst, as they stand there.
RULES_BEGIN, RULES_END = "    table inet postern_legs {\n", "    }\n\n"


def seen_port(lab, source, target=None):
    """The port of the last connection that an exchanger saw from @source."""
    match = {"peer": source, **({"local": target} if target else {})}
    return lab.sink_rows("open", **match)[-1]["peer_port"]


def taken(lab):
    name = "upstream_port_taken"
    return lab.counters().get(name, 0) - lab.counted.get(name, 0)


@case("port: the exchanger sees the subscriber's own port (E87, B25)", "p", MIXED)
def own(lab):
    for source, target in (V4, V6):
        for _ in range(3):
            with lab.client(source, target) as c:
                c.hello()
                begins(c.mail(client.message()), "250", source)
                same(seen_port(lab, source), c.own_port, f"port of {source}")
                c.quit()
    for source in ("10.64.0.130", "2001:db8:64:16::2"):
        with lab.client(source, MX6 if ":" in source else MX4) as c:
            c.hello()
            holds(seen_port(lab, source) != c.own_port, "the port of a class that has new ones")
            c.quit()
    same(taken(lab), 0, "ports that were taken")


@case("port: one port to two exchangers at a time (E87)", "p", MIXED)
def two_exchangers(lab):
    targets = (MX4, "198.51.100.26", "198.51.100.27")
    first = lab.client(V4[0], targets[0])
    port = first.own_port
    sessions = [first] + [lab.client(V4[0], target, own_port=port) for target in targets[1:]]
    for session, target in zip(sessions, targets):
        session.hello()
        same(seen_port(lab, V4[0], target), port, f"port at {target}")
        begins(session.mail(client.message()), "250", target)
    for session in sessions:
        session.quit()
    same(taken(lab), 0, "ports that were taken")


@case("port: one below 1024 is not ours to bind: another, counted (E87)", "p", MIXED)
def privileged(lab):
    for number, (source, target) in enumerate((V4, V6)):
        with lab.client(source, target, own_port=600 + number) as c:
            c.hello()
            begins(c.mail(client.message()), "250", source)
            holds(seen_port(lab, source) >= 1024, f"port {seen_port(lab, source)}")
            c.quit()
    same(taken(lab), 2, "ports that were taken")


@case("port: taken by a leg that has not ended: another, counted (E87, F4)", "p", MIXED)
def still_open(lab):
    # The exchanger does not close after its 221, so our leg lingers for a second.
    lab.script(after={"quit": "stall"})
    ports = []
    for source, target in (V4, V6):
        with lab.client(source, target) as c:
            c.hello()
            begins(c.command("QUIT"), "221", "QUIT")
            c.fin()
            c.finish()		# the port is the client's again once we have closed
        with lab.client(source, target, own_port=c.own_port) as again:
            again.hello()
            begins(again.mail(client.message()), "250", source)
            ports.append((c.own_port, seen_port(lab, source)))
    holds(all(mine != seen for mine, seen in ports), f"the same port twice: {ports}")
    same(taken(lab), 2, "ports that were taken")


# --- B32: the port comes again ------------------------------------------------

def timestamps(lab, on):
    """Without them the client's own stack would refuse a port that rests there, so
    that nothing rests there then."""
    for host in ("sub", "rtr", "mx"):
        lab.run(host, "sysctl", "-q", "-w", f"net.ipv4.tcp_timestamps={int(on)}")
    lab.run("sub", "sysctl", "-q", "-w", f"net.ipv4.tcp_max_tw_buckets={65536 * on}")


def resting(lab, where):
    """Connections in TIME_WAIT on the router with port 25 at this end, or that."""
    end = {"client leg": "sport", "upstream leg": "dport"}[where]
    done = lab.run("rtr", "ss", "-Htan", "state", "time-wait", f"{end} = :25")
    return len(done.stdout.splitlines())


def exchanger_first(c):
    """The exchanger closes, then we to the client: our client leg rests."""
    begins(c.command("NOOP"), "421", "an exchanger that closes")
    same(c.finish(), b"", "octets behind the 421")
    same(c.ended, "closed", "end")
    c.close()


def client_first(c):
    """The client closes, then we to the exchanger: our upstream leg rests."""
    c.fin()
    same(c.finish(), b"", "octets behind the client's FIN")
    c.close()


CLOSERS = [("client leg", exchanger_first), ("upstream leg", client_first)]


def come_again(lab, source, stamps, where, closer, own_port):
    """@own_port: a port that nothing rests on yet."""
    count = size(60, 1000)
    before = taken(lab)
    opens = len(lab.sink_rows("open", peer=source))
    for number in range(count):
        try:
            c = lab.client(source, own_port=own_port, timeout=15)
            begins(c.greeting(), "220", "greeting")
        except (OSError, client.Ended) as fault:
            raise Failure(f"{where} at rest, time stamps {stamps}, connection {number + 1} "
                          f"from port {own_port}: {fault!r}") from fault
        closer(c)
        # Else the next one would meet a connection that is open still.
        until(lambda: not lab.connected(own_port), "both legs to close", 5)
    holds(resting(lab, where), f"no {where} came to rest")
    seen = [row["peer_port"] for row in lab.sink_rows("open", peer=source)[opens:]]
    same(len(seen), count, "connections that the exchanger saw")
    return seen.count(own_port), taken(lab) - before


def reconnect(lab, source, same_port):
    """Every closer, with and without time stamps."""
    lab.script(actions={"noop": "close"})
    port = 20001
    try:
        for stamps in (True, False):
            timestamps(lab, stamps)
            for where, closer in CLOSERS:
                kept, moved = come_again(lab, source, stamps, where, closer, port)
                print(f"# {source} {where} at rest, time stamps {stamps}: {size(60, 1000)} "
                      f"connections, {kept} from port {port}, {moved} moved")
                if same_port:
                    same(kept + moved, size(60, 1000), "kept and moved ports")
                    holds(kept, "the port was never kept")
                    # F3: only without time stamps does a resting leg refuse.
                    holds(not moved or not stamps, f"{moved} moved in spite of time stamps")
                else:
                    same(moved, 0, "moved ports of a class that has new ones")
                port += 1
    finally:
        timestamps(lab, True)


@case("port: it comes again, new ports upstream: no failure (B32)", "p", MIXED)
def again_new(lab):
    reconnect(lab, "10.64.0.131", False)


@case("port: it comes again, the same port upstream: no failure (B32)", "p", MIXED)
def again_same(lab):
    reconnect(lab, V4[0], True)


@case("port: it comes again while the old session is open here (B32)", "p", MIXED)
def again_open(lab):
    # The client has forgotten it: our end is asked by the new SYN, and told so.
    for source in ("10.64.0.132", V4[0]):
        port = 20101
        for _ in range(size(2, 20)):
            c = lab.client(source, own_port=port, timeout=15)
            begins(c.greeting(), "220", "greeting")
            c.vanish()
        with lab.client(source, own_port=port, timeout=15) as c:
            c.hello()
            begins(c.mail(client.message()), "250", source)
            c.quit()
    holds(lab.counters()["end_client_reset"] > lab.counted["end_client_reset"],
          "no old session was reset")


# --- named ports, loops, conntrack ---------------------------------------------

@case("port: a line with every port in its name leaves some to others (F5, B49)", "p", MIXED)
def named_ports(lab):
    low, count = 30000, 20
    before = lab.run("rtr", "sysctl", "-n", "net.ipv4.ip_local_port_range").stdout.split()
    lab.run("rtr", "sysctl", "-q", "-w",
            f"net.ipv4.ip_local_port_range={low} {low + count - 1}")
    held = []
    try:
        for port in range(low, low + count):
            held.append(lab.client(V4[0], own_port=port))
            held[-1].hello()
            same(seen_port(lab, V4[0]), port, "port upstream")
        for source in ("10.64.0.133", "10.64.0.134"):
            begins(lab.send(source, client.message()), "250", source)
        # The line itself, from a port of its own that is not free either.
        with lab.client("10.64.0.135", own_port=600) as c:
            c.hello()
            c.quit()
    finally:
        for session in held:
            session.quit()
        lab.run("rtr", "sysctl", "-q", "-w", f"net.ipv4.ip_local_port_range={' '.join(before)}")
    same(lab.counters()["end_dial_local"], lab.counted["end_dial_local"], "failed dials")


@case("port: our own SYN from the same port comes back and is dropped (B29)", "p", MIXED)
def loop(lab):
    lost = "203.0.113.66"
    lab.run("sub", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1",
            "net.ipv4.conf.all.accept_local=1", "net.ipv4.conf.all.send_redirects=0",
            "net.ipv4.conf.eth0.send_redirects=0")
    lab.run("rtr", "sysctl", "-q", "-w", "net.ipv4.conf.all.send_redirects=0",
            "net.ipv4.conf.sub0.send_redirects=0")
    lab.run("rtr", "ip", "route", "add", f"{lost}/32", "via", "10.64.0.2")
    sock = client.make_socket(lab.ns("sub"), V4[0])
    try:
        sock.setblocking(False)
        sock.connect_ex((lost, 25))
        mine = sock.getsockname()[1]
        lab.wait_counter("own_syn", 2, lab.counted)
        ends = lab.run("rtr", "ss", "-Htan", "sport", "=", ":25", "or", "dport", "=", ":25")
        states = sorted(line.split()[0] for line in ends.stdout.splitlines()
                        if lost in line and f":{mine}" in line)
        same(states, ["ESTAB", "SYN-SENT"], "sockets of the connection")
        same(lab.counters()["session_started"] - lab.counted["session_started"], 1, "sessions")
    finally:
        client.reset(sock)
        lab.run("rtr", "ip", "route", "del", f"{lost}/32")
        lab.run("sub", "sysctl", "-q", "-w", "net.ipv4.ip_forward=0")


INVALID = "".join(
    f"chain {hook} {{ type filter hook {hook} priority {priority}; "
    f"ct state invalid counter drop; }}\n"
    for hook, priority in (("prerouting", -100), ("input", 0), ("forward", 0), ("output", 0)))


def invalid(lab):
    """Segments that "drop invalid" has dropped."""
    text = lab.run("rtr", "nft", "list", "table", "inet", "t").stdout
    return sum(int(n) for n in re.findall(r"ct state invalid counter packets (\d+)", text))


def tracked(lab, port):
    """Entries of conntrack for a client's port."""
    with open(f"/proc/{lab.pid()}/net/nf_conntrack", encoding="ascii") as f:
        return [line for line in f if f"sport={port} dport=25 " in line]


def shipped_rules():
    """The table of doc/steering.rst."""
    with open(f"{TOP}/doc/steering.rst", encoding="utf-8") as f:
        text = f.read()
    at = text.index(RULES_BEGIN)
    return text[at:text.index(RULES_END, at) + len(RULES_END)]


def transfer(lab, source, target, port):
    content = client.message(body="a line of text\r\n" * (size(5, 50) * 65536))
    with lab.client(source, target, own_port=port, timeout=60) as c:
        c.hello()
        begins(c.mail(content), "250", f"{source} to {target}")
        same(seen_port(lab, source), c.own_port, "port upstream")
        c.quit()


@case("port: conntrack, \"drop invalid\", the rules of doc/steering.rst (B31)", "p", MIXED)
def conntrack(lab):
    lab.run("rtr", "nft", "-f", "-", stdin=f"table inet t {{\n{INVALID}}}\n")
    try:
        lab.send("10.64.0.140", client.message(body="line\r\n" * 200000))
        fresh = invalid(lab)
        transfer(lab, *V4, 20201)
        bare = invalid(lab)
        same(len(tracked(lab, 20201)), 1, "both legs as conntrack sees them without the rules")
        lab.run("rtr", "nft", "-f", "-", stdin=shipped_rules())
        for number in range(3):
            transfer(lab, *V4, 20210 + number)
            transfer(lab, *V6, 20220 + number)
            transfer(lab, *V4, 20210 + number)	# the port comes again
            for port in (20210 + number, 20220 + number):
                same(tracked(lab, port), [], "tracked in spite of the rules")
        ruled = invalid(lab) - bare
        lab.direct.add("10.64.0.141")
        lab.postern("exempt", "add", "10.64.0.141", "--why", "test")
        begins(lab.send("10.64.0.141", client.message()), "250", "an exempt line")
        lab.postern("exempt", "del", "10.64.0.141")
    finally:
        lab.run("rtr", "nft", "delete", "table", "inet", "t")
        lab.run("rtr", "nft", "delete", "table", "inet", "postern_legs", check=False)
    print(f"# invalid segments: {fresh} with a new port, {bare - fresh} with the same one, "
          f"{ruled} with the rules")
    same(fresh, 0, "invalid segments with a new port")
    same(ruled, 0, "invalid segments with the rules")


if __name__ == "__main__":
    main()
