#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# alone
"""kill -9 at random moments under 50 messages a second (B2): nothing is lost,
no bad message arrives, and what arrives twice was in flight at a kill."""

import os
import random
import signal
import time
from collections import Counter

import ledger
from labtest import alive, case, conf, holds, main, same, size, until
from mta import Senders

SEED = int(os.environ.get("POSTERN_SEED", random.SystemRandom().randrange(1 << 32)))
KILLS = int(os.environ.get("POSTERN_KILLS", size(20, 100)))
RATE = 50


def kill_inspector(lab):
    """The keeper starts another one."""
    pid = lab.inspector()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), "it to be gone", 5)
    return lambda: None


def kill_keeper(lab):
    """Its children end with it; somebody starts it again."""
    keeper, inspector = lab.pid(), lab.inspector()
    os.kill(keeper, signal.SIGKILL)
    until(lambda: not alive(keeper) and not alive(inspector), "both to be gone", 5)
    return lab.start_daemon


def kill_all(lab):
    lab.end_daemon(signal.SIGKILL)
    return lab.start_daemon


def kill_loop(lab, rng):
    """Returns (just before, gone, what) of each kill."""
    kills = []
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.2, 1.4))		# the random moment
        how = rng.choice([kill_inspector] * 7 + [kill_keeper] * 2 + [kill_all])
        begun = time.monotonic()
        start = how(lab)
        kills.append((begun, time.monotonic(), how.__name__))
        start()
        until(lab.ready, "the daemon to be ready again", 20)
    return kills


def in_flight(mail, kills):
    """Tries whose end was sent before a death and not answered until then."""
    return [(this, kill) for this in mail.tries if this["dot"] and not this["code"]
            for kill in kills if this["dot"] <= kill[1] and this["end"] >= kill[0]]


def check_duplicates(mails, arrived, kills):
    """Each is listed, with the kill that it was in flight at."""
    seen = Counter(row["stripped"] for row in arrived)
    duplicates = 0
    for mail in mails:
        surplus = seen[mail.digest] - 1
        if surplus <= 0:
            continue
        duplicates += surplus
        hits = in_flight(mail, kills)
        for this, kill in hits:
            print(f"# duplicate: message {mail.number}, its end was sent "
                  f"{kill[1] - this['dot']:.3f} s before {kill[2]} was over")
        holds(len({id(this) for this, _ in hits}) >= surplus,
              f"message {mail.number} arrived {surplus + 1} times without a kill")
    return duplicates


def report(mails, arrived, kills, duplicates):
    tries = sum(len(mail.tries) for mail in mails)
    flights = sum(bool(in_flight(mail, kills)) for mail in mails)
    deaths = Counter(kill[2] for kill in kills)
    print(f"# seed {SEED}: {len(kills)} kills ({dict(deaths)}), {len(mails)} messages, "
          f"{tries} tries, {len(arrived)} arrived, {duplicates} of them twice, "
          f"{flights} in flight at a kill")
    holds(tries > len(mails), "no kill was ever noticed: nothing was tried twice")
    holds(duplicates <= flights, f"{duplicates} duplicates, {flights} in flight at a kill")


@case("kills: kill -9 under load: nothing lost, no bad mail, duplicates explained (B2, B99)",
      "kill", conf(fail="reset"))
def kills_under_load(lab):
    lab.restarted = True
    lab.log_ok = r"inspector|clerk|keeper"
    lab.script(keep=False, quiet=True, delays={"dot": 0.03})
    with Senders(lab, RATE, SEED) as senders:
        begun = time.monotonic()
        kills = kill_loop(lab, random.Random(SEED))
        print(f"# {time.monotonic() - begun:.1f} s of kills")
    mails = senders.mails
    open_ones = [mail.number for mail in mails if not mail.settled()]
    same(open_ones, [], "messages that were never settled")
    for mail in mails:
        wanted = "550" if mail.bad else "250"
        same(mail.tries[-1]["code"], wanted, f"end of message {mail.number}")
    arrived = [row for row in ledger.arrived(lab.sink_rows()) if row["reply"].startswith("2")]
    missing = {mail.digest for mail in mails if not mail.bad} - {row["stripped"]
                                                                 for row in arrived}
    same(len(missing), 0, "messages that were accepted and did not arrive")
    report(mails, arrived, kills, check_duplicates(mails, arrived, kills))


if __name__ == "__main__":
    main()
