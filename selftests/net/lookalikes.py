# SPDX-License-Identifier: GPL-2.0
"""Octets that look like the end of a message to some receiver, and one session
that puts a second envelope behind them. For test_smuggle.py.

A row is (name, what stands between the text and the second envelope, what a
strict filter does with it, where it is cut into segments). "refuse": the text
holds a bare CR, a bare LF or a NUL. "one": odd, but lines all the same, so one
message. "two": the true end of a message, so the rest is a second one.
"""

import fcntl
import re
import struct
import termios
import time

import client

ENDS = {"CRLF": b"\r\n", "LF": b"\n", "CR": b"\r", "CRCRLF": b"\r\r\n", "LFCR": b"\n\r"}
TRUE_END = b"\r\n.\r\n"
WAIT = 0.3		# seconds within which a receiver that was fooled has answered


def around_a_dot():
    """Every pair of line ends, good and bad, around a dot."""
    for before, first in ENDS.items():
        for after, last in ENDS.items():
            found = first + b"." + last
            yield (f"{before} . {after}", found, "two" if found == TRUE_END else "refuse", ())


def cut_everywhere():
    """Sequences cut after each octet, and into single octets."""
    for name, found, kind in (("CRLF . CRLF", TRUE_END, "two"), ("LF . LF", b"\n.\n", "refuse"),
                              ("CRLF . LF", b"\r\n.\n", "refuse"),
                              ("LF . CRLF", b"\n.\r\n", "refuse")):
        for at in range(1, len(found)):
            yield (f"{name} cut after {at}", found, kind, (at,))
        yield (f"{name} in single octets", found, kind, tuple(range(1, len(found))))


def at_edges():
    """The dot of LF . LF where a buffer of a usual size ends."""
    for edge in (512, 1024, 4096, 8192, 16384, 32768, 65536):
        for off in (-1, 0, 1):
            yield (f"LF . LF at {edge}{off:+d}", ("edge", edge + off, b"\n.\n"), "refuse", ())
        yield (f"CRLF . CRLF at {edge}", ("edge", edge, TRUE_END), "two", ())


BESIDE = [
    ("CRLF NUL . CRLF", b"\r\n\0.\r\n", "refuse", ()),
    ("CRLF . NUL CRLF", b"\r\n.\0\r\n", "refuse", ()),
    ("CRLF . CR NUL LF", b"\r\n.\r\0\n", "refuse", ()),
    ("CR NUL LF . CRLF", b"\r\0\n.\r\n", "refuse", ()),
    ("LF . NUL LF", b"\n.\0\n", "refuse", ()),
    ("CR NUL . NUL CR", b"\r\0.\0\r", "refuse", ()),
    ("CRLF . CRLF with a NUL before", b"\0\r\n.\r\n", "refuse", ()),
    ("CRLF . CR CRLF in halves", b"\r\n.\r\r\n", "refuse", (4,)),
    ("LF LF . LF LF", b"\n\n.\n\n", "refuse", ()),
    ("CRLF .. LF", b"\r\n..\n", "refuse", ()),
    ("LF .. CRLF", b"\n..\r\n", "refuse", ()),
    ("dot after 998 octets, LF", b"x" * 998 + b"\n.\n", "refuse", ()),
    ("dot after 998 octets, CR", b"x" * 998 + b"\r.\r", "refuse", ()),
    ("dot after 998 octets", b"x" * 998 + b".\r\n", "one", ()),
    ("dot after 998 octets, CRLF after 1000", b"x" * 998 + b"\r\nx.\r\n", "one", ()),
    ("blank . CRLF", b"\r\n .\r\n", "one", ()),
    ("CRLF . blank CRLF", b"\r\n. \r\n", "one", ()),
    ("CRLF . tab CRLF", b"\r\n.\t\r\n", "one", ()),
    ("CRLF .. CRLF", b"\r\n..\r\n", "one", ()),
    ("CRLF ... CRLF", b"\r\n...\r\n", "one", ()),
    ("CRLF x. CRLF", b"\r\nx.\r\n", "one", ()),
    ("high bits on CR LF", b"\x8d\x8a.\x8d\x8a", "one", ()),
    ("high bit on the dot", b"\r\n\xae\r\n", "one", ()),
    ("VT . VT", b"\x0b.\x0b", "one", ()),
    ("FF . FF", b"\x0c.\x0c", "one", ()),
    ("next line in UTF-8", b"\xc2\x85.\xc2\x85", "one", ()),
    ("line separator in UTF-8", b"\xe2\x80\xa8.\xe2\x80\xa8", "one", ()),
    ("wide dot in UTF-8", b"\r\n\xef\xbc\x8e\r\n", "one", ()),
    ("overlong dot in UTF-8", b"\r\n\xc0\xae\r\n", "one", ()),
    ("control Z", b"\r\n\x1a\r\n", "one", ()),
    ("backspace over a letter", b"\r\nx\x08.\r\n", "one", ()),
    ("telnet IAC . IAC", b"\r\n\xff.\xff\r\n", "one", ()),
]
# Nothing before the dot but the 354.
AT_ONCE = [
    ("first of all: . LF", ("first", b".\n"), "refuse", ()),
    ("first of all: LF . LF", ("first", b"\n.\n"), "refuse", ()),
    ("first of all: . CR", ("first", b".\r"), "refuse", ()),
    ("first of all: . CRCRLF", ("first", b".\r\r\n"), "refuse", ()),
    ("first of all: . NUL CRLF", ("first", b".\0\r\n"), "refuse", ()),
    ("first of all: . CRLF", ("first", b".\r\n"), "two", ()),
]
ROWS = list(around_a_dot()) + list(cut_everywhere()) + list(at_edges()) + BESIDE + AT_ONCE


