#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Dead exchangers, accept first (B24): five ways in which a primary fails, with a
live secondary beside it. Postfix, Exim and OpenSMTPD deliver in the first run of
their queue, or by the second; so does a client that, as qmail does, leaves no
exchanger once it is connected. From the second connection on a client sees what
it sees directly, in kind, but for the reset that stands for silence and for an
unreachable host (E68 to E71).
"""

import threading

import client
import peers
from labtest import case, conf, main, same, until

FAULTS = ("refused", "silent", "unreachable", "reset", "mute")
LIVE4, LIVE6 = "198.51.100.41", "2001:db8:25::41"
MTAS = (peers.Postfix, peers.Exim, peers.OpenSmtpd)
# OpenSMTPD waits five minutes for a greeting and cannot be told otherwise.
TOO_LONG = ("opensmtpd", "mute")
# Clients wait 3 s for a connection and 4 s for a greeting.
CONNECT, GREETING = 3, 4
CONF = conf('dial_timeout = "2s"\ndead_memory = "15s"\ngreeting_timeout = "8s"\n')


def dead(fault, six=False):
    place = 51 + FAULTS.index(fault)
    return f"2001:db8:25::{place}" if six else f"198.51.100.{place}"


def break_exchangers(lab):
    """Once for the lab: the five, and the live one."""
    if hasattr(lab, "live"):
        return
    for six in (False, True):
        bits = "64" if six else "24"
        for address in [dead(fault, six) for fault in FAULTS] + [LIVE6 if six else LIVE4]:
            lab.run("mx", "ip", "address", "add", f"{address}/{bits}", "dev", "eth0",
                    *(["nodad"] if six else []))
    rules = "; ".join(
        f"add rule inet t i {family} daddr {dead(fault, six)} tcp dport 25 {action}"
        for family, six in (("ip", False), ("ip6", True))
        for fault, action in (("silent", "drop"),
                              ("unreachable", "reject with icmpx type host-unreachable")))
    lab.run("mx", "nft", "add table inet t; add chain inet t i { type filter hook input "
            f"priority 0; }}; {rules}")
    # A direct SYN into silence is not repeated for two minutes.
    lab.run("sub", "sysctl", "-q", "-w", "net.ipv4.tcp_syn_retries=1")
    for six in (False, True):
        peers.SinkPeer(lab, "mx", dead("reset", six), actions={"connect": "reset"}).start()
        peers.SinkPeer(lab, "mx", dead("mute", six), actions={"connect": "stall"}).start()
    lab.live = {six: peers.SinkPeer(lab, "mx", LIVE6 if six else LIVE4).start()
                for six in (False, True)}


# --- a client as qmail is


def knock(lab, line, address):
    """What a connection comes to: (kind, the greeted session or None)."""
    try:
        c = client.Client(lab.ns("sub"), line, address, 25, CONNECT)
    except ConnectionRefusedError:
        return "refused", None
    except TimeoutError:
        return "time-out", None
    except ConnectionResetError:	# it came before we were told of the connection
        return "connected, then end", None
    except OSError as error:
        return "unreachable" if "route" in str(error) else str(error), None
    try:
        c.sock.settimeout(GREETING)
        c.greeting()
        return "greeted", c
    except client.Ended as how:
        c.abort()
        return f"connected, then {'time-out' if str(how) == 'timeout' else 'end'}", None


def queue_run(lab, line, hosts):
    """One attempt: the next host only if there was no connection. Returns the
    kinds seen, "delivered" the last of them if it was."""
    kinds = []
    for host in hosts:
        kind, c = knock(lab, line, host)
        kinds.append(kind)
        if c:
            c.command("EHLO qmail.sub.postern.test")
            kinds[-1] = "delivered" if c.mail(client.message())[:3] == "250" else "failed"
            c.quit()
        if kind != "refused" and kind not in ("time-out", "unreachable"):
            break
    return kinds


# What the first and second run come to directly, and through the filter.
END, SILENCE = ["connected, then end"], ["connected, then time-out"]
REFUSED = ["refused", "delivered"]
QMAIL = {
    "refused": (REFUSED, REFUSED, END, REFUSED),
    "silent": (["time-out", "delivered"], ["time-out", "delivered"], END, REFUSED),
    "unreachable": (["unreachable", "delivered"], ["unreachable", "delivered"], END, REFUSED),
    "reset": (END, END, END, END),
    "mute": (SILENCE, SILENCE, SILENCE, SILENCE),
}


def at_once(jobs):
    """Run functions side by side; the first fault is raised."""
    faults = []

    def run(job):
        try:
            job()
        except Exception as fault:
            faults.append(fault)
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


@case("dead exchanger: a client that does not go on delivers by its second run (B24)",
      "", CONF, sink=False)
def qmail(lab):
    break_exchangers(lab)
    lines = {False: ("10.64.0.40", "10.64.0.41"),
             True: ("2001:db8:64:4::2", "2001:db8:64:5::2")}
    for direct, _ in lines.values():
        lab.postern("exempt", "add", direct, "--why", "direct half of the test")
        lab.direct.add(direct)
    got = {}

    def both_runs(fault, six, way):
        hosts = [dead(fault, six), LIVE6 if six else LIVE4]
        for run in (0, 1):
            got[fault, six, way, run] = queue_run(lab, lines[six][way], hosts)
    at_once([lambda f=fault, s=six, w=way: both_runs(f, s, w)
             for fault in FAULTS for six in (False, True) for way in (0, 1)])
    wrong = []
    for (fault, six, way, run), kinds in sorted(got.items()):
        wanted = QMAIL[fault][way * 2 + run]
        print(f"# IPv{6 if six else 4} {fault:12} {'filter' if way else 'direct'} run {run + 1}: "
              f"{', '.join(kinds)}")
        if kinds != wanted:
            wrong.append(f"{fault}, IPv{6 if six else 4}, {'filter' if way else 'direct'}, "
                         f"run {run + 1}: wanted {wanted}, got {kinds}")
    same(wrong, [], "kinds")
    lab.wait_counter("dead_exchanger", 6, lab.counted)
    for reason in ("end_dial_refused", "end_dial_timeout", "end_dial_unreachable"):
        lab.wait_counter(reason, 2, lab.counted)


@case("dead exchanger: one that comes back is reached when the memory ends (E68)",
      "", CONF, sink=False)
def revived(lab):
    break_exchangers(lab)
    line, address = "10.64.0.42", dead("refused")
    same(queue_run(lab, line, [address]), END, "the first connection")
    same(queue_run(lab, line, [address]), ["refused"], "the second")
    back = peers.SinkPeer(lab, "mx", address).start()
    until(lambda: queue_run(lab, line, [address]) == ["delivered"], "a delivery", 30)
    back.stop()


# --- real ones


def tried(sender, parts, runs, log):
    """Wait until each of the messages was tried in this run; returns those that
    were deferred, and notes the others' number of runs."""
    left = {}
    for fault, (part, seen) in parts.items():
        until(lambda p=part, n=seen: len(list(sender.attempts(p))) > n,
              f"run {runs} of {sender.hostname} at {fault} ({sender.tail()})", 60)
        rows = list(sender.attempts(part))
        if rows[-1][1] == "sent":
            log[sender.kind, sender.mark, fault] = runs
        else:
            same(rows[-1][1], "deferred", f"{sender.hostname} at {fault}")
            left[fault] = part, len(rows)
    return left


