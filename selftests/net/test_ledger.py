#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The ledger checker itself: quiet on a clean record, red on every planted fault."""

import copy
import sys

import expect
import ledger

DIRECT = {"10.64.0.99"}


def sink_row(**other):
    return {"event": "message", "complete": True, "peer": "10.64.0.2",
            "local": "198.51.100.25", "octets": 100, "digest": "d1r", "stripped": "d1",
            "received": 60, "bad": False, "reply": "250 ok", "file": "raw/1.1.eml", **other}


def client_row(**other):
    return {"event": "message", "source": "10.64.0.2", "target": "198.51.100.25",
            "octets": 40, "digest": "d1", "reply": "250 ok", **other}


def session_row(**other):
    return {"event": "session", "source": "10.64.0.2", "own_port": 4000, "due": 5,
            "got": 5, "last": "221 bye", "surplus": "", "ended": None,
            "pairs": [["RCPT TO:<a@b>", "250 2.1.0 <a@b> ok"]], **other}


CLEAN = {
    "client": [client_row(), session_row(),
               client_row(digest="d2", reply="550 5.7.1 no"),
               client_row(source="10.64.0.99", digest="d9")],
    "sink": [sink_row(), sink_row(complete=False, digest="d2r", stripped="d2", bad=True),
             sink_row(peer="10.64.0.99", digest="d9", stripped="d9", received=0, bad=True)],
    "inside": [("10.64.0.2", 4000, "198.51.100.25", 25, 1),
               ("10.64.0.99", 4001, "198.51.100.25", 25, 2)],
    "outside": [("10.64.0.2", 5000, "198.51.100.25", 25, 7),
                ("10.64.0.99", 4001, "198.51.100.25", 25, 2)],
    "flow": {"name": "udp", "sent": 50, "lost": 0, "before_ms": 0.1, "during_ms": 0.6},
    "before": {"fds": (20, 0), "rss": (5000, 1000)},
    "after": {"fds": (20, 0), "rss": (5900, 1000)},
    "kernel": ["6,1,2,-;veth0: link becomes ready"],
    "daemon": ["keeper[7]: info: inspector started"],
    "counters0": {"message_started": 1, "message_accepted": 1},
    "counters1": {"message_started": 5, "message_accepted": 2, "message_rejected": 1,
                  "message_tempfailed": 1, "message_aborted": 1},
}


def check(record):
    r = record
    return (ledger.i1_accepted_means_accepted(r["client"], r["sink"]) +
            ledger.i2_no_bad_mail(r["sink"], DIRECT) +
            ledger.i3_octets_as_sent(r["client"], r["sink"], DIRECT) +
            ledger.i4_one_reply_each(r["client"]) +
            ledger.i5_no_leaked_syn(r["inside"], r["outside"], DIRECT) +
            ledger.i6_control_flow(r["flow"]) +
            ledger.i7_back_to_baseline(r["before"], r["after"]) +
            ledger.i8_quiet_logs(r["kernel"], r["daemon"]) +
            ledger.i9_counters_add_up(r["counters0"], r["counters1"]))


def add(name, row):
    return lambda record: record[name].append(row)


def put(name, key, value):
    return lambda record: record[name].__setitem__(key, value)