def first_part(row, token):
    """What goes out up to and with the look-alike, and where that begins."""
    text = (f"From: a@sub.postern.test\r\nSubject: first\r\nMessage-ID: <1-{token}@postern.test>"
            f"\r\n\r\nfirst {token}").encode()
    found = row[1]
    if isinstance(found, bytes):
        return text + found, len(text)
    if found[0] == "first":
        return found[1], 0
    _, edge, found = found
    # As folded lines, so that no line is over-long; the dot is octet number `edge`.
    room = edge - len(text) - found.index(b".")
    fill = (b"\r\n" + b"z" * 76) * (room // 78 + 1)
    fill = b"z" * (room % 78) + fill[:room - room % 78]
    return text + fill + found, len(text) + room


def ends_truly(row):
    """Behind an octet that is refused by default a true end may stand."""
    return TRUE_END in first_part(row, "")[0]


def second_part(token, domain):
    return [f"MAIL FROM:<b-{token}@sub.postern.test>\r\n".encode(),
            f"RCPT TO:<two-{token}@{domain}>\r\n".encode(), b"DATA\r\n",
            f"Subject: second\r\nMessage-ID: <2-{token}@postern.test>\r\n\r\nsecond {token}\r\n"
            ".\r\n".encode()]


class Session(client.Client):
    """A client that does as an attacker would."""

    def __init__(self, lab, line, peer):
        super().__init__(lab.ns("sub"), line, peer.listen, timeout=20)

    def cut(self, octets, places):
        """Send octets in segments that end at the places: the next one goes when
        the other end has acknowledged the one before."""
        for start, end in zip((0, *places), (*places, len(octets))):
            self.sock.sendall(octets[start:end])
            limit = time.monotonic() + 5
            while end < len(octets) and self.unacknowledged() and time.monotonic() < limit:
                time.sleep(0.0005)

    def unacknowledged(self):
        return struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4))[0]

    def hears(self, seconds):
        """A reply within that time, or None."""
        self.sock.settimeout(seconds)
        try:
            return self.reply()
        except client.Ended:
            return None
        finally:
            self.sock.settimeout(20)

    def envelope_of(self, token, domain, last):
        """EHLO, MAIL, RCPT and @last, which may be nothing; returns the last reply."""
        hello = self.hello()
        for line in (f"MAIL FROM:<a-{token}@sub.postern.test>",
                     f"RCPT TO:<one-{token}@{domain}>", *last):
            reply = self.command(line)
        return hello, reply

    def at_once(self, row, token, domain):
        """Both envelopes without a pause."""
        first, places, second = self.parts(row, token, domain)
        self.cut(first + b"".join(second) + b"QUIT\r\n", places)

    def waiting(self, row, token, domain):
        """See whether the look-alike is answered, and go on step by step if so. A
        true end is answered, however long that takes."""
        first, places, second = self.parts(row, token, domain)
        self.cut(first, places)
        if self.hears(20 if row[2] == "two" else WAIT) and not self.ended:
            for part in second:
                self.sock.sendall(part)
                if not self.hears(20):
                    break
        else:
            self.sock.sendall(b"".join(second))
            self.hears(20)
        if not self.ended:
            self.sock.sendall(b"QUIT\r\n")

    def one_chunk(self, row, token, domain):
        """All of it in one BDAT: octets are counted, so there is one message."""
        first, _, second = self.parts(row, token, domain)
        self.chunk(first + b"".join(second), " LAST")
        self.sock.sendall(b"QUIT\r\n")

    def two_chunks(self, row, token, domain):
        """The same, cut within the look-alike."""
        first, _, second = self.parts(row, token, domain)
        whole, middle = first + b"".join(second), len(first) - 1
        self.chunk(whole[:middle], "")
        self.chunk(whole[middle:], " LAST")
        self.sock.sendall(b"QUIT\r\n")

    def chunk(self, octets, last):
        self.sock.sendall(f"BDAT {len(octets)}{last}\r\n".encode() + octets)
        self.hears(20)

    @staticmethod
    def parts(row, token, domain):
        first, begin = first_part(row, token)
        return first, tuple(begin + place for place in row[3]), second_part(token, domain)

    def smuggle(self, row, token, domain, mode):
        """Returns the replies from the body on."""
        chunks = mode in CHUNKED
        hello, reply = self.envelope_of(token, domain, () if chunks else ("DATA",))
        start = len(self.replies)
        if chunks and "CHUNKING" not in hello:
            return ["no CHUNKING"]
        if not chunks and not reply.startswith("354"):
            return [reply]
        mode(self, row, token, domain)
        self.to_the_end()
        return self.replies[start:]

    def to_the_end(self):
        try:
            while not (self.replies[-1].startswith("221") or self.ended):
                self.reply()
        except (client.Ended, OSError):
            pass


PLAIN = (Session.at_once, Session.waiting)
CHUNKED = (Session.one_chunk, Session.two_chunks)


def one_session(lab, line, peer, row, token, mode):
    """Runs it; returns the replies. A session that is cut is an outcome too."""
    try:
        session = Session(lab, line, peer)
    except OSError as error:
        return [f"no connection: {error}"]
    try:
        return session.smuggle(row, token, f"{peer.kind}.test", mode)
    except (client.Ended, ConnectionError) as error:
        return session.replies[4:] + [f"ended: {error}"]
    finally:
        session.sock.close()


def tokens_in(message, mark):
    """The tokens of the recipients of @message that begin with @mark."""
    return re.findall(rf"\b{mark}-(\w+)@", " ".join(message.recipients))
