# SPDX-License-Identifier: GPL-2.0
"""What a test watches beside its own sockets: SYNs on the wires, the kernel's
log, the daemon's figures, and a control flow that nobody may disturb."""

import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import threading

import client

ETH_P_ALL = 3
SO_ATTACH_FILTER = 26

# Frames with a SYN and no ACK, IPv4 without options or IPv6, for the kernel's
# classic filter: (code, jump if true, jump if false, operand).
SYN_FILTER = [
    (0x28, 0, 0, 12),			# 0 ethertype
    (0x15, 0, 4, 0x0800),		# 1 IPv4, or go to 6
    (0x30, 0, 0, 23),			# 2 protocol
    (0x15, 0, 8, 6),			# 3 TCP, or leave
    (0x30, 0, 0, 47),			# 4 flags
    (0x05, 0, 0, 4),			# 5 go to 10
    (0x15, 0, 5, 0x86dd),		# 6 IPv6, or leave
    (0x30, 0, 0, 20),			# 7 next header
    (0x15, 0, 3, 6),			# 8 TCP, or leave
    (0x30, 0, 0, 67),			# 9 flags
    (0x54, 0, 0, 0x12),			# 10 SYN and ACK
    (0x15, 1, 0, 2),			# 11 SYN alone: take
    (0x06, 0, 0, 0),			# 12 leave
    (0x06, 0, 0, 0x40000),		# 13 take
]


def packet_socket(namespace, interface, rows=None):
    """A raw socket on @interface, filtered by @rows."""
    with client.Inside(namespace):
        # Of no protocol until it is bound: nothing may come in before the filter.
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        if rows:
            code = ctypes.create_string_buffer(
                b"".join(struct.pack("HBBI", *row) for row in rows))
            sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                            struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code)))
        sock.bind((interface, ETH_P_ALL))
    return sock


def parse_syn(frame):
    """(source, port, destination, port, sequence number) of a TCP frame."""
    if frame[12:14] == b"\x08\x00":
        ends = (socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]))
        tcp = frame[34:]
    else:
        ends = tuple(socket.inet_ntop(socket.AF_INET6, frame[at:at + 16])
                     for at in (22, 38))
        tcp = frame[54:]
    sport, dport, number = struct.unpack("!HHI", tcp[:8])
    return ends[0], sport, ends[1], dport, number


class Capture:
    """Every opening SYN that passes an interface, from now until close()."""

    def __init__(self, namespace, interface="eth0"):
        self.syns = []
        self.sock = packet_socket(namespace, interface, SYN_FILTER)
        self.sock.settimeout(0.2)
        self.over = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while not self.over:
            try:
                frame = self.sock.recv(256)
            except (TimeoutError, socket.timeout):
                continue
            except OSError:
                return
            self.syns.append(parse_syn(frame))

    def close(self):
        self.over = True
        self.thread.join()
        self.sock.close()


class KernelLog:
    """Kernel log lines since this was made."""

    def __init__(self):
        self.fd = None
        try:
            self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
            os.lseek(self.fd, 0, os.SEEK_END)
        except OSError:
            pass

    def lines(self):
        got = []
        while self.fd is not None:
            try:
                got.append(os.read(self.fd, 8192).decode("utf-8", "replace"))
            except BlockingIOError:
                break
            except BrokenPipeError:
                continue	# lines were overwritten before we came
        return got


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
    except FileNotFoundError:
        return []


def family(pid):
    """A process and all that descend from it."""
    found = [pid]
    for child in children(pid):
        found += family(child)
    return found


def status_kb(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def open_connections(pid):
    """TCP sockets of the process's namespace but listeners and TIME_WAIT."""
    count = 0
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}", encoding="ascii") as f:
            count += sum(line.split()[3] not in ("06", "0A") for line in f.readlines()[1:])
    return count


def figures(pid, rss_slack_kb=16384):
    """name -> (value, slack) of the daemon whose first process is @pid (I7)."""
    pids = family(pid)
    return {
        "processes": (len(pids), 0),
        "descriptors": (sum(len(os.listdir(f"/proc/{p}/fd")) for p in pids), 0),
        "threads": (sum(status_kb(p, "Threads") for p in pids), 0),
        "memory (kB)": (sum(status_kb(p, "VmRSS") for p in pids), rss_slack_kb),
        "connections": (open_connections(pid), 0),
    }


class Flow:
    """with Flow(lab, line) as flow: a control flow runs in its own process.

    flow.result is then what ledger.i6_control_flow() wants."""

    def __init__(self, lab, source, target):
        here = os.path.dirname(os.path.abspath(__file__))
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-B", f"{here}/flow.py", f"{lab}-sub", f"{lab}-mx",
             source, target], stdout=subprocess.PIPE, text=True)
        self.result = None

    def __enter__(self):
        self.process.stdout.readline()		# the quiet time was measured
        return self

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGTERM)
        self.result = json.loads(self.process.communicate(timeout=20)[0])
