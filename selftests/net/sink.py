#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The recording exchanger: accepts every recipient and writes down what it got.

usage: sink.py --dir DIR [--port 25,465,587] [--address ADDRESS]

DIR/ledger.jsonl  one JSON object per line: open, command, reply, message, close
DIR/raw/N.in      every octet that session N received
DIR/script.json   how to behave; read anew for each connection. An object of
                  behaviours by local address, "*" for the others. Keys:

  greeting    text of the greeting, several lines with \\r\\n between
  extensions  list of EHLO keywords
  replies     stage -> reply, or a list of replies used one after the other
              (the last one stays); "" answers nothing
  delays      stage -> seconds before the reply
  cuts        stage -> octets of the reply that go out first; the others follow as
              a segment of their own
  actions     stage -> close | reset | stall | fin | hold | deaf | cork, instead of
              a reply; fin half-closes and reads on; hold reads no more until the
              peer is gone, deaf for good; cork says nothing but the script's raw
              for the stage
  after       the same, behind the reply
  raw         stage -> octets that go out as they are, in the place of the reply
              (at body beside it); or a list of octets, seconds of a pause, and
              null for the end of the session
  lenient     ends of data that a strict receiver would not take count: true for
              all of them, or a flavour (see LENIENT below)
  slow        seconds between two reads of 512 octets each
  obey        true: do what the client's own lines wish (below), and keep order:
              MAIL within a transaction, RCPT without one get 503
  keep        false: no file of what came; quiet: only open, message and close
              are written down

Stages: connect, greeting, ehlo, helo, mail, rcpt, data, data-early (DATA with
no recipient), body (at the first octets of a message), chunk (a BDAT that is
not the last), dot (also of the last BDAT), rset, noop, quit and any other
command's name.

