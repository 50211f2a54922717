# SPDX-License-Identifier: GPL-2.0
"""Clients that play the sessions of shape.py, many at a time (asyncio), ask the
oracle (expect.py) what they must see, and write down what they saw."""

import asyncio
import hashlib
import random
import re
import socket
import time

import client
import expect
import shape

REPLY = re.compile(rb"(?:\d{3}-[^\n]*\n)*\d{3}(?:[ ][^\n]*)?\r?\n")
PATIENCE = 30		# seconds for one reply: only a fault takes so long


class Gone(Exception):
    """The other end closed or reset."""


class Talker:
    """A connection: octets out in odd pieces, whole replies in."""

    def __init__(self, namespace, source, target, seed):
        self.sock = client.make_socket(namespace, source)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.target = target
        self.random = random.Random(seed)
        self.buffer, self.ended = b"", None
        self.due, self.replies = 0, []
        self.own_port = self.sock.getsockname()[1]

    async def connect(self):
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_connect(self.sock, (self.target, 25))

    def pieces(self, octets):
        """Where a segment ends nobody may rely on."""
        kind = self.random.random()
        if kind < 0.5 or len(octets) < 2:
            return [octets]
        if kind < 0.6 and len(octets) < 300:
            return [octets[i:i + 1] for i in range(len(octets))]
        cuts = sorted(self.random.randrange(1, len(octets))
                      for _ in range(self.random.randrange(1, 6)))
        if kind < 0.8:		# at the ends, where the marks are
            cuts = sorted({1, len(octets) - self.random.randrange(1, min(6, len(octets)))})
        return [octets[a:b] for a, b in zip([0] + cuts, cuts + [len(octets)])]

    async def send(self, octets, due=0):
        """@due replies will be owed. False when the other end takes no more."""
        self.due += due
        loop = asyncio.get_running_loop()
        try:
            for piece in self.pieces(octets):
                async with asyncio.timeout(PATIENCE):
                    await loop.sock_sendall(self.sock, piece)
                await asyncio.sleep(0)
        except OSError:
            return False
        return True

    async def more(self):
        if self.ended:
            raise Gone
        try:
            async with asyncio.timeout(PATIENCE):
                octets = await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        except TimeoutError:
            self.ended = "timeout"
        except OSError:
            self.ended = "reset"
        else:
            if octets:
                self.buffer += octets
                return
            self.ended = "closed"
        raise Gone

    async def reply(self):
        """The next reply's text; None when the session has ended before it."""
        while not (hit := REPLY.match(self.buffer)):
            try:
                await self.more()
            except Gone:
                return None
        self.buffer = self.buffer[hit.end():]
        text = hit.group().decode("latin-1").rstrip("\r\n")
        self.replies.append(text)
        return text

    async def end(self):
        """Until the other end is gone."""
        try:
            while True:
                await self.more()
        except Gone:
            pass

    def close(self, how="close"):
        if how == "rst":
            client.reset(self.sock)
        else:
            self.sock.close()