# Name, invariant, what is planted in the clean record.
FAULTS = [
    ("accepted without arriving", "I1", add("client", client_row(digest="d3"))),
    ("accepted twice, arrived once", "I1", add("client", client_row())),
    ("accepted while the exchanger refused", "I1",
     lambda r: r["sink"][0].__setitem__("reply", "451 later")),
    ("accepted by another exchanger", "I1",
     lambda r: r["sink"][0].__setitem__("local", "198.51.100.26")),
    ("bad mail from a steered line", "I2",
     lambda r: r["sink"][1].__setitem__("complete", True)),
    ("one octet changed", "I3", lambda r: r["sink"][0].__setitem__("stripped", "d1x")),
    ("a header where none belongs", "I3",
     lambda r: r["sink"][2].update(digest="d9r", received=50)),
    ("mail of somebody else", "I3", add("sink", sink_row(peer="10.64.0.3"))),
    ("two replies to one command", "I4", add("client", session_row(got=6))),
    ("octets left over", "I4", add("client", session_row(surplus="250 ok\r\n"))),
    ("a command unanswered", "I4", add("client", session_row(got=4))),
    ("replies in another order", "I4", add("client", session_row(
        pairs=[["RCPT TO:<a@b>", "250 2.1.0 <c@d> ok"]]))),
    ("an unsteered SYN", "I5",
     add("outside", ("10.64.0.2", 4000, "198.51.100.25", 25, 1))),
    ("a lost packet", "I6", put("flow", "lost", 1)),
    ("a slower control flow", "I6", put("flow", "during_ms", 1.2)),
    ("a leaked descriptor", "I7", put("after", "fds", (21, 0))),
    ("grown memory", "I7", put("after", "rss", (6001, 1000))),
    ("a kernel warning", "I8", add("kernel", "4,1,2,-;WARNING: CPU: 0 PID: 1")),
    ("a sanitizer report", "I8",
     add("daemon", "==7==ERROR: AddressSanitizer: heap-use-after-free")),
    ("an error in the log", "I8", add("daemon", "clerk[7]: error: cannot write the store")),
    ("a message counted nowhere", "I9", put("counters1", "message_started", 6)),
]

# Things that look odd and are allowed.
FINE = [
    ("a closing 421 nobody asked for",
     add("client", session_row(surplus="421 4.3.2 closing\r\n"))),
    ("a 421 as the one reply too many",
     add("client", session_row(got=6, last="421 4.4.2 time-out"))),
    ("a client that left at once",
     add("client", session_row(due=0, got=0, surplus="220 hello\r\n"))),
    ("a session cut by the other end", add("client", session_row(got=3, ended="reset"))),
    ("arrived without the client knowing", add("sink", sink_row())),
]


def talk_row(*seen):
    return {"id": "1.1", "seen": list(seen), "waited": False, "ended": "left"}


NOOP = ("NOOP <n1>", ["remote", ["250"]], "250", "250 2.0.0 <n1>")
AUTH = ("AUTH PLAIN x", ["local", ["573"]], "573", "573 5.7.1 no [abc]")
GONE = ("dot m1", ["lost"], None, None)
AFTER = ("NOOP <n2>", ["none"], None, None)

# Name, is it wrong, what a client saw.
SEEN = [
    ("as it had to be", False, talk_row(NOOP, AUTH, GONE, AFTER)),
    ("451 for an exchanger that went away", False,
     talk_row((*GONE[:2], "451", "451 4.4.2 lost [abc]"))),
    ("another code", True, talk_row((*NOOP[:2], "550", "550 5.0.0 <n1>"))),
    ("another command's reply", True, talk_row((*NOOP[:3], "250 2.0.0 <n9>"))),
    ("no reply", True, talk_row((*NOOP[:2], None, None))),
    ("ours in the place of the exchanger's", True,
     talk_row((*NOOP[:3], "250 2.0.0 <n1> [abc]"))),
    ("the exchanger's in the place of ours", True, talk_row((*AUTH[:3], "573 5.7.1 no"))),
    ("accepted by one that went away", True, talk_row((*GONE[:2], "250", "250 ok"))),
    ("a reply after the end", True, talk_row(GONE, (*AFTER[:2], "250", "250 ok"))),
    ("two tickets in one session", True, talk_row(AUTH, (*AUTH[:3], "573 5.7.1 no [abd]"))),
    ("QUIT and no end", True, {**talk_row(NOOP), "waited": True, "ended": "timeout"}),
]


def check_seen():
    bad = 0
    for name, wrong, row in SEEN:
        right = bool(expect.violations(row)) == wrong
        bad += not right
        print(f"{'ok' if right else 'not ok'} ledger: seen: {name}" +
              ("" if right else f" - got {expect.violations(row)}"))
    return bad


def main():
    bad = check_seen()
    cases = [("clean record", None, lambda record: None)]
    cases += FAULTS + [(name, None, plant) for name, plant in FINE]
    for name, wanted, plant in cases:
        record = copy.deepcopy(CLEAN)
        plant(record)
        got = check(record)
        right = (not got) if wanted is None else (
            any(line.startswith(wanted) for line in got))
        bad += not right
        print(f"{'ok' if right else 'not ok'} ledger: {name}" +
              ("" if right else f" - wanted {wanted}, got {got}"))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