A wish is "+STAGE=WHAT" within the <...> of a line: MAIL FROM:<a+data=451@b>.
WHAT is a code, close or reset. Those of MAIL hold for its transaction, and
there early=CODE.OCTETS answers so many octets into the message. A random
client's script is so at the exchanger in time, whatever happens in between.
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
    "dot": "250 2.0.0 ok, queued nowhere",
    "rset": "250 2.0.0 ok",
    "noop": "250 2.0.0 ok",
    "quit": "221 2.0.0 bye",
    "vrfy": "252 2.1.5 try it",
    "help": "214 2.0.0 no help here",
    "starttls": "220 2.0.0 go ahead",
}
WISH = re.compile(rb"\+([a-z]+)=([a-z0-9.]+)")
STRICT = re.compile(rb"(?:\A|\r\n)\.\r\n")
# What each flavour takes besides CRLF . CRLF.
LENIENT = {
    True: re.compile(rb"(?:\A|\r\n|\n|\r)\.(?:\r\n|\n|\r|\0)"),
    "lf": re.compile(rb"(?:\A|\r\n)\.\r\n|\n\.\n"),			# LF . LF
    "mixed": re.compile(rb"(?:\A|\n)\.\r\n|\r\n\.\n"),		# LF . CRLF, CRLF . LF
    # CR . CR, CR CR LF for CRLF, NUL skipped wherever it stands
    "cr-nul": re.compile(rb"(?:\A|\r+\0*\n)\0*\.\0*\r+\0*\n|\r\0*\.\0*\r"),
}
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
        self.wishes, self.tag = {}, ""	# of the line in hand
        self.raw = open(f"{sink.dir}/raw/{number}.in" if self.keeps() else os.devnull, "wb")

    def reset_envelope(self):
        self.mail, self.rcpt = None, []
        self.chunks = None	# of the message that comes by BDAT
        self.mail_wishes = {}
        self.early = False	# answered before its end

    def keeps(self):
        return self.script.get("keep", True)

    def note(self, event, **what):
        if self.script.get("quiet") and event not in ("open", "message", "close"):
            return
        self.sink.note(event, session=self.number, peer=plain(self.peer[0]),
                       peer_port=self.peer[1], local=plain(self.local[0]),
                       local_port=self.local[1], **what)

    async def more(self):
        size = 65536
        if self.script.get("slow"):
            await asyncio.sleep(self.script["slow"])
            size = 512
        octets = await self.reader.read(size)
        if self.keeps():
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
        wish = self.wish(stage)
        await self.act(stage, None if wish.isdigit() else wish)
        reply = self.chosen(stage, self.obliging(stage, wish, given))
        self.note("reply", stage=stage, reply=reply)
        if before:
            before(reply)
        if reply:
            await self.say(stage, reply.encode("latin-1") + b"\r\n")
        if wish == "421":
            raise Done("421")
        await self.act(stage, self.script.get("after", {}).get(stage, "none"))
        return reply[:1]

    async def say(self, stage, octets):
        raw = self.script.get("raw", {}).get(stage, octets.decode("latin-1"))
        for part in raw if isinstance(raw, list) else [raw]:
            if part is None:
                raise Done(f"script at {stage}")
            if isinstance(part, str):
                await self.write(stage, part.encode("latin-1"))
            else:
                await asyncio.sleep(part)

    async def write(self, stage, octets):
        cut = self.script.get("cuts", {}).get(stage, 0)
        if cut:
            self.writer.write(octets[:cut])
            await self.writer.drain()
            await asyncio.sleep(0.01)
        self.writer.write(octets[cut:])
        await self.writer.drain()

    def wish(self, stage):
        """What the client wishes for: a code, an action, or nothing."""
        if not self.script.get("obey"):
            return ""
        return self.wishes.get(stage, self.mail_wishes.get(stage, ""))

    def obliging(self, stage, wish, given):
        """The reply without a script: the one wished for, or the usual one."""
        usual = REPLIES.get(stage, given)
        if not self.script.get("obey"):
            return usual
        if stage == "mail" and self.mail or stage == "rcpt" and not self.mail:
            wish = "503"
        code = wish if wish.isdigit() else usual[:3]
        if not self.tag and code == usual[:3]:
            return usual
        return f"{code} {code[0]}.0.0 {self.tag}"

    async def act(self, stage, action=None):
        action = action or self.script.get("actions", {}).get(stage)
        if action == "none":
            return
        if action == "deaf":
            self.note("deaf", stage=stage)
            self.writer.transport.pause_reading()
            await asyncio.sleep(3600)
        if action == "cork":
            await self.say(stage, b"")
            action = "stall"
        if action == "fin":
            self.writer.write_eof()
        if action in ("stall", "fin"):
            self.note(action, stage=stage)
            while True:
                await self.more()
        if action == "hold":
            await self.hold(stage)
        if action == "reset":
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if action:
            raise Done(f"{action} at {stage}")

    async def hold(self, stage):
        """Read nothing until the connection is gone."""
        self.writer.transport.pause_reading()
        self.note("hold", stage=stage)
        sock = self.writer.get_extra_info("socket")
        while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x01":
            await asyncio.sleep(0.02)
        raise Done(f"gone while held at {stage}")

    async def talk(self):
        await self.act("connect")
        await self.answer("greeting", self.script.get(
            "greeting", "220 mx.postern.test ESMTP sink"))
        while True:
            line = await self.line()
            verb = line.strip().split(b" ")[0].split(b":")[0].decode("latin-1").lower()
            self.note("command", line=line.decode("latin-1"))
            self.wishes = {stage.decode(): what.decode() for stage, what in WISH.findall(line)}
            path = re.search(rb"<[^>]*>", line)
            self.tag = path.group().decode("latin-1") if path else ""
            await self.command(verb, line)

    async def command(self, verb, line):
        if verb == "bdat":
            await self.chunk(line)
        elif verb == "data" and self.chunks is not None:
            await self.answer("mixed", "503 5.5.1 BDAT or DATA, not both")
        elif verb == "data" and not self.rcpt:
            if await self.answer("data-early", "503 5.5.1 no recipient") == "3":
                await self.message()
        elif verb == "data":
            if await self.answer("data") == "3":
                await self.message()
        elif verb == "ehlo":
            self.envelope(verb, await self.answer("ehlo", self.ehlo()), line)
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
        if verb in ("rset", "ehlo", "helo") or (verb == "mail" and first == "2"):
            self.reset_envelope()
        if verb == "mail" and first == "2":
            self.mail_wishes = self.wishes
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
                    await self.body_begun(sum(map(len, chunks)) + len(tail))
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

    async def body_begun(self, octets):
        wish, early = self.wish("body"), self.wish("early").split(".")
        if wish:
            await self.act("body", wish)
        if "body" in self.script.get("raw", {}) and not self.early:
            self.early = True
            self.writer.write(self.script["raw"]["body"].encode("latin-1"))
            self.note("reply", stage="early", reply="raw")
            await self.writer.drain()
        await self.act("body")
        if len(early) == 2 and octets >= int(early[1]) and not self.early:
            self.early = True
            self.note("reply", stage="early", reply=early[0])
            await self.say("early", f"{early[0]} {early[0][0]}.0.0 seen enough\r\n".encode())

    async def chunk(self, line):
        """One BDAT: its octets are taken whatever the answer is (RFC 3030)."""
        words = line.split()
        size, last = int(words[1]), words[-1].upper() == b"LAST"
        begun = time.monotonic()
        while len(self.buffer) < size:
            await self.more()
        octets, self.buffer = self.buffer[:size], self.buffer[size:]
        if not self.rcpt or self.chunks == "refused":
            await self.answer("chunk-early", "503 5.5.1 no recipient, or a chunk was refused")
            return
        self.chunks = (self.chunks or []) + [octets]
        if not last:
            if await self.answer("chunk", f"250 2.0.0 {size} octets") != "2":
                self.chunks = "refused"
            return
        content = b"".join(self.chunks)
        await self.end_of_message(content, b"", begun)

    async def message(self):
        begun = time.monotonic()
        content, terminator, error = await self.body(
            LENIENT[self.script["lenient"]] if self.script.get("lenient") else STRICT)
        if error:
            self.record(content, None, "", begun)
            raise error
        await self.end_of_message(content, terminator, begun)

    async def end_of_message(self, content, terminator, begun):
        recorded = []

        def record(reply):
            recorded.append(reply)
            self.record(content, terminator, reply, begun)
        try:
            if not self.early:
                early = self.wish("early").split(".")[0]
                if early:
                    self.mail_wishes["dot"] = early
                await self.answer("dot", before=record)
        finally:
            if not recorded:
                record("")
            self.reset_envelope()

    def record(self, content, terminator, reply, begun):
        self.messages += 1
        stripped = without_received(content)
        if self.keeps():
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


def listener(port, address="::"):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind((address, port))
    return sock


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port", default="25,465,587,2525")
    parser.add_argument("--address", default="::")
    options = parser.parse_args()
    sink = Sink(options.dir)
    servers = [await asyncio.start_server(sink.serve, backlog=1024, limit=1 << 20,
                                          sock=listener(int(port), options.address))
               for port in options.port.split(",")]
    if options.address == "::":
        await asyncio.get_running_loop().create_datagram_endpoint(
            Echo, local_addr=("::", 7), family=socket.AF_INET6)
    with open(f"{options.dir}/ready", "w", encoding="utf-8") as f:
        f.write(f"{os.getpid()}\n")
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
