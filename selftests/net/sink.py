#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The recording exchanger: accepts every recipient and writes down what it got.

usage: sink.py --dir DIR [--port 25,465,587]

DIR/ledger.jsonl  one JSON object per line: open, command, reply, message, close
DIR/raw/N.in      every octet that session N received
DIR/script.json   how to behave; read anew for each connection. An object of
                  behaviours by local address, "*" for the others. Keys:

  greeting    text of the greeting, several lines with \\r\\n between
  extensions  list of EHLO keywords
  replies     stage -> reply, or a list of replies used one after the other
              (the last one stays); "" answers nothing
  delays      stage -> seconds before the reply
  actions     stage -> close | reset | stall, instead of a reply
  lenient     true: ends of data that a strict receiver would not take count
  slow        seconds between two reads of 512 octets each

Stages: connect, greeting, ehlo, helo, mail, rcpt, data, data-early (DATA with
no recipient), body (at the first octets of a message), dot, bdat (a chunk), last
(the last one, which ends the message), rset, noop, quit and any other command's
name. A chunk that is not answered with 2xx, or has no recipient, is read and lost.
Times are CLOCK_MONOTONIC, so that they compare with the client's.
"""

import argparse
import asyncio
import hashlib
import json
import os
import re
import socket
import struct
import time

EXTENSIONS = ["PIPELINING", "SIZE 104857600", "8BITMIME", "ENHANCEDSTATUSCODES",
              "DSN", "SMTPUTF8"]
REPLIES = {
    "helo": "250 mx.postern.test",
    "data": "354 end with a dot",
    "bdat": "250 2.0.0 chunk ok",
    "last": "250 2.0.0 ok, queued nowhere",
    "dot": "250 2.0.0 ok, queued nowhere",
    "rset": "250 2.0.0 ok",
    "noop": "250 2.0.0 ok",
    "quit": "221 2.0.0 bye",
    "vrfy": "252 2.1.5 try it",
    "help": "214 2.0.0 no help here",
    "starttls": "220 2.0.0 go ahead",
}
STRICT = re.compile(rb"(?:\A|\r\n)\.\r\n")
LENIENT = re.compile(rb"(?:\A|\r\n|\n|\r)\.(?:\r\n|\n|\r|\0)")
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
MARK = b"POSTERN-BAD-MARK"


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


def without_received(content):
    """The content less its first header field, if that is a Received: line."""
    if not content.startswith(b"Received:"):
        return content
    end = 0
    while True:
        end = content.find(b"\r\n", end) + 2
        if end == 1:
            return content
        if content[end:end + 1] not in (b" ", b"\t"):
            return content[end:]


class Done(Exception):
    """The session is over; the argument says why."""


class Session:
    def __init__(self, sink, number, reader, writer):
        self.sink, self.number = sink, number
        self.reader, self.writer = reader, writer
        # asyncio does this only for sockets that it made itself.
        writer.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = writer.get_extra_info("peername")[:2]
        self.local = writer.get_extra_info("sockname")[:2]
        self.script = sink.script(plain(self.local[0]))
        self.buffer = b""
        self.used = {}
        self.reset_envelope()
        self.messages = 0
        self.raw = open(f"{sink.dir}/raw/{number}.in", "wb")

    def reset_envelope(self):
        self.mail, self.rcpt = None, []
        self.chunks, self.begun = [], None

    def note(self, event, **what):
        self.sink.note(event, session=self.number, peer=plain(self.peer[0]),
                       peer_port=self.peer[1], local=plain(self.local[0]),
                       local_port=self.local[1], **what)

    async def more(self):
        size = 65536
        if self.script.get("slow"):
            await asyncio.sleep(self.script["slow"])
            size = 512
        octets = await self.reader.read(size)
        self.raw.write(octets)
        self.raw.flush()
        if not octets:
            raise Done("peer closed")
        self.buffer += octets

    async def line(self):
        while b"\n" not in self.buffer:
            await self.more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def chosen(self, stage, given):
        reply = self.script.get("replies", {}).get(stage, given)
        if isinstance(reply, list):
            at = self.used.get(stage, 0)
            self.used[stage] = at + 1
            reply = reply[min(at, len(reply) - 1)]
        return reply

    async def answer(self, stage, given="502 5.5.1 not known here", before=None):
        """Reply as the script says; returns the reply's first digit or ''.
        before(reply) is called just before it goes out."""
        delay = self.script.get("delays", {}).get(stage)
        if delay:
            await asyncio.sleep(delay)
        await self.act(stage)
        reply = self.chosen(stage, REPLIES.get(stage, given))
        self.note("reply", stage=stage, reply=reply)
        if before:
            before(reply)
        if reply:
            self.writer.write(reply.encode("latin-1") + b"\r\n")
            await self.writer.drain()
        return reply[:1]

    async def act(self, stage):
        action = self.script.get("actions", {}).get(stage)
        if action == "stall":
            self.note("stall", stage=stage)
            while True:
                await self.more()
        if action == "reset":
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if action:
            raise Done(f"{action} at {stage}")

    async def talk(self):
        await self.act("connect")
        await self.answer("greeting", self.script.get(
            "greeting", "220 mx.postern.test ESMTP sink"))
        while True:
            line = await self.line()
            verb = line.strip().split(b" ")[0].split(b":")[0].decode("latin-1").lower()
            self.note("command", line=line.decode("latin-1"))
            await self.command(verb, line)

    async def command(self, verb, line):
        if verb == "data" and not self.rcpt:
            if await self.answer("data-early", "503 5.5.1 no recipient") == "3":
                await self.message()
        elif verb == "data":
            if await self.answer("data") == "3":
                await self.message()
        elif verb == "bdat":
            await self.chunk(line.split())
        elif verb == "ehlo":
            await self.answer("ehlo", self.ehlo())
        else:
            first = await self.answer(verb, *self.echo(verb, line))
            self.envelope(verb, first, line)
        if verb == "quit":
            raise Done("quit")

    @staticmethod
    def echo(verb, line):
        """Replies to MAIL and RCPT name the path, so that order can be checked."""
        path = re.search(rb"<[^>]*>", line)
        if verb not in ("mail", "rcpt") or not path:
            return ()
        return (f"250 2.1.0 {path.group().decode('latin-1')} ok",)

    def ehlo(self):
        lines = ["mx.postern.test"] + self.script.get("extensions", EXTENSIONS)
        return "\r\n".join(f"250{' ' if i == len(lines) - 1 else '-'}{x}"
                           for i, x in enumerate(lines))

    def envelope(self, verb, first, line):
        if verb == "rset" or (verb == "mail" and first == "2"):
            self.reset_envelope()
        path = line.decode("latin-1").strip()
        if verb == "mail" and first == "2":
            self.mail = path
        if verb == "rcpt" and first == "2":
            self.rcpt.append(path)

    async def body(self, end):
        """Read to the end of data; returns content and terminator, or content
        and None when the peer left before."""
        chunks, tail, hit = [], b"", None
        try:
            while not hit:
                seen = len(tail)
                tail, self.buffer = tail + self.buffer, b""
                if tail:
                    await self.act("body")
                # Only at the very start may the dot stand without a line end.
                hit = end.search(tail, max(seen - 8, 3 if chunks else 0))
                if not hit and len(tail) > 1 << 20:
                    chunks.append(tail[:-16])
                    tail = tail[-16:]
                if not hit:
                    await self.more()
        except (Done, ConnectionError) as error:
            return b"".join(chunks) + tail, None, error
        # The CRLF before the dot belongs to the message; nothing else does.
        cut = hit.start() + hit.group().index(b".")
        self.buffer = tail[hit.end():]
        return b"".join(chunks) + tail[:cut], hit.group(), None

    async def message(self):
        begun = time.monotonic()
        content, terminator, error = await self.body(
            LENIENT if self.script.get("lenient") else STRICT)
        if error:
            self.record(content, None, "", begun)
            raise error
        recorded = []

        def record(reply):
            recorded.append(reply)
            self.record(content, terminator, reply, begun)
        try:
            await self.answer("dot", before=record)
        finally:
            if not recorded:
                record("")
            self.reset_envelope()

    async def chunk(self, words):
        """BDAT n [LAST] (RFC 3030): the octets are read whatever the answer is."""
        size, last = int(words[1]), words[2:] == [b"LAST"]
        self.begun = self.begun or time.monotonic()
        while len(self.buffer) < size:
            await self.more()
        octets, self.buffer = self.buffer[:size], self.buffer[size:]
        if not self.rcpt:
            await self.answer("bdat-early", "503 5.5.1 no recipient")
            return
        self.chunks.append(octets)
        if not last:
            if await self.answer("bdat") != "2":
                self.chunks.pop()
            return
        content, begun = b"".join(self.chunks), self.begun
        await self.answer("last", before=lambda reply: self.record(
            content, b"BDAT LAST", reply, begun))
        self.reset_envelope()

    def record(self, content, terminator, reply, begun):
        self.messages += 1
        stripped = without_received(content)
        with open(f"{self.sink.dir}/raw/{self.number}.{self.messages}.eml", "wb") as f:
            f.write(content)
        self.note("message", message=self.messages, complete=terminator is not None,
                  octets=len(content), digest=digest(content),
                  stripped=digest(stripped), received=len(content) - len(stripped),
                  bad=GTUBE in content or MARK in content,
                  terminator=(terminator or b"").decode("latin-1"),
                  reply=reply, mail=self.mail, rcpt=self.rcpt, begun=begun,
                  file=f"raw/{self.number}.{self.messages}.eml")


def plain(address):
    return address[7:] if address.startswith("::ffff:") else address


class Sink:
    def __init__(self, folder):
        self.dir = folder
        os.makedirs(f"{folder}/raw", exist_ok=True)
        self.ledger = open(f"{folder}/ledger.jsonl", "a", encoding="utf-8")
        self.sessions = 0

    def script(self, local):
        try:
            with open(f"{self.dir}/script.json", encoding="utf-8") as f:
                rows = json.load(f)
        except FileNotFoundError:
            return {}
        return rows.get(local, rows.get("*", {}))

    def note(self, event, **what):
        self.ledger.write(json.dumps({"event": event, "t": time.monotonic(), **what}) + "\n")
        self.ledger.flush()

    async def serve(self, reader, writer):
        self.sessions += 1
        session = Session(self, self.sessions, reader, writer)
        session.note("open")
        why = "fault"
        try:
            await session.talk()
        except Done as done:
            why = str(done)
        except ConnectionError as error:
            why = "peer reset" if isinstance(error, ConnectionResetError) else str(error)
        finally:
            session.note("close", why=why, messages=session.messages,
                         left=session.buffer.decode("latin-1"))
            session.raw.close()
            writer.close()


class Echo(asyncio.DatagramProtocol):
    """UDP echo, for flows that nobody may disturb."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


def listener(port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", port))
    return sock


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port", default="25,465,587,2525")
    options = parser.parse_args()
    sink = Sink(options.dir)
    servers = [await asyncio.start_server(sink.serve, sock=listener(int(port)),
                                          backlog=1024, limit=1 << 20)
               for port in options.port.split(",")]
    await asyncio.get_running_loop().create_datagram_endpoint(
        Echo, local_addr=("::", 7), family=socket.AF_INET6)
    with open(f"{options.dir}/ready", "w", encoding="utf-8") as f:
        f.write(f"{os.getpid()}\n")
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
