#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The interop grid (B26): five clients x four servers x twelve messages, each sent
directly and then through the filter. The client has the same outcome and the
server the same octets, apart from Received: lines, cell by cell.

make check sends each client's twelve messages to the servers in turn (60 cells:
every client meets every server three times, every server gets every message);
make nightly sends all 240.
"""

import hashlib
import threading
import traceback

import interop
import peers
from labtest import NIGHTLY, Failure, case, conf, holds, main, settle, until

SERVERS = [("Postfix", peers.Postfix, "198.51.100.41"), ("Exim", peers.Exim, "198.51.100.42"),
           ("OpenSMTPD", peers.OpenSmtpd, "198.51.100.43"),
           ("sink", peers.SinkPeer, "198.51.100.44")]
CLIENTS = [("Postfix", "10.64.0.11"), ("Exim", "10.64.0.12"), ("OpenSMTPD", "10.64.0.13"),
           ("msmtp", "10.64.0.14"), ("smtplib", "10.64.0.15")]
MTAS = {"Postfix": peers.Postfix, "Exim": peers.Exim, "OpenSMTPD": peers.OpenSmtpd}
DIRECT = {}		# cell -> what came of it
NUMBER = {message.name: number for number, message in enumerate(interop.MESSAGES)}


def impossible(cell):
    """OpenSMTPD 6.8 knows no SMTPUTF8, on either side; Exim alone finds a way."""
    return (cell[2] == NUMBER["UTF-8 addresses"] and "OpenSMTPD" in cell[:2] and
            cell[0] != "Exim")


def start_all(lab):
    """Servers and clients; they end with the lab."""
    if hasattr(lab, "servers"):
        return
    lab.servers, lab.senders = {}, {}
    for name, kind, address in SERVERS:
        lab.run("mx", "ip", "address", "add", f"{address}/24", "dev", "eth0")
        lab.servers[name] = kind(lab, "mx", address).start()
    routes = {f"{peer.kind}.test": [peer.listen] for peer in lab.servers.values()}
    for number, (name, line) in enumerate(CLIENTS):
        if name in MTAS:
            sender = interop.MtaSender(lab, name, MTAS[name], 2525 + number, line, routes)
        else:
            sender = {"msmtp": interop.Msmtp, "smtplib": interop.Smtplib}[name](lab, name, line)
        lab.senders[name] = sender
    lab.boxes = [peer for name, peer in lab.servers.items() if name != "sink"]
    lab.boxes += [lab.senders[name].mta for name in MTAS]


def cells():
    """(client, server, number of the message) of this run."""
    return [(name, SERVERS[place][0], number)
            for row, (name, _) in enumerate(CLIENTS)
            for number in range(len(interop.MESSAGES))
            for place in range(len(SERVERS))
            if NIGHTLY or place == (row + number) % len(SERVERS)]


def token_of(cell, way):
    name, server, number = cell
    return (f"{way}{[c[0] for c in CLIENTS].index(name)}"
            f"{[s[0] for s in SERVERS].index(server)}{number:02d}q")


def arrivals(peer, token):
    """recipient -> [(sender, Received: lines of ours, digest, octets, commands)]."""
    found = {}
    for message in peer.delivered():
        for recipient in map(interop.readable, message.recipients):
            if f"-{token}@{peer.kind}.test" in recipient:
                ours, content = interop.compared(message.content, token)
                row = (interop.readable(message.sender).replace(token, "TOKEN"), ours,
                       hashlib.sha256(content).hexdigest()[:16], len(content),
                       interop.without_size(message.lines, token))
                found.setdefault(recipient.replace(token, "TOKEN"), []).append(row)
    return found


def play(lab, cell, way):
    """One message; returns (outcome at the client, what arrived)."""
    name, server, number = cell
    message, peer, token = interop.MESSAGES[number], lab.servers[server], token_of(cell, way)
    outcome = lab.senders[name].send(message, token, peer)
    sent = [to for to, row in outcome.items() if row[0] == "sent"]
    if sent:
        until(lambda: len(arrivals(peer, token)) >= len(sent),
              f"{server} to deliver {message.name} from {name} ({peer.tail()})", 60)
    return ({to.replace(token, "TOKEN"): row for to, row in outcome.items()},
            arrivals(peer, token))


def play_all(lab, way):
    """All cells, each client's one after the other; results by cell."""
    results = {}

    def work(name):
        for cell in [cell for cell in cells() if cell[0] == name]:
            try:
                results[cell] = play(lab, cell, way)
            except Exception as fault:
                results[cell] = (f"{type(fault).__name__}: {fault}", traceback.format_exc())
    threads = [threading.Thread(target=work, args=(name,)) for name, _ in CLIENTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@case("interop: directly, every client gets its mail to every server", "", conf(), sink=False)
def direct(lab):
    start_all(lab)
    for _, line in CLIENTS:
        lab.postern("exempt", "add", line, "--why", "interop test, direct half")
        lab.direct.add(line)
    DIRECT.update(play_all(lab, "d"))
    # A session that is kept for the next message would stay direct.
    until(lambda: "ESTAB" not in lab.run("sub", "ss", "-Htn", "dport", "=", ":25").stdout,
          "the direct sessions to end", 60)
    for _, line in CLIENTS:
        lab.postern("exempt", "del", line)
    faults = [f"{cell}: {result[0]}" for cell, result in DIRECT.items()
              if isinstance(result[0], str)]
    holds(not faults, "; ".join(faults[:3]))
    holds(len(DIRECT) == len(cells()), f"{len(DIRECT)} of {len(cells())} cells were tried")
    for cell, (outcome, arrived) in DIRECT.items():
        if impossible(cell):
            print(f"# {cell[0]} to {cell[1]}: no SMTPUTF8: {sorted(set(outcome.values()))}")
        holds(bool(arrived) != impossible(cell), f"{cell}: {outcome}, arrived {arrived}")


def difference(cell, filtered):
    """Why a cell is not as it was directly, or None."""
    if isinstance(filtered[0], str):
        return filtered[0]
    was, now = DIRECT[cell], filtered
    if was[0] != now[0]:
        return f"outcome was {was[0]}, is {now[0]}"
    if was[1].keys() != now[1].keys():
        return f"arrived for {sorted(was[1])}, now for {sorted(now[1])}"
    for to, rows in now[1].items():
        old = was[1][to]
        if len(rows) != len(old):
            return f"{to} got it {len(old)} times, now {len(rows)} times"
        for before, after in zip(old, rows):
            if before[0] != after[0]:
                return f"sender was {before[0]}, is {after[0]}"
            if before[2:] != after[2:]:
                return f"octets or commands differ: {before[2:]}, now {after[2:]}"
            if (before[1], after[1]) != (0, 1):
                return f"{before[1]} Received: lines of ours directly, {after[1]} filtered"
    return None


def notices(lab, token):
    """Delivery notices to the sender of a message: (how many, with its ENVID)."""
    found = [message.content for box in lab.boxes for message in box.delivered()
             if f"a-{token}@sub.postern.test" in message.recipients]
    return len(found), sum(b"QQ314159" in content for content in found)


def check_notices(lab, wrong):
    """Whoever was told of a delivery directly is told so through the filter."""
    for cell in [cell for cell in wrong if cell[2] == NUMBER["DSN"] and not wrong[cell]]:
        was = notices(lab, token_of(cell, "d"))
        now = settle(lambda c=cell, w=was: notices(lab, token_of(c, "f")) != w, 20)
        if now:
            wrong[cell] = f"{was} notices directly, {notices(lab, token_of(cell, 'f'))} now"
    told = [notices(lab, token_of(cell, "d")) for cell in wrong if cell[2] == NUMBER["DSN"]]
    print(f"# DSN: {sum(n for n, _ in told)} notices, {sum(n for _, n in told)} with the ENVID")
    holds(sum(n for _, n in told), "no delivery notice at all")


def mark(cell, wrong):
    if cell not in wrong:
        return "."
    if wrong[cell]:
        return "X"
    return "=" if DIRECT[cell][1] else "r"


@case("interop: through the filter all is the same (B26)", "", conf(), sink=False)
def filtered(lab):
    if not DIRECT:
        raise Failure("the direct half did not run")
    start_all(lab)
    wrong = {cell: difference(cell, result) for cell, result in play_all(lab, "f").items()}
    check_notices(lab, wrong)
    print(f"# {len(wrong)} of 240 cells; large is {interop.LARGE >> 20} MB, long is "
          f"{interop.LONG} octets; columns: {', '.join(m.name for m in interop.MESSAGES)}")
    print("# = delivered, the same    r refused, the same    X differs    . not in this run")
    print("# client     " + "".join(f"{name:14}" for name, _, _ in SERVERS))
    for name, _ in CLIENTS:
        print(f"# {name:10} " + "  ".join(
            "".join(mark((name, server, number), wrong)
                    for number in range(len(interop.MESSAGES))) for server, _, _ in SERVERS))
    faults = {cell: why for cell, why in wrong.items() if why}
    for (name, server, number), why in faults.items():
        print(f"#   {name} to {server}, {interop.MESSAGES[number].name}: {why}"[:700])
    holds(not faults, f"{len(faults)} cells differ")


if __name__ == "__main__":
    main()
