# SPDX-License-Identifier: GPL-2.0
"""What a client must see for a session of shape.py: an oracle written from the
protocol's cases (E numbers) and the exchanger's wishes, not from the code.

It keeps the state that an observer could keep in its head, and says of each
command, in the order in which they were sent, one of

  ("remote", CODES)  the exchanger's own reply, unchanged, with the command's path
  ("local", CODES)   a reply of ours, with the session's ticket
  ("lost",)          421 or 451, or the end of the session: the exchanger went
                     away and must not seem to have agreed (B11, E71)
  ("none",)          nothing any more: the session was over before
"""

import re

from shape import DIRTY
from sink import WISH

LOCAL = {"AUTH": {"573"}, "STARTTLS": {"502"}, "XCLIENT": {"502"}, "ETRN": {"502"},
         "LHLO": {"502"}, "BOGUS": {"502"}, "X": {"502"}, "BDAT": {"502", "503"}}
USUAL = {"NOOP": "250", "VRFY": "252", "HELP": "214", "RSET": "250", "QUIT": "221"}


def wishes_of(line):
    return {stage.decode(): what.decode() for stage, what in WISH.findall(line.encode())}


class Oracle:
    def __init__(self):
        self.over = False
        self.alone = False	# a message was refused by us: no exchanger any more (E17)
        self.clear()

    def clear(self):
        self.wishes = None	# of the transaction; None: there is none
        self.rcpts = 0
        self.refused = None	# code that a chunk got

    def end(self, want):
        self.over = True
        return want

    def remote(self, wish, usual):
        """The exchanger's reply, or what it was wished to do instead."""
        if wish in ("close", "reset"):
            return self.end(("lost",))
        code = wish or usual
        want = ("remote", {code})
        return self.end(want) if code == "421" else want		# E58

    def line(self, line):
        """What one command gets."""
        if self.over:
            return ("none",)
        verb = re.split(r"[ :]", line)[0].upper()
        if self.alone:
            return self.line_alone(verb)
        if verb in ("MAIL", "RCPT"):
            return self.envelope(verb, line)
        if verb in LOCAL:
            return ("local", LOCAL[verb])		# E21, E32, E34, E35, E37 to E39
        if verb == "DATA":
            return self.data()
        if verb == "RSET":
            self.clear()					# E75
        if verb == "QUIT":
            return self.end(("remote", {"221"}))		# E79
        return self.remote(wishes_of(line).get(verb.lower()), USUAL[verb])

    def line_alone(self, verb):
        if verb in ("RSET", "NOOP"):
            return ("local", {"250"})
        return self.end(("local", {"221"} if verb == "QUIT" else {"421"}))

    def envelope(self, verb, line):
        if not re.match(r"(?i)(mail from|rcpt to):<", line):
            return ("local", {"501"})				# E40
        if "BINARYMIME" in line:
            return ("local", {"504", "555"})			# E27
        wishes = wishes_of(line)
        if (verb == "MAIL") == (self.wishes is not None):
            return ("remote", {"503"})
        want = self.remote(wishes.get(verb.lower()), "250")
        if want == ("remote", {"250"}):
            if verb == "MAIL":
                self.clear()
                self.wishes = wishes
            else:
                self.rcpts += 1					# E77
        return want

    def data(self):
        if not self.rcpts:
            return ("remote", {"503"})
        return self.remote(self.wishes.get("data"), "354")

    def ours(self, codes):
        """A message that we refuse: the exchanger gets no end of it (E17, E46)."""
        self.alone = True
        self.clear()
        return ("local", codes)

    def message(self, body):
        """What the end of a message gets that went by DATA."""
        if self.over:
            return ("none",)
        wishes = self.wishes or {}
        if wishes.get("body"):
            return self.end(("lost",))				# E71, E19
        if body["kind"] == "bad" or body["kind"] in DIRTY:
            return self.ours({"550"})
        if wishes.get("early"):
            return self.end(("remote", {wishes["early"][:3]}))	# E19
        self.clear()
        return self.remote(wishes.get("dot"), "250")

    def chunk(self, body, last, size):
        """What one BDAT of @size octets gets, when CHUNKING was offered."""
        if self.over:
            return ("none",)
        if self.alone:
            return self.line_alone("BDAT")
        if not self.rcpts:
            return ("local", {"503"})				# E21
        wishes = self.wishes or {}
        if self.refused:
            return ("local", {self.refused})			# E25: its code again
        if wishes.get("chunk") and (size or not last):
            want = self.remote(wishes["chunk"], "250")
            self.refused = wishes["chunk"]
            return want
        if not last:
            return ("remote", {"250"})
        if body["kind"] == "bad":
            self.clear()
            return ("local", {"550"})				# E24: the exchanger got RSET
        self.clear()
        return self.remote(wishes.get("dot") or wishes.get("early", "")[:3], "250")


def agrees(want, code, text, path):
    """Is the reply @code (None: none came) with @text what was to be seen?"""
    ticket = re.search(r" \[[^\] ]+\]", text or "")
    if want[0] == "none":
        return code is None
    if want[0] == "lost":
        return code in (None, "421", "451")
    if code not in want[1]:
        return False
    if want[0] == "local":
        return ticket is not None
    return not ticket and (not path or path in text or code == "503")


def violations(session):
    """Replies of one session that differ from what its client had to see.

    @session is the client's row: "seen" is a list of (command, want, code, text)."""
    wrong, tickets = [], set()
    for command, want, code, text in session["seen"]:
        want = (want[0], *(set(part) for part in want[1:]))
        path = re.search(r"<[^>]*>", command)
        if not agrees(want, code, text, path and path.group()):
            wrong.append(f"session {session['id']}: {command[:60]!r} had to get {want}, "
                         f"got {code} {(text or '')[:80]!r}")
        if want[0] == "local" and text:
            tickets |= set(re.findall(r" \[([^\] ]+)\]", text))
    if len(tickets) > 1:
        wrong.append(f"session {session['id']}: several tickets: {tickets}")
    if session["waited"] and session["ended"] != "closed":
        wrong.append(f"session {session['id']}: after 221 it was not closed but "
                     f"{session['ended']}")
    return wrong


def outcome(session):
    """One session without what a second run may see differently: times, ports, tickets."""
    parts = []
    for command, want, code, _ in session["seen"]:
        parts.append(f"{command}={'lost' if want[0] == 'lost' else code}")
    return f"{session['id']} {session['source']} {session['target']} " + " ".join(parts)
