#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A control flow: UDP through the router every 10 ms, and how it fared.

usage: flow.py NAMESPACE FAR-NAMESPACE SOURCE TARGET

Prints "running" once the quiet time is measured, and on SIGTERM one JSON
object: packets sent and lost, median round trip before and during.
"""

import json
import os
import signal
import socket
import statistics
import struct
import sys
import time

import client

PORT = 7007
QUIET = 40	# packets measured before anything else happens


def echo(namespace, target):
    """In a child process: every datagram back to where it came from."""
    sock = client.make_socket(namespace, target, PORT, socket.SOCK_DGRAM)
    child = os.fork()
    if child:
        sock.close()
        return child
    while True:
        octets, peer = sock.recvfrom(64)
        sock.sendto(octets, peer)


def one_trip(sock, number):
    """Seconds that packet @number took there and back, None when lost."""
    begun = time.monotonic()
    sock.send(struct.pack("!I", number))
    while True:
        try:
            if struct.unpack("!I", sock.recv(64))[0] == number:
                return time.monotonic() - begun
        except (TimeoutError, socket.timeout):
            return None


def main():
    near, far, source, target = sys.argv[1:]
    child = echo(far, target)
    over = []
    signal.signal(signal.SIGTERM, lambda *unused: over.append(True))
    sock = client.make_socket(near, source, 0, socket.SOCK_DGRAM)
    sock.settimeout(1)
    sock.connect((target, PORT))
    trips = []
    while not over or len(trips) < QUIET + 10:
        trips.append(one_trip(sock, len(trips)))
        if len(trips) == QUIET:
            print("running", flush=True)
        time.sleep(0.01)
    os.kill(child, signal.SIGTERM)
    good = [None if trip is None else trip * 1000 for trip in trips]
    during = [trip for trip in good[QUIET:] if trip is not None]
    print(json.dumps({
        "name": f"UDP {source} to {target}", "sent": len(trips), "lost": good.count(None),
        "before_ms": statistics.median([t for t in good[:QUIET] if t is not None] or [0]),
        "during_ms": statistics.median(during or [1e6])}))


if __name__ == "__main__":
    main()
