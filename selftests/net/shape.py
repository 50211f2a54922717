# SPDX-License-Identifier: GPL-2.0
"""Random traffic from a seed: what each client is going to do, as plain objects.

plan(seed, ...) returns one list of sessions per client task. A session has an
id, a line, an exchanger, its way of saying hello, and acts:

  lines  a group of commands beside mail: "lines", sent "together" or one by one
  mail   a transaction: "line" (MAIL), "rcpts", "between" (position -> another
         command within the envelope), "rset" (it is given up before DATA),
         "body" (see content()), "cuts" (places where BDAT is cut, as fractions),
         "behind" (commands in the same segment as the end of the message)
  cut    the client goes away: "how" fin or rst, "part" of an act that it still
         sends, and how much of that
  quit   QUIT; "fin": the client ends its side in the same moment

What the exchanger answers is part of the plan too: wishes within the lines,
which sink.py fulfils (its "obey").
"""

import random

from sink import GTUBE

# Addresses of the exchanger: .26 offers no PIPELINING, .27 greets in three
# lines and is slow, .28 knows HELO alone.
TARGETS = [25, 25, 25, 26, 27, 28]
V6_LINES = 16
DIRTY = {"bare-lf": b"one\ntwo\r\n", "bare-cr": b"one\rtwo\r\n", "nul": b"one\0two\r\n"}
POOL = random.Random("pool").randbytes(1 << 20)
SIZES = [(30, 0, 300), (40, 300, 4000), (20, 4000, 40000), (79, 40000, 300000)]
LINES = {}


