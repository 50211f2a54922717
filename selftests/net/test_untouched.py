#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What is none of Postern's business stays untouched: other ports, other
sources, other protocols, connections from outside. A redirector that takes
everything must fail here."""

import socket
import threading

import client
from labtest import MX4, MX6, Failure, Lab, begins, case, conf, main, same, size

V4, V6 = ("10.64.0.9", MX4), ("2001:db8:64:7::2", MX6)


def not_ours(lab, what):
    """No session of ours since the case began."""
    now = lab.counters()
    for name in ("session_started", "steered"):
        same(now.get(name, 0), lab.counted.get(name, 0), f"{what}: counter {name}")


@case("untouched: ports 587, 465 and 2525 of a pool line")
def other_ports(lab):
    lab.direct |= {V4[0], V6[0]}
    lab.plain |= {V4[0], V6[0]}
    for source, target in (V4, V6):
        for port in (587, 465, 2525):
            begins(lab.send(source, client.message(), target, port), "250", f"port {port}")
            row = lab.sink_rows("message", peer=source, local_port=port)[0]
            same(row["received"], 0, f"port {port}: octets of a Received: line")
    not_ours(lab, "other ports")


@case("untouched: a static source to port 25")
def static(lab):
    for source, target in (("192.0.2.2", MX4), ("2001:db8:2::2", MX6)):
        lab.direct.add(source)
        lab.plain.add(source)
        with lab.client(source, target) as c:
            c.hello()
            same(lab.sink_rows("open", peer=source)[0]["peer_port"], c.own_port, "port")
            begins(c.mail(client.message(body="x" * 100000 + "\r\n")), "250", "mail")
            c.quit()
        same(lab.sink_rows("message", peer=source)[0]["received"], 0, "Received: line")
    not_ours(lab, "static source")


@case("untouched: ICMP and UDP of a pool line, both ways")
def other_protocols(lab):
    for source, target in (V4, V6):
        lab.run("sub", "ping", "-q", "-c", "5", "-i", "0.01", "-s", "1200", "-I", source, target)
        lab.run("mx", "ping", "-q", "-c", "5", "-i", "0.01", source)
        udp(lab, source, target, 7)
        udp(lab, source, target, 25)
    not_ours(lab, "ICMP and UDP")


def udp(lab, source, target, port):
    far = None
    if port != 7:	# the exchanger has its own echo there
        far = client.make_socket(lab.ns("mx"), target, port, socket.SOCK_DGRAM)
    sock = client.make_socket(lab.ns("sub"), source, 0, socket.SOCK_DGRAM)
    sock.settimeout(3)
    sock.sendto(b"hello", (target, port))
    if far:
        octets, peer = far.recvfrom(64)
        far.sendto(octets, peer)
        far.close()
    same(sock.recv(64), b"hello", f"UDP port {port} of {target}")
    sock.close()


def serve_once(lab, host, address, port):
    """A listener there that greets one client."""
    listener = client.make_socket(lab.ns(host), address, port)
    listener.listen(1)
    listener.settimeout(5)

    def greet():
        try:
            sock, _ = listener.accept()
            sock.sendall(b"220 hello from inside\r\n")
            sock.close()
        except OSError:
            pass
    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    return listener


def from_outside(lab, line, source, port):
    listener = serve_once(lab, "sub", line, port)
    try:
        sock = client.connect(lab.ns("mx"), source, line, port, timeout=2)
        got = sock.recv(64)
        sock.close()
        return got
    finally:
        listener.close()


@case("untouched: connections from outside to a line, port 25 too")
def inbound(lab):
    for line, source in (V4, V6):
        for port in (8080, 25):
            begins(from_outside(lab, line, source, port).decode(), "220", f"port {port}")
    lab.wait_counter("inbound_syn", 2, lab.counted)
    not_ours(lab, "from outside")


BLOCKED = conf().replace('"10.64.0.0/16" { class', '"10.64.0.0/16" { block_inbound = true class')


@case("untouched: a pool may block port 25 from outside, and only that", "block", BLOCKED)
def blocked(lab):
    begins(from_outside(lab, *V4, 8080).decode(), "220", "port 8080")
    begins(from_outside(lab, *V6, 25).decode(), "220", "port 25 of the other pool")
    try:
        from_outside(lab, *V4, 25)
        raise Failure("port 25 is open")
    except (TimeoutError, socket.timeout, ConnectionRefusedError):
        pass
    lab.wait_counter("inbound_blocked", 1, lab.counted)


@case("untouched: a control flow beside steered mail loses and gains nothing (I6)")
def beside(lab):
    with lab.flow(), lab.flow("2001:db8:64:9::2", "2001:db8:25::28"):
        for _ in range(size(20, 500)):
            body = client.message(body="line of text\r\n" * 500)
            begins(lab.send(V4[0], body), "250", "mail")


@case("untouched: two labs with a daemon each, at once")
def two(lab):
    with Lab("b") as other:
        other.begin()
        begins(other.send(V4[0], client.message()), "250", "second lab")
        begins(lab.send(V4[0], client.message()), "250", "first lab")
        for each in (lab, other):
            same(len(each.sink_rows("message")), 1, f"messages in {each.name}")
        same(other.violations(), [], "violations in the second lab")
    begins(lab.send(V6[0], client.message(), MX6), "250", "first lab, second one gone")


if __name__ == "__main__":
    main()
