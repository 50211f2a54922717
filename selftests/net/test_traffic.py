#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Random traffic from a seed, and the ledger (B1, B99): what clients sent and
saw, what the exchanger got, and what each client had to see, compared.

POSTERN_SEED=N repeats a run. The wishes for the exchanger travel within the
clients' own commands, so that the same seed gives the same ledger.
"""

import hashlib
import os
import random
import time

import expect
import ledger
import shape
import talker
from labtest import case, conf, holds, main, same, size

SEED = int(os.environ.get("POSTERN_SEED", random.SystemRandom().randrange(1 << 32)))
MESSAGES = size(20000, 40000)		# transactions; about half of them get to a message

# Lines of IPv4 may use CHUNKING; those of IPv6 may not.
CONF = conf().replace('pool "10.64', '''class "chunks" {
    fail = "open"
    syn_rate = 0
    chunking = "pass"
    help_url = "https://help.postern.test/port25"
}
pool "10.64''', 1).replace('/16" { class = "residential"', '/16" { class = "chunks"')


def traffic(lab, messages):
    """Play the plan; returns the sessions' rows."""
    begun = time.monotonic()
    plan = shape.plan(SEED, messages)
    lab.write_script(shape.script())
    talker.play(lab.ns("sub"), plan, lab.notes)
    rows = lab.client_rows()
    sessions = [row for row in rows if row["event"] == "session"]
    same(len(sessions), sum(map(len, plan)), "sessions played")
    sent = ledger.messages(rows)
    print(f"# seed {SEED}: {messages} transactions in {len(sessions)} sessions of {len(plan)} "
          f"clients, {sum(row['octets'] for row in sent) >> 20} MB, "
          f"{sum(row['chunking'] for row in sessions)} sessions with CHUNKING, "
          f"{time.monotonic() - begun:.0f} s")
    return sessions


def digest(sessions, sink, rows):
    """Of the ledger, less what two runs may see differently."""
    unsure = {row["digest"] for row in ledger.messages(rows) if row["uncertain"]}
    lines = [expect.outcome(row) for row in sessions]
    lines += [f"{row['peer']} {row['local']} {row['octets'] - row['received']} "
              f"{row['stripped']} {row['reply'][:3]}" for row in ledger.arrived(sink)
              if row["stripped"] not in unsure and row["digest"] not in unsure]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest(), sorted(lines)


def run(lab, messages):
    sessions = traffic(lab, messages)
    wrong = [line for row in sessions for line in expect.violations(row)]
    for line in wrong[:10]:
        print(f"# {line}")
    same(len(wrong), 0, f"seed {SEED}: replies that differ from what had to be seen, first: "
         f"{wrong[:1]}")
    rows, sink = lab.client_rows(), lab.sink_rows()
    sent = len(ledger.messages(rows))
    accepted = sum(row["reply"].startswith("2") for row in ledger.messages(rows))
    refused = sum(row["reply"].startswith("550") for row in ledger.messages(rows))
    holds(sent > messages / 3, f"only {sent} messages of {messages}")
    holds(accepted > messages / 4 and refused, f"{accepted} accepted, {refused} refused")
    total, lines = digest(sessions, sink, rows)
    print(f"# seed {SEED}: {sent} messages, {accepted} accepted, {refused} refused, "
          f"ledger {total[:16]}")
    return lines


@case("traffic: random sessions, each reply as it had to be, I1 to I9 hold (B1, B99)",
      "b1", CONF)
def random_traffic(lab):
    with lab.flow():
        run(lab, MESSAGES)


@case("traffic: the same seed gives the same ledger (B1)", "b1", CONF)
def again(lab):
    first = run(lab, size(250, 20000))
    lab.client_from += len(lab.client_rows())
    lab.sink_from += len(lab.sink_rows())
    second = run(lab, size(250, 20000))
    differ = sorted(set(first) ^ set(second))
    for line in differ[:10]:
        print(f"# {line}")
    holds(first == second, f"seed {SEED}: {len(differ)} lines of the ledgers differ")


if __name__ == "__main__":
    main()