class Play:
    """One session of a plan."""

    def __init__(self, namespace, session, notes):
        self.session, self.notes = session, notes
        self.talker = Talker(namespace, session["source"], session["target"], session["id"])
        self.oracle = expect.Oracle()
        self.seen, self.pairs = [], []
        self.chunking = False
        self.open = True	# go on; false once something unusual was seen
        self.uncertain = False	# whether the last message arrives nobody can say

    def note(self, event, **what):
        talker, session = self.talker, self.session
        self.notes.note(event, id=session["id"], source=session["source"],
                        target=session["target"], port=25, own_port=talker.own_port, **what)

    async def take(self, command, want):
        """The reply to a command that was sent."""
        text = await self.talker.reply()
        code = text[:3] if text else None
        self.seen.append((command, [want[0], *(sorted(part) for part in want[1:])], code, text))
        if text:
            self.pairs.append((command, text))
        if text is None or code == "421" or not expect.agrees(want, code, text, None):
            self.open = False
        return code

    async def group(self, lines, together):
        """Commands in one segment or one by one; returns the last reply's code."""
        code = None
        for part in [lines] if together else [[line] for line in lines]:
            if not self.open:
                break
            await self.talker.send("".join(line + "\r\n" for line in part).encode(), len(part))
            for line in part:
                code = await self.take(line, self.oracle.line(line))
        return code

    async def hello(self):
        session, talker = self.session, self.talker
        line = "HELO client" if session["helo"] else f"EHLO client{session['id']}"
        if session["early"]:
            await talker.send(line.encode() + b"\r\n", 1)
        talker.due += 1
        await self.take("greeting", ("remote", {"220"}))
        if not session["early"]:
            await talker.send(line.encode() + b"\r\n", 1)
        await self.take(line, ("remote", {"250"}))
        self.chunking = "CHUNKING" in talker.replies[-1] if talker.replies else False

    def note_message(self, content, code, begun):
        self.note("message", begun=begun, digest=hashlib.sha256(content).hexdigest(),
                  octets=len(content), reply=code or "", uncertain=self.uncertain)

    async def mail(self, act):
        lines = [act["line"]]
        for at, rcpt in enumerate(act["rcpts"] + [None]):
            if str(at) in act["between"]:
                lines.append(act["between"][str(at)])
            lines += [rcpt] if rcpt else []
        if act["rset"]:
            await self.group(lines + ["RSET"], act["together"])
        elif act["cuts"] is not None and self.chunking:
            await self.group(lines, act["together"])
            await self.chunks(act)
        else:
            code = await self.group(lines + ["DATA"], act["together"])
            if self.open and code == "354":
                await self.message(act)
            elif self.open:
                await self.group(["RSET"] + act["behind"], act["together"])

    async def message(self, act):
        """A message and what is pipelined behind it."""
        begun = time.monotonic()
        content = shape.content(act["body"])
        early = "early" in (self.oracle.wishes or {})
        behind = [] if early else act["behind"]
        await self.talker.send(content + b".\r\n" + "".join(
            line + "\r\n" for line in behind).encode(), 1 + len(behind))
        code = await self.take(f"dot {act['body']['id']}", self.oracle.message(act["body"]))
        self.uncertain = early
        self.note_message(content, code, begun)
        for line in behind:
            await self.take(line, self.oracle.line(line))
        if early:
            self.open = False	# whether the session goes on depends on who was faster

    async def chunks(self, act):
        """The same by BDAT, cut at some places (E20 to E25)."""
        begun = time.monotonic()
        content = shape.content(act["body"])
        cuts = [int(cut * len(content)) for cut in act["cuts"]]
        parts = [content[a:b] for a, b in zip([0] + cuts, cuts + [len(content)])]
        lines = [f"BDAT {len(part)}" + (" LAST" if part is parts[-1] and i == len(parts) - 1
                                        else "") for i, part in enumerate(parts)]
        octets = [line.encode() + b"\r\n" + part for line, part in zip(lines, parts)]
        code = None
        groups = [list(range(len(parts)))] if act["together"] else [[i] for i in
                                                                    range(len(parts))]
        for group in groups:
            if not self.open:
                break
            await self.talker.send(b"".join(octets[i] for i in group), len(group))
            for i in group:
                want = self.oracle.chunk(act["body"], i == len(parts) - 1, len(parts[i]))
                code = await self.take(f"{lines[i]} {act['body']['id']}", want)
        self.note_message(content, code, begun)
        if act["body"]["kind"] == "bad":
            self.open = False	# whether its leg lives on depends on when the mark was seen
        if self.open:
            await self.group(["RSET"] + act["behind"], act["together"])

    async def cut(self, act):
        """Go away: between commands, within a line, a pipeline, a message, behind its dot."""
        mail, part, talker = act["mail"], act["part"], self.talker
        lines = [mail["line"]] + mail["rcpts"] + ["DATA"] if mail else ["NOOP"]
        group = "".join(line + "\r\n" for line in lines).encode()
        if part == "line":
            await talker.send(group[:1 + int(act["share"] * len(lines[0]))])
        elif part == "group":
            await talker.send(group)
        elif part in ("body", "dot") and mail:
            if await self.group(lines, True) == "354" and self.open:
                await self.cut_message(mail, part, act)
        self.note_cut(act)

    async def cut_message(self, mail, part, act):
        content = shape.content(mail["body"])
        octets = content + b".\r\n"
        if part == "body":
            octets = octets[:int(act["share"] * len(content))]
        self.uncertain = part == "dot"
        await self.talker.send(octets)
        self.note_message(content, None, time.monotonic())

    def note_cut(self, act):
        if self.talker.ended is None:
            self.talker.ended = "cut"
        self.talker.close(act["how"])

    async def quit(self, act):
        talker = self.talker
        await talker.send(b"QUIT\r\n", 1)
        if act["fin"]:
            try:
                talker.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        code = await self.take("QUIT", self.oracle.line("QUIT"))
        if code and act["fin"]:		# else the client closes first, as most do
            await talker.end()

    async def acts(self):
        await self.talker.connect()
        await self.hello()
        for act in self.session["acts"]:
            if not self.open:
                break
            if act["act"] == "lines":
                await self.group(act["lines"], act["together"])
            else:
                await getattr(self, act["act"])(act)

    async def run(self):
        try:
            await self.acts()
        except OSError as error:
            self.talker.ended = f"connect: {error}"
            self.seen.append(("connect", ["remote", []], None, str(error)))
        talker = self.talker
        if talker.ended is None and not self.open and talker.replies[-1:] and \
                talker.replies[-1][:3] == "421":
            await talker.end()
        if talker.ended is None:
            talker.ended = "left"
        talker.close()
        self.note("session", due=talker.due, got=len(talker.replies),
                  last=talker.replies[-1] if talker.replies else "",
                  surplus=talker.buffer.decode("latin-1"), ended=talker.ended,
                  pairs=self.pairs, seen=self.seen, chunking=self.chunking,
                  waited=self.session["acts"][-1].get("fin") and
                  self.seen[-1][0] == "QUIT" and self.seen[-1][2] == "221")


async def run_task(namespace, sessions, notes, stop):
    for session in sessions:
        if stop():
            return
        await Play(namespace, session, notes).run()


def play(namespace, plan, notes, stop=lambda: False):
    """All tasks of a plan at once, until they are done or @stop() says so."""
    async def everybody():
        await asyncio.gather(*(run_task(namespace, sessions, notes, stop)
                               for sessions in plan))
    asyncio.run(everybody())
