#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Say lines to port 25 and show the dialogue: each line waits for the reply to
the one before.

usage: talk.py SOURCE TARGET LINE...
"""

import socket
import sys


def reply(stream):
    """Print a whole reply; False when the other end is gone."""
    while True:
        line = stream.readline().decode("latin-1").rstrip("\r\n")
        if not line:
            print("<- (connection closed)")
            return False
        print(f"<- {line}")
        if line[3:4] != "-":
            return True


def main():
    source, target, lines = sys.argv[1], sys.argv[2], sys.argv[3:]
    sock = socket.create_connection((target, 25), 10, (source, 0))
    stream = sock.makefile("rb")
    try:
        there = reply(stream)
        for line in lines:
            if not there:
                break
            print(f"-> {line}")
            sock.sendall(line.encode("latin-1") + b"\r\n")
            there = reply(stream)
    except ConnectionResetError:
        print("<- (connection reset)")


if __name__ == "__main__":
    main()
