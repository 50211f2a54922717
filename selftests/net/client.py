# SPDX-License-Identifier: GPL-2.0
"""A raw SMTP client that lives in a namespace and chooses its line by binding.

Sockets are made in the namespace and used from anywhere, so a test needs no
process of its own there. Every message goes to a ledger: digest of the octets
sent, reply, time; every session tells how many replies its commands were due.
"""

import ctypes
import hashlib
import json
import os
import re
import socket
import struct
import threading
import time

CLONE_NEWNET = 0x40000000
TCP_REPAIR = 19
_libc = ctypes.CDLL(None, use_errno=True)


class Inside:
    """with Inside("pn-sub"): what this thread makes there lives there."""

    def __init__(self, namespace):
        self.namespace = namespace

    def __enter__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY)
        enter(there)
        os.close(there)

    def __exit__(self, *unused):
        enter(self.home)
        os.close(self.home)


def enter(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def make_socket(namespace, source=None, port=0, kind=socket.SOCK_STREAM):
    """A socket in @namespace, bound to @source when one is given."""
    with Inside(namespace):
        sock = socket.socket(family_of(source or "0.0.0.0"), kind)
    if source:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((source, port))
    return sock


def connect(namespace, source, target, port=25, timeout=10, own_port=0):
    sock = make_socket(namespace, source, own_port)
    sock.settimeout(timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        sock.connect((target, port))
    except OSError:
        sock.close()
        raise
    return sock


def vanish(sock):
    """Gone without a segment, as a host whose line was cut."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    sock.close()


def reset(sock):
    """Close with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Ledger:
    """What the clients did, one JSON line each; shared by threads."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()

    def note(self, event, **what):
        line = json.dumps({"event": event, "t": time.monotonic(), **what})
        with self.lock:
            self.file.write(line + "\n")
            self.file.flush()


class Ended(Exception):
    """The other end closed or reset before the reply was whole."""


class Client:
    """One SMTP session. Replies are whole strings without the final CRLF."""

    def __init__(self, namespace, source, target, port=25, timeout=10, ledger=None,
                 own_port=0):
        self.ledger = ledger
        self.source, self.target, self.port = source, target, port
        self.buffer = b""
        self.due = 0		# replies that our commands are owed
        self.got = 0		# replies that came
        self.replies = []
        self.pairs = []		# (command, its reply)
        self.ended = None	# closed | reset | timeout
        self.started = time.monotonic()
        self.sock = connect(namespace, source, target, port, timeout, own_port)
        self.own_port = self.sock.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def send(self, octets, due=0):
        """Octets as they are; @due replies will be owed for them."""
        self.due += due
        self.sock.sendall(octets)

    def more(self):
        try:
            octets = self.sock.recv(65536)
        except ConnectionResetError as error:
            self.ended = "reset"
            raise Ended("reset") from error
        except (TimeoutError, socket.timeout) as error:
            self.ended = "timeout"
            raise Ended("timeout") from error
        if not octets:
            self.ended = "closed"
            raise Ended("closed")
        self.buffer += octets

    def reply(self):
        """The next whole reply."""
        while True:
            hit = re.match(rb"(?:\d{3}-[^\n]*\n)*\d{3}(?:[ ][^\n]*)?\r?\n", self.buffer)
            if hit:
                break
            self.more()
        self.buffer = self.buffer[hit.end():]
        self.got += 1
        text = hit.group().decode("latin-1").rstrip("\r\n")
        self.replies.append(text)
        return text

    def greeting(self):
        self.due += 1
        return self.reply()

    def command(self, line):
        return self.pipeline([line])[0]

    def pipeline(self, lines):
        """All lines in one segment; returns their replies."""
        self.send("".join(line + "\r\n" for line in lines).encode("latin-1"), len(lines))
        got = []
        for line in lines:
            got.append(self.reply())
            self.pairs.append((line, got[-1]))
        return got

    def hello(self, name="client.postern.test"):
        """Greeting and EHLO; returns the EHLO reply."""
        self.greeting()
        return self.command(f"EHLO {name}")

    def envelope(self, sender="a@sub.postern.test", recipients=("b@mx.postern.test",)):
        """MAIL, RCPT, DATA in lock step; returns the reply to DATA."""
        self.command(f"MAIL FROM:<{sender}>")
        for recipient in recipients:
            self.command(f"RCPT TO:<{recipient}>")
        return self.command("DATA")

    def body(self, content):
        """Content as it goes over the wire, then the dot; returns the reply."""
        reply = ""
        begun = time.monotonic()
        try:
            self.send(content + b".\r\n", 1)
            reply = self.reply()
        finally:
            self.note_message(content, reply, begun)
        return reply

    def note_message(self, content, reply, begun):
        if self.ledger:
            self.ledger.note("message", source=self.source, target=self.target,
                             port=self.port, own_port=self.own_port, begun=begun,
                             digest=hashlib.sha256(content).hexdigest(),
                             octets=len(content), reply=reply)

    def chunks(self, pieces, rush=False):
        """A message by BDAT, the last piece with LAST; @rush: all in one segment.
        Returns the replies; the last one is the message's."""
        replies, begun = [], time.monotonic()
        out = [b"BDAT %d%s\r\n%s" % (len(piece), b" LAST" * (i == len(pieces) - 1), piece)
               for i, piece in enumerate(pieces)]
        try:
            if rush:
                self.send(b"".join(out), len(out))
            for octets in out:
                if not rush:
                    self.send(octets, 1)
                replies.append(self.reply())
        finally:
            whole = replies[-1] if len(replies) == len(out) else ""
            self.note_message(b"".join(pieces), whole, begun)
        return replies

    def mail(self, content, **envelope):
        """One whole transaction; returns the reply to the dot, or to DATA."""
        reply = self.envelope(**envelope)
        return self.body(content) if reply.startswith("3") else reply

    def quit(self):
        text = self.command("QUIT")
        self.close()
        return text

    def finish(self):
        """Read until the other end is gone; returns what came."""
        try:
            while True:
                self.more()
        except Ended:
            return self.buffer

    def close(self):
        if self.sock is None:
            return
        self.drain()
        self.sock.close()
        self.sock = None
        if self.ledger:
            self.ledger.note("session", source=self.source, target=self.target,
                             port=self.port, own_port=self.own_port, due=self.due,
                             got=self.got, last=self.replies[-1] if self.replies else "",
                             surplus=self.buffer.decode("latin-1"), ended=self.ended,
                             pairs=self.pairs)

    def drain(self):
        """Take what is there already, without waiting for more."""
        self.sock.settimeout(0)
        try:
            while True:
                octets = self.sock.recv(65536)
                if not octets:
                    break
                self.buffer += octets
        except OSError:
            pass

    def abort(self):
        reset(self.sock)
        self.sock = None

    def vanish(self):
        vanish(self.sock)
        self.sock = None

    def fin(self):
        """Half of a close: our side is over, theirs may go on."""
        self.sock.shutdown(socket.SHUT_WR)


def message(subject="hello", body="Nothing to see here.\r\n", **fields):
    """A small whole message, unlike every other one by its Message-ID."""
    head = {"From": "a@sub.postern.test", "To": "b@mx.postern.test",
            "Subject": subject, "Message-ID": f"<{os.urandom(12).hex()}@postern.test>",
            **{key.replace("_", "-"): value for key, value in fields.items()}}
    text = "".join(f"{key}: {value}\r\n" for key, value in head.items()) + "\r\n" + body
    return text.encode("latin-1")


def stuffed(content):
    """Content with its lines' leading dots doubled and CRLF at every end."""
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n"
                    for line in lines)