def text_of(octets, width):
    """Text in lines of @width out of the pool."""
    if width not in LINES:
        flat = POOL.translate(bytes(32 + i % 95 for i in range(256)))
        LINES[width] = b"".join(flat[i:i + width] + b"\r\n"
                                for i in range(0, len(flat) - width, width))
    whole = LINES[width]
    return (whole * (octets // len(whole) + 1))[:octets]


def stuff(octets):
    """Lines that begin with a dot get another one; an end is put to the last line."""
    if octets and not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    octets = octets.replace(b"\r\n.", b"\r\n..")
    return b"." + octets if octets.startswith(b".") else octets


def content(body):
    """The message as it goes over the wire, without its end."""
    kind, octets = body["kind"], body["octets"]
    if kind == "empty":
        return b""
    if kind == "dots":
        return stuff(b".\r\n..\r\n." + body["id"].encode() + b"\r\n")
    head = f"Message-ID: <{body['id']}@postern.test>\r\nSubject: {body['id']}\r\n\r\n".encode()
    if kind == "headless":
        head = b"\r\n" + body["id"].encode() + b"\r\n"
    width = {"long": 5000, "short": 3}.get(kind, 76)
    middle = text_of(octets, width)[:-2]
    if kind == "eight":
        middle = middle.replace(b"e", b"\xe9").replace(b"a", b"\xff")
    middle = middle.rstrip(b"\r\n") + b"\r\n"
    if kind == "bad":
        middle += GTUBE + b"\r\n"
    return stuff(head + middle) + DIRTY.get(kind, b"")


class Shaper:
    """One client task's share of the plan."""

    def __init__(self, seed, task, messages):
        self.random = random.Random(f"{seed}/{task}")
        self.task, self.left = task, messages
        self.number = 0

    def chance(self, per_cent):
        return self.random.random() * 100 < per_cent

    def tag(self, name, **wishes):
        self.number += 1
        path = f"{name}{self.task}-{self.number}"
        return path + "".join(f"+{stage}={what}" for stage, what in wishes.items() if what)

    def octets(self):
        if self.chance(0.15):
            return self.random.choice([5 << 20, self.random.randrange(1 << 20, 5 << 20)])
        at = self.random.randrange(1000) / 10
        for share, low, high in SIZES:
            if at < share:
                return self.random.randrange(low, high)
            at -= share
        return 0

    def aside(self):
        """A command beside mail: some the exchanger answers, some we refuse."""
        return self.random.choice([
            f"NOOP <{self.tag('n')}>", f"VRFY <{self.tag('v')}>", f"NOOP <{self.tag('n')}>",
            f"HELP <{self.tag('h')}>", f"noop <{self.tag('n', noop='550')}>",
            "AUTH PLAIN AGEAYgBj", "STARTTLS", "STARTTLS", "XCLIENT ADDR=192.0.2.9",
            "ETRN postern.test", "LHLO postern.test", "BOGUS with words", "x",
            "MAIL FROM", "mail to:<a@b>", "RCPT nobody",
            f"MAIL FROM:<{self.tag('b')}@sub.postern.test> BODY=BINARYMIME"])

    def chunk(self):
        """BDAT with its octets; the last two are the end of the "line"."""
        octets = self.random.randrange(400)
        return f"BDAT {octets + 2}\r\n{('QUIT ' * 80)[:octets]}"

    def lines(self):
        lines = [self.aside() for _ in range(self.random.randrange(1, 5))]
        return {"act": "lines", "together": self.chance(60),
                "lines": lines + [self.chunk()] * self.chance(20)}

    def recipients(self):
        count = self.random.choice([1, 1, 1, 1, 2, 3, 5, self.random.randrange(6, 51)])
        bad = self.random.choice([0, 0, 0, 0, 20, 50, 100 if self.chance(15) else 0])
        return [f"RCPT TO:<{self.tag('r', rcpt=self.refusal() if self.chance(bad) else '')}"
                "@mx.postern.test>" for _ in range(count)]

    def refusal(self):
        return self.random.choice(["450", "451", "452", "550", "551", "552", "553", "554"])

    def wishes(self, body):
        """What becomes of a transaction at the exchanger; sound mail mostly arrives."""
        if body["kind"] == "bad" or body["kind"] in DIRTY or self.chance(75):
            return {}
        stage = self.random.choice(["mail", "data", "dot", "dot", "dot", "dot", "body", "early",
                                    "chunk"])
        what = self.refusal()
        if stage == "body" or (stage != "early" and self.chance(12)):
            what = self.random.choice(["close", "reset"])
        elif stage != "early" and self.chance(8):
            what = "421"
        if stage == "early" and body["octets"] < 2000:
            stage = "dot"
        if stage == "early":
            what = f"{self.random.choice(['452', '552', '554'])}.{body['octets'] // 3}"
        return {stage: what}

    def body(self):
        kind = self.random.choice(["text"] * 9 + ["eight", "long", "short", "headless", "dots",
                                                  "empty"])
        if self.chance(5):
            kind = "bad"
        elif self.chance(2):
            kind = self.random.choice(sorted(DIRTY))
        return {"id": self.tag("m"), "kind": kind, "octets": self.octets()}

    def mail(self):
        self.left -= 1
        body, together = self.body(), self.chance(60)
        rcpts = self.recipients()
        act = {"act": "mail", "together": together, "rcpts": rcpts, "body": body,
               "rset": self.chance(6), "between": {}, "behind": [], "cuts": None,
               "line": f"MAIL FROM:<{self.tag('s', **self.wishes(body))}@sub.postern.test>"}
        for _ in range(self.random.randrange(4) if self.chance(30) else 0):
            act["between"][str(self.random.randrange(len(rcpts) + 1))] = self.aside()
        if self.chance(40) and body["kind"] not in DIRTY:
            act["cuts"] = sorted(self.random.random()
                                 for _ in range(self.random.choice([0, 0, 1, 2, 5])))
        if self.chance(25):
            act["behind"] = [self.random.choice(["RSET", f"NOOP <{self.tag('n')}>"])]
        return act

    def ending(self, last):
        """How a session ends; a cut one may lose the transaction @last."""
        if self.chance(80):
            return {"act": "quit", "fin": self.chance(20)}
        how = self.random.choice(["fin", "rst"])
        part = self.random.choice(["none", "line", "group", "body", "body", "dot"])
        return {"act": "cut", "how": how, "part": part, "share": self.random.random(),
                "mail": last}

    def session(self, number):
        task = self.task
        host = self.random.choice(TARGETS)
        if task < V6_LINES:
            source, target = f"2001:db8:64:{task + 1}::2", f"2001:db8:25::{host}"
        else:
            source, target = f"10.64.0.{task + 20}", f"198.51.100.{host}"
        acts = []
        for _ in range(self.random.choice([1, 1, 2, 3, 6])):
            if self.left <= 0:
                break
            if self.chance(30):
                acts.append(self.lines())
            acts.append(self.mail())
        ending = self.ending(self.mail() if self.left > 0 else None)
        return {"id": f"{task}.{number}", "source": source, "target": target,
                "helo": host == 28 or self.chance(5), "early": self.chance(5),
                "acts": acts + [ending]}


def plan(seed, messages, tasks=64):
    """@messages in sessions of @tasks clients: a list of lists."""
    result = []
    for task in range(tasks):
        shaper = Shaper(seed, task, messages // tasks + (task < messages % tasks))
        mine = []
        while shaper.left > 0:
            mine.append(shaper.session(len(mine)))
        result.append(mine)
    return result


def script():
    """How the exchanger's addresses behave for such traffic."""
    base = {"obey": True, "keep": False, "quiet": True, "extensions": [
        "PIPELINING", "SIZE 104857600", "8BITMIME", "CHUNKING", "STARTTLS", "AUTH PLAIN"]}
    rows = {"*": base}
    for prefix in ("198.51.100.", "2001:db8:25::"):
        rows[prefix + "26"] = {**base, "extensions": ["8BITMIME", "CHUNKING", "SIZE"]}
        rows[prefix + "27"] = {**base, "greeting": "220-wait\r\n220-for it\r\n220 mx",
                               "delays": {"rcpt": 0.002, "dot": 0.01, "noop": 0.001}}
        rows[prefix + "28"] = {**base, "replies": {"ehlo": "502 5.5.1 HELO, please"}}
    return rows
