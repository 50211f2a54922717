# SPDX-License-Identifier: GPL-2.0
"""Invariants I1 .. I9: one function each, from records to a list of violations.

It knows nothing of how Postern works: it compares what the clients wrote down
with what the exchanger wrote down, and counts. An empty list means held.
test_ledger.py plants a violation of each and sees it reported.
"""

import json
import re
from collections import Counter

KERNEL_FAULT = re.compile(
    r"WARNING:|BUG:|Oops|refcount_t|suspicious RCU|unregister_netdevice: waiting|"
    r"general protection|kernel panic|possible deadlock|KASAN|stack segment", re.I)
DAEMON_FAULT = re.compile(r"(?:ERROR|WARNING): \w+Sanitizer|runtime error:|Assertion|"
                          r"\w+\[\d+\]: (?:error|panic): ")
ENDS = ("message_accepted", "message_rejected", "message_tempfailed", "message_aborted")
CLOSING = re.compile(r"\A(?:421|5\d\d)(?:-[^\n]*\n421)*[ ][^\n]*\r?\n\Z")


def read(path):
    """The objects of a file of JSON lines; a missing file is an empty one."""
    try:
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    except FileNotFoundError:
        return []


def messages(rows):
    return [row for row in rows if row["event"] == "message"]


def arrived(sink):
    return [row for row in messages(sink) if row["complete"]]


def i1_accepted_means_accepted(client, sink):
    """A client's 2xx for its end of data needs the exchanger's, same octets, same leg."""
    seen = Counter()
    for row in arrived(sink):
        if row["reply"].startswith("2"):
            for digest in {row["digest"], row["stripped"]}:
                seen[row["peer"], row["local"], digest] += 1
    wrong = []
    for row in messages(client):
        key = row["source"], row["target"], row["digest"]
        if row["reply"].startswith("2"):
            seen[key] -= 1
            if seen[key] < 0:
                wrong.append(f"I1: {row['source']} was told {row['reply']!r} for "
                             f"{row['octets']} octets that {row['target']} did not accept")
    return wrong


def i2_no_bad_mail(sink, direct=()):
    """No complete message with the bad mark, but from lines that go direct."""
    return [f"I2: a whole message with the bad mark arrived from {row['peer']} "
            f"({row['file']})"
            for row in arrived(sink) if row["bad"] and row["peer"] not in direct]


def i3_octets_as_sent(client, sink, plain=()):
    """What arrived is what was sent; one Received: line may stand in front, but
    not from the lines in @plain."""
    sent = {(row["source"], row["digest"]) for row in messages(client)}
    wrong = []
    for row in arrived(sink):
        exact = (row["peer"], row["digest"]) in sent
        added = row["received"] and (row["peer"], row["stripped"]) in sent
        if not exact and not (added and row["peer"] not in plain):
            wrong.append(f"I3: {row['octets']} octets arrived from {row['peer']} "
                         f"that it did not send so ({row['file']})")
    return wrong


def path_in(text):
    hit = re.search(r"<[^>]*>", text)
    return hit.group() if hit else None


def i4_one_reply_each(client):
    """One reply per command, in order; a surplus 421 only as the last thing."""
    wrong = []
    for row in client:
        if row["event"] != "session":
            continue
        who = f"I4: session {row['source']} port {row['own_port']}:"
        surplus = row["got"] - row["due"]
        if not row["due"]:
            continue	# it left without waiting for the greeting
        if row["surplus"] and not CLOSING.match(row["surplus"]):
            wrong.append(f"{who} octets nobody asked for: {row['surplus'][:60]!r}")
        if surplus > 1 or (surplus == 1 and not row["last"].startswith("421")):
            wrong.append(f"{who} {row['got']} replies to {row['due']} commands")
        if surplus < 0 and not row["ended"] and not row["surplus"]:
            wrong.append(f"{who} {-surplus} commands without a reply")
        for command, reply in row["pairs"]:
            named = path_in(reply) if reply.startswith("250") else None
            if named and path_in(command) and named != path_in(command):
                wrong.append(f"{who} {command!r} was answered {reply!r}")
    return wrong


def i5_no_leaked_syn(inside, outside, direct=()):
    """No SYN that a line made is seen beyond the router; ours have other numbers.

    Rows are (source, port, destination, port, sequence number).
    """
    return [f"I5: SYN of {row[0]} port {row[1]} to {row[2]} passed unsteered"
            for row in sorted(set(inside) & set(outside))
            if row[3] == 25 and row[0] not in direct]


def i6_control_flow(flow):
    """A flow that is none of our business lost nothing and gained under 1 ms."""
    wrong = []
    if flow["lost"]:
        wrong.append(f"I6: control flow {flow['name']} lost {flow['lost']} of {flow['sent']}")
    if flow["during_ms"] - flow["before_ms"] >= 1.0:
        wrong.append(f"I6: control flow {flow['name']} went from a median of "
                     f"{flow['before_ms']:.2f} ms to {flow['during_ms']:.2f} ms")
    return wrong


def i7_back_to_baseline(before, after):
    """Each figure is back where it was, but for what its slack allows.

    Figures are name -> (value, slack).
    """
    return [f"I7: {name} was {value} and is {after[name][0]} (slack {slack})"
            for name, (value, slack) in before.items()
            if name in after and after[name][0] > value + slack]


def i8_quiet_logs(kernel, daemon):
    return ([f"I8: kernel: {line.strip()}" for line in kernel if KERNEL_FAULT.search(line)] +
            [f"I8: daemon: {line.strip()}" for line in daemon if DAEMON_FAULT.search(line)])


def i9_counters_add_up(before, after):
    """Started = accepted + rejected + tempfailed + aborted, to the unit."""
    grown = {name: after.get(name, 0) - before.get(name, 0)
             for name in ENDS + ("message_started",)}
    if grown["message_started"] == sum(grown[name] for name in ENDS):
        return []
    return ["I9: " + ", ".join(f"{name} {count}" for name, count in grown.items())]
