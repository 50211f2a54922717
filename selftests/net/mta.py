# SPDX-License-Identifier: GPL-2.0
"""Senders that do not give up: a message is tried again, as an MTA does, until
it was accepted or refused for good. They run in a thread of their own, so that
a test can do things to the daemon meanwhile."""

import asyncio
import hashlib
import random
import threading
import time

import shape
from talker import Talker

PAUSE = (0.3, 1.0)	# seconds before the next try, from .. to
TRIES = 200


class Mail:
    """One message and what became of each try: dicts with dot (when its end had
    been sent, or None), end, code (or None)."""

    def __init__(self, number, bad, rng):
        self.number, self.bad, self.tries = number, bad, []
        self.source = f"10.64.0.{10 + number % 200}"
        self.target = f"198.51.100.{25 + number % 2}"
        kind = "bad" if bad else "text"
        octets = rng.choice([500, 3000, 3000, 20000, 200000])
        self.content = shape.content({"id": f"k{number}", "kind": kind, "octets": octets})
        self.digest = hashlib.sha256(self.content).hexdigest()
        self.hold = rng.random() * 0.2 if rng.random() < 0.3 else 0	# within the message
        self.rng = random.Random(number)

    def settled(self):
        code = self.tries[-1]["code"] if self.tries else None
        return bool(code) and code[0] in "25"


class Senders:
    """with Senders(lab, rate) as senders: messages start, @rate a second."""

    def __init__(self, lab, rate, seed):
        self.lab, self.rate = lab, rate
        self.rng = random.Random(seed)
        self.mails, self.over, self.fault = [], False, None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        """No new ones; those under way go on until they are settled."""
        self.over = True
        self.thread.join(90)
        if self.fault:
            raise self.fault

    def run(self):
        try:
            asyncio.run(self.send_all())
        except Exception as fault:	# shown by the thread that waits for us
            self.fault = fault

    async def send_all(self):
        begun, tasks = time.monotonic(), []
        while not self.over:
            mail = Mail(len(self.mails), self.rng.random() < 0.05, self.rng)
            self.mails.append(mail)
            tasks.append(asyncio.create_task(self.deliver(mail)))
            await asyncio.sleep(begun + len(tasks) / self.rate - time.monotonic())
        await asyncio.gather(*tasks)

    async def deliver(self, mail):
        while not mail.settled() and len(mail.tries) < TRIES:
            if mail.tries:
                await asyncio.sleep(mail.rng.uniform(*PAUSE))
            await self.attempt(mail)

    async def attempt(self, mail):
        this = {"dot": None, "end": None, "code": None}
        mail.tries.append(this)
        talker = Talker(self.lab.ns("sub"), mail.source, mail.target, mail.number)
        try:
            await talker.connect()
            await self.dialogue(talker, mail, this)
        except OSError:
            pass
        this["end"] = time.monotonic()
        talker.close()
        if this["dot"]:
            self.lab.notes.note("message", source=mail.source, target=mail.target, port=25,
                                own_port=talker.own_port, begun=this["dot"],
                                digest=mail.digest, octets=len(mail.content),
                                reply=this["code"] or "")

    @staticmethod
    async def dialogue(talker, mail, this):
        """Sets the code when the end was answered, or anything was refused for good."""
        if not await talker.reply():
            return
        for line in ("EHLO mta.postern.test", f"MAIL FROM:<k{mail.number}@sub.postern.test>",
                     "RCPT TO:<b@mx.postern.test>", "DATA"):
            await talker.send(line.encode() + b"\r\n", 1)
            text = await talker.reply()
            if not text or text[0] not in "23":
                this["code"] = text and text[:3]
                return
        half = len(mail.content) // 2
        await talker.send(mail.content[:half])
        await asyncio.sleep(mail.hold)
        await talker.send(mail.content[half:])
        this["dot"] = time.monotonic()
        await talker.send(b".\r\n", 1)
        text = await talker.reply()
        this["code"] = text and text[:3]
        if text and text[0] == "2":
            await talker.send(b"QUIT\r\n", 1)
            await talker.reply()