def deliver(sender, faults, log):
    """A message for each fault; how many runs of the queue they took."""
    left = {}
    for fault in faults:
        part = f"{fault}-{sender.mark}@{fault}.test"
        code, text = sender.submit("a@sub.postern.test", [part], client.message(to=part))
        same(code, 250, f"{sender.hostname} says {text}")
        left[fault] = part, 0
    left = tried(sender, left, 1, log)
    if left:
        sender.run_queue()
        left = tried(sender, left, 2, log)
    same(sorted(left), [], f"{sender.hostname} does not deliver in two runs")


@case("dead exchanger: real senders deliver in the first run, or the second (B24)",
      "", CONF, sink=False)
def senders(lab):
    break_exchangers(lab)
    routes = {f"{fault}.test": [dead(fault), LIVE4] for fault in FAULTS}
    both = []
    for way, mark in enumerate(("direct", "filter")):
        for number, kind in enumerate(MTAS):
            line = f"10.64.0.{20 + 10 * way + number}"
            one = kind(lab, "sub", "127.0.0.1", 2525 + 10 * way + number, line, routes,
                       connect=CONNECT, greeting=GREETING, retry=600)
            one.mark, one.root = mark, f"{one.root}-{mark}"
            both.append(one.start())
            if mark == "direct":
                lab.postern("exempt", "add", line, "--why", "direct half of the test")
                lab.direct.add(line)
    before, log = len(lab.live[False].delivered()), {}
    jobs = {one: [fault for fault in FAULTS
                  if (one.kind, fault) != TOO_LONG or one.mark == "filter"] for one in both}
    at_once([lambda o=one, f=faults: deliver(o, f, log) for one, faults in jobs.items()])
    print("# runs of the queue until delivered, direct and filtered; "
          "- OpenSMTPD waits 5 min for a greeting")
    for fault in FAULTS:
        print(f"# {fault:12} " + "  ".join(
            f"{kind.kind} {log.get((kind.kind, 'direct', fault), '-')} "
            f"{log[kind.kind, 'filter', fault]}" for kind in MTAS))
    same(len(lab.live[False].delivered()) - before, sum(map(len, jobs.values())),
         "messages at the secondary")


if __name__ == "__main__":
    main()
