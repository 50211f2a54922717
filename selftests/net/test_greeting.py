#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# alone
"""The greeting, direct and filtered side by side (B102, E63 to E67): the same
octets at the same time, whatever they say; octets that are no greeting never.
"""

import socket
import threading
import time

import client
from labtest import case, conf, holds, main, same, size

STEERED, DIRECT = "10.64.0.9", "10.64.0.70"
LATE = 0.3		# seconds that machine and lab may add
PAUSE = size(3, 300)	# of a slow exchanger (E64: up to 5 minutes)

# Name -> what the exchanger says: octets, pauses, None for its end.
SAID = {
    "one line": ["220 mx.postern.test ESMTP\r\n"],
    "code alone": ["220\r\n"],
    "code and blank": ["220 \r\n"],
    "several lines": ["220-mx.postern.test ESMTP\r\n220-no spam\r\n220 ready \r\n"],
    "lines one by one": ["220-wait\r\n", 0.7, "220-for\r\n", 0.7, "220 it\r\n"],
    "a line in two pieces": ["220 mx.pos", 0.5, "tern.test\r\n"],
    "8 bits and tabs": ["220 \xe4\xf6\xfc \t\x7f\x01 text\r\n"],
    "another good code": ["250 strange, but good\r\n"],
    "a long line": ["220 " + "x" * 3900 + "\r\n"],
    "99 lines": ["220-x\r\n" * 98 + "220 y\r\n"],
    "554, and goes on": ["554-no\r\n554 5.7.1 mail from here\r\n"],
    "521, and goes on": ["521 5.3.2 no mail here\r\n"],
    "554, and the end": ["554 5.7.1 no\r\n", None],
    "421, and the end": ["421 4.3.2 busy\r\n", None],
    "421 in two lines, and the end": ["421-4.3.2 busy\r\n421 4.3.2 really\r\n", None],
    "450, and goes on": ["450 4.3.2 not now\r\n"],
    "450, and a late end": ["450 4.3.2 not now\r\n", 0.5, None],
    "the end at once": [None],
    "the end later": [0.5, None],
    "after a pause": [PAUSE, "220 at last\r\n"],
}
# What no client gets to see: the session ends instead, with a 421 at most.
GARBAGE = {
    "no reply": ["hello there\r\n"],
    "another protocol": ["SSH-2.0-OpenSSH_9.2\r\n"],
    "zeros": ["\0\0\0\0\r\n"],
    "TLS": ["\x16\x03\x01\x02\0\r\n"],
    "6xx": ["650 what\r\n"],
    "354": ["354 go on\r\n"],
    "an empty line": ["\r\n"],
    "code changes": ["220-a\r\n250 b\r\n"],
}


class Look:
    """One connection: the octets that came and when, until the end or QUIT."""

    def __init__(self, lab, line, patience):
        self.octets, self.pieces, self.end = b"", [], "timeout"
        self.sock = client.connect(lab.ns("sub"), line, "198.51.100.25")
        self.patience = patience
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        begun, said = time.monotonic(), False
        try:
            while True:
                self.sock.settimeout(max(0.01, begun + self.patience - time.monotonic()))
                part = self.sock.recv(65536)
                if not part:
                    self.end = "closed"
                    break
                self.octets += part
                self.pieces.append((time.monotonic() - begun, part))
                if not said and self.whole():
                    said = True
                    self.sock.sendall(b"QUIT\r\n")
                if b"221 2.0.0" in self.octets:
                    self.end = "quit"
                    break
        except ConnectionResetError:
            self.end = "reset"
        except (TimeoutError, socket.timeout):
            pass
        self.took = time.monotonic() - begun
        self.sock.close()

    def whole(self):
        last = self.octets.split(b"\r\n")[-2:]
        return len(last) == 2 and not last[1] and last[0][3:4] in (b" ", b"")

    def when(self, octet):
        """Seconds until the octet with this number was there."""
        count = 0
        for at, part in self.pieces:
            count += len(part)
            if count > octet:
                return at
        return 0


def both(lab, said, patience):
    lab.script(raw={"greeting": said})
    looks = [Look(lab, line, patience) for line in (DIRECT, STEERED)]
    for look in looks:
        look.thread.join()
    return looks


def exempt(lab):
    lab.direct.add(DIRECT)
    lab.postern("exempt", "add", DIRECT, "--why", "test")


@case("greeting: octet for octet and moment for moment as direct (B102, E63, E64, E66, E67)",
      "greet", conf())
def octets(lab):
    exempt(lab)
    for name, said in SAID.items():
        direct, steered = both(lab, said, PAUSE + 10)
        same(steered.octets, direct.octets, f"{name}: octets")
        ends = {"closed", "reset"} if None in said else {direct.end}
        holds(steered.end in ends, f"{name}: ended by {steered.end}, direct by {direct.end}")
        holds(direct.end != "timeout", f"{name}: direct it takes too long")
        for at in range(len(direct.octets)):
            late = steered.when(at) - direct.when(at)
            # The rest of a line is waited for; whole lines are not.
            if "pieces" not in name:
                holds(abs(late) < LATE, f"{name}: octet {at} came {late:.2f} s later")
        linger = 1 if None in said else 0	# QUIT was sent: we wait for the client to close
        holds(-LATE < steered.took - direct.took < LATE + linger,
              f"{name}: took {steered.took:.2f} s, direct {direct.took:.2f} s")
    print(f"# {len(SAID)} greetings, a pause of {PAUSE} s")


@case("greeting: what is none is not passed on: the end, with a 421 at most (B102, E53, E56)",
      "greet", conf())
def garbage(lab):
    exempt(lab)
    for name, said in GARBAGE.items():
        direct, steered = both(lab, said + [None], 10)
        holds(direct.octets.startswith("".join(said).encode("latin-1")), f"{name}: direct got "
              f"{direct.octets!r}")
        allowed = [b""] + ([b"220-a\r\n"] if "changes" in name else [])
        ours = steered.octets.startswith(b"421 4.4.2 ") and steered.octets.count(b"\r\n") == 1
        holds(steered.octets in allowed or ours, f"{name}: got {steered.octets!r}")
        holds(steered.end in ("closed", "reset"), f"{name}: {steered.end}")
    same(lab.sink_commands(peer=STEERED), [], "commands that arrived")


@case("greeting: lines that end in LF alone are passed on with CRLF (E55)", "greet", conf())
def newlines(lab):
    exempt(lab)
    direct, steered = both(lab, ["220-one\n220 two\n"], 3)
    same(direct.octets, b"220-one\n220 two\n", "direct")
    same(steered.octets[:18], b"220-one\r\n220 two\r\n", "filtered")


@case("greeting: an exchanger that says nothing: nothing is said (B102, E60)", "greet", conf())
def silence(lab):
    exempt(lab)
    direct, steered = both(lab, [4, None], 3)
    for look in (direct, steered):
        same((look.octets, look.end), (b"", "timeout"), "octets")


@case("greeting: one that waits longer than greeting_timeout: the end, no octet (B102)",
      "short", conf("greeting_timeout = 2s\n"))
def too_late(lab):
    lab.script(raw={"greeting": [4, "220 late\r\n"]})
    look = Look(lab, STEERED, 10)
    look.thread.join()
    same((look.octets, look.end), (b"", "closed"), "what the client got")
    holds(2 <= look.took < 3, f"after {look.took:.2f} s")


if __name__ == "__main__":
    main()
