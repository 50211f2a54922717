#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# alone
"""How connections end: a client gone at every octet (B10), an exchanger gone behind
the dot (B11), half-closes (B106), peers that do not read (B50), refused lines (E81)."""

import socket
import statistics
import time

import client
import watch
from labtest import MX4, MX6, begins, case, conf, holds, main, same, size, until

LINE, STATIC = "10.64.0.9", "192.0.2.2"
BODY_LIMIT, WRITE_LIMIT, DOT_LIMIT = 2.0, 2.0, 3.0
SHORT = ("s", conf(f'body_timeout = "{BODY_LIMIT:.0f}s"\nwrite_timeout = "{WRITE_LIMIT:.0f}s"\n'
                   f'dot_timeout = "{DOT_LIMIT:.0f}s"\nverdict_timeout = "2s"\n'))
SLACK = 1.5		# of a busy machine, above a limit


# --- B10 -----------------------------------------------------------------------

def begin_message(lab, name):
    """A session that was told 354; the exchanger knows it by its sender."""
    c = lab.client(LINE)
    c.hello()
    begins(c.envelope(sender=f"{name}@b10.test"), "354", "DATA")
    return c


def endings(lab):
    """name -> (time of the end, messages) of the exchanger's legs that have ended."""
    names = {row["session"]: row["line"].split("<")[1].split("@")[0]
             for row in lab.sink_rows("command") if "@b10.test" in row["line"]}
    return {names[row["session"]]: row["t"] for row in lab.sink_rows("close")
            if row["session"] in names}


def wire_of_2_kb():
    return client.message(body="x" * 70 + "\r\n" + "a line\r\n" * 225) + b".\r\n"


def cut_at(lab, wire, octets, how):
    c = begin_message(lab, f"{how}{octets}")
    c.send(wire[:octets])
    if how == "fin":
        c.fin()
        c.sock.close()
        c.sock = None
    else:
        c.abort()
    return time.monotonic()


@case("life: client gone at octet k by FIN and RST: no end of data, closed in 1 s (B10)", *SHORT)
def cut(lab):
    wire = wire_of_2_kb()
    points = sorted({*range(0, len(wire), size(53, 1)), *range(len(wire) - 4, len(wire))})
    when = {f"{how}{k}": cut_at(lab, wire, k, how) for k in points for how in ("fin", "rst")}
    until(lambda: len(endings(lab)) == len(when), "the exchanger's legs to close", 10)
    late = {name: end - when[name] for name, end in endings(lab).items()
            if end - when[name] > 1.0}
    same(late, {}, "legs that outlived the client by more than 1 s")
    same(lab.sink_rows("message", complete=True), [], "whole messages")
    lab.wait_counter("message_aborted", len(when), lab.counted)
    print(f"# {len(when)} cuts in {len(wire)} octets, slowest end after "
          f"{max(end - when[name] for name, end in endings(lab).items()):.3f} s")


@case("life: client silent from octet k on: closed at the configured limit (B10)", *SHORT)
def silent(lab):
    wire = wire_of_2_kb()
    points = sorted({*range(0, len(wire), size(53, 1)), *range(len(wire) - 4, len(wire))})
    # A host whose line was cut answers nothing either, not even with a reset.
    lab.run("sub", "nft", "table inet t { chain o { type filter hook output priority 0; "
            "tcp flags & rst == rst drop; }; }")
    when = {}
    try:
        for batch in range(0, len(points), 100):
            for k in points[batch:batch + 100]:
                c = begin_message(lab, f"silent{k}")
                c.send(wire[:k])
                when[f"silent{k}"] = time.monotonic()
                c.vanish()
            until(lambda: len(endings(lab)) == len(when), "the exchanger's legs to close", 15)
    finally:
        lab.run("sub", "nft", "delete", "table", "inet", "t")
    wrong = {name: end - when[name] for name, end in endings(lab).items()
             if not BODY_LIMIT - 0.2 <= end - when[name] <= BODY_LIMIT + SLACK}
    same(wrong, {}, f"ends that were not {BODY_LIMIT} s after the last octet")
    same(lab.sink_rows("message", complete=True), [], "whole messages")
    lab.wait_counter("end_timeout_body", len(when), lab.counted)


# --- B11 -----------------------------------------------------------------------

def after_the_dot(lab, source):
    """(reply, end, seconds from the dot to the end of the connection)."""
    with lab.client(source, timeout=15) as c:
        c.hello()
        c.envelope()
        begun = time.monotonic()
        try:
            reply = c.body(client.message())
        except client.Ended:
            reply = ""
        if not c.ended:
            c.finish()
        return reply, c.ended, time.monotonic() - begun


@case("life: exchanger closes or resets behind the dot: as direct, 50 ms more at most (B11)",
      *SHORT)
def behind_the_dot(lab):
    lab.plain.add(STATIC)
    for action in ("close", "reset"):
        for delay in (0, 0.1):
            lab.script(actions={"dot": action}, delays={"dot": delay})
            took = {STATIC: [], LINE: []}
            for _ in range(size(11, 50)):
                for source, times in took.items():
                    reply, end, seconds = after_the_dot(lab, source)
                    holds(not reply.startswith("2"), f"{source}, {action}: told {reply!r}")
                    same(end, {"close": "closed", "reset": "reset"}[action],
                         f"{source}: end after a {action}")
                    times.append(seconds)
            direct, ours = (statistics.median(took[source]) for source in (STATIC, LINE))
            print(f"# {action} after {delay} s: {direct * 1000:.1f} ms direct, "
                  f"{ours * 1000:.1f} ms through us")
            holds(ours - direct <= 0.05, f"{action}: {ours - direct:.3f} s later than direct")


@case("life: exchanger stalls behind the dot: no 2xx, ended at the limit (B11)", *SHORT)
def stalls_at_the_dot(lab):
    lab.script(actions={"dot": "stall"})
    reply, end, took = after_the_dot(lab, LINE)
    begins(reply, "451 4.4.2", "reply to the dot")
    same(end, "closed", "end")
    holds(DOT_LIMIT - 0.2 <= took <= DOT_LIMIT + SLACK, f"after {took:.2f} s")
    lab.wait_counter("end_timeout_dot", 1, lab.counted)
    until(lambda: lab.sink_rows("close"), "the exchanger's leg to close", 5)


# --- B106 ----------------------------------------------------------------------

MESSAGE = b"Subject: half\r\n\r\nclosed\r\n"
HELLO = b"EHLO half.test\r\n"
ENVELOPE = HELLO + b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"

# Client's form: how it gets there in lock step, its last octets (its FIN is behind
# them), the stage at which the exchanger is slow, codes of the replies that are
# still delivered, messages that the exchanger got.
CLIENT_FIN = {
    "before the greeting": ([], b"", "greeting", ["220"], 0),
    "behind QUIT": ([HELLO], b"QUIT\r\n", "quit", ["221"], 0),
    "behind a command": ([HELLO], b"MAIL FROM:<a@b>\r\n", "mail", ["250"], 0),
    "behind a pipeline": ([HELLO], b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\n",
                          "rcpt", ["250"] * 3, 0),
    "within a command": ([HELLO], b"MAIL FROM:<a", "mail", [], 0),
    "behind DATA": ([HELLO, b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n"], b"DATA\r\n",
                    "data", ["354"], 0),
    "within a message": ([ENVELOPE], MESSAGE, None, [], 0),
    "behind the dot": ([ENVELOPE], MESSAGE + b".\r\n", "dot", ["250"], 1),
    "behind the dot and QUIT": ([ENVELOPE], MESSAGE + b".\r\nQUIT\r\n", "dot",
                                ["250", "221"], 1),
}


def talk(c, steps):
    """Greeting, then the steps, each with all its replies."""
    c.greeting()
    for step in steps:
        c.send(step, step.count(b"\r\n"))
        for _ in range(step.count(b"\r\n")):
            c.reply()


def rest(c):
    """Codes of all replies up to the end, which has to come."""
    try:
        while True:
            c.reply()
    except client.Ended as end:
        holds(str(end) != "timeout", "the connection was not ended")
    return [reply[:3] for reply in c.replies]


def note_message(lab, c, number):
    """MESSAGE for the invariants; reply @number is its own, if it came."""
    reply = c.replies[number] if number < len(c.replies) else ""
    c.ledger = lab.notes
    c.note_message(MESSAGE, reply, c.started)
    c.ledger = None		# I4 knows no client that leaves what it is owed


def expect_closed(lab, count):
    until(lambda: len(lab.sink_rows("close")) == count, "the exchanger's leg to close", 5)


@case("life: the client's FIN in every place: replies owed are delivered (B106, E73)")
def client_fin(lab):
    for number, (name, row) in enumerate(CLIENT_FIN.items()):
        steps, last, slow, wanted, messages = row
        for delay in (0, 0.1):
            lab.script(delays={slow: delay} if slow else {})
            before = len(lab.sink_rows("message", complete=True))
            with lab.client(LINE) as c:
                c.ledger = None
                if steps:
                    talk(c, steps)
                had = len(c.replies)
                c.send(last)
                c.fin()
                got = rest(c)[had:]
                if messages:
                    note_message(lab, c, had)
            same([code for code in got if code != "421"], wanted, f"replies, FIN {name}")
            same(len(lab.sink_rows("message", complete=True)) - before, messages,
                 f"messages, FIN {name}")
        expect_closed(lab, 2 * (number + 1))


# Exchanger's form: its script, what the client sends behind the greeting, the codes
# of all replies, whole messages that the exchanger got.
EXCHANGER_FIN = {
    "in place of the greeting": ({"actions": {"greeting": "fin"}}, [], [], 0),
    "behind the greeting": ({"after": {"greeting": "fin"}}, [], ["220"], 0),
    "in place of a reply": ({"actions": {"mail": "fin"}}, [HELLO, b"MAIL FROM:<a@b>\r\n"],
                            ["220", "250", "421"], 0),
    "behind a reply": ({"after": {"rcpt": "fin"}},
                       [HELLO, b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n"],
                       ["220", "250", "250", "250"], 0),
    "within a message": ({"actions": {"body": "fin"}}, [ENVELOPE, MESSAGE, b".\r\n"],
                         ["220", "250", "250", "250", "354", "421"], 0),
    "in place of the dot's reply": ({"actions": {"dot": "fin"}}, [ENVELOPE, MESSAGE + b".\r\n"],
                                    ["220", "250", "250", "250", "354", "421"], 1),
    "behind the dot's reply": ({"after": {"dot": "fin"}}, [ENVELOPE, MESSAGE + b".\r\n"],
                               ["220", "250", "250", "250", "354", "250"], 1),
    "behind the 221": ({"after": {"quit": "fin"}}, [HELLO, b"QUIT\r\n"],
                       ["220", "250", "221"], 0),
}


def count_of(octets):
    """Replies that a step is owed: none within a message, one for its end."""
    if octets == MESSAGE:
        return 0
    return 1 if octets.endswith(b".\r\n") else octets.count(b"\r\n")


@case("life: the exchanger's FIN in every place: replies are delivered, both end (B106)")
def exchanger_fin(lab):
    for number, (name, row) in enumerate(EXCHANGER_FIN.items()):
        script, steps, wanted, messages = row
        lab.script(**script)
        before = len(lab.sink_rows("message", complete=True))
        with lab.client(LINE) as c:
            c.ledger = None
            if wanted:
                c.greeting()
            for step in steps:
                c.send(step)
                for _ in range(count_of(step)):
                    c.reply()
            same(rest(c), wanted, f"replies, exchanger's FIN {name}")
            if messages:
                note_message(lab, c, 5)
        expect_closed(lab, number + 1)
        same(len(lab.sink_rows("message", complete=True)) - before, messages,
             f"messages, exchanger's FIN {name}")


# --- B50 -----------------------------------------------------------------------

PEERS = 20
MOST_KB = 512 * PEERS	# what a session may hold, with room for the pools' slabs


def one_octet_window(lab, host):
    """Every segment of @host's port-25 connections offers a window of one octet."""
    lab.run(host, "sysctl", "-q", "-w", "net.ipv4.tcp_window_scaling=0")
    lab.run(host, "nft", "table inet w { chain o { type filter hook output priority 0; "
            "tcp flags & (syn | rst) == 0 tcp window set 1; }; }")


def open_window(lab, host):
    lab.run(host, "nft", "delete", "table", "inet", "w", check=False)
    lab.run(host, "sysctl", "-q", "-w", "net.ipv4.tcp_window_scaling=1",
            "net.ipv4.tcp_rmem=4096 131072 6291456")


def stuck(lab, sessions, pump):
    """@pump each session until nothing more is taken; all must end at the deadline."""
    inspector = lab.inspector()
    quiet, most, begun = watch.status_kb(inspector, "VmRSS"), 0, time.monotonic()
    for c in sessions:
        c.ledger = None
        c.sock.setblocking(False)
    gone = set()
    while len(gone) < len(sessions):
        holds(time.monotonic() - begun < 30, f"{len(sessions) - len(gone)} were not ended")
        most = max(most, watch.status_kb(inspector, "VmRSS"))
        for c in sessions:
            try:
                if c not in gone:
                    c.sock.send(pump)
            except BlockingIOError:
                pass
            except (ConnectionResetError, BrokenPipeError):
                gone.add(c)
        time.sleep(0.01)
    took = time.monotonic() - begun
    print(f"# {len(sessions)} sessions ended within {took:.1f} s, {most - quiet} kB more")
    holds(most - quiet <= MOST_KB, f"{most - quiet} kB for {len(sessions)} sessions")
    holds(took >= WRITE_LIMIT - 0.2, f"ended after {took:.2f} s already")
    lab.wait_counter("end_timeout_write", len(sessions), lab.counted)
    expect_closed(lab, len(sessions))


def deaf_clients(lab):
    """Clients with the smallest buffer there is."""
    lab.run("sub", "sysctl", "-q", "-w", "net.ipv4.tcp_rmem=4096 4096 4096")
    lab.script(replies={"rcpt": "250 2.1.5 " + "x" * 400})
    made = []
    for _ in range(PEERS):
        c = lab.client(LINE)
        c.hello()
        c.command("MAIL FROM:<a@b>")
        made.append(c)
    return made


@case("life: clients that read nothing are ended at the write deadline (B50)", *SHORT)
def deaf(lab):
    try:
        stuck(lab, deaf_clients(lab), b"RCPT TO:<c@d>\r\n" * 100)
    finally:
        open_window(lab, "sub")


@case("life: clients with a window of one octet are ended at the write deadline (B50)", *SHORT)
def narrow(lab):
    try:
        sessions = deaf_clients(lab)
        one_octet_window(lab, "sub")
        stuck(lab, sessions, b"RCPT TO:<c@d>\r\n" * 100)
    finally:
        open_window(lab, "sub")


def senders(lab):
    made = []
    for _ in range(PEERS):
        c = lab.client(LINE)
        c.hello()
        c.envelope()
        made.append(c)
    return made


@case("life: exchangers that read nothing: bounded, ended at the write deadline (B50)", *SHORT)
def deaf_exchanger(lab):
    lab.run("mx", "sysctl", "-q", "-w", "net.ipv4.tcp_rmem=4096 4096 4096")
    lab.script(actions={"body": "hold"})
    try:
        stuck(lab, senders(lab), b"a line of text\r\n" * 4096)
        same(lab.sink_rows("message", complete=True), [], "whole messages")
    finally:
        open_window(lab, "mx")


@case("life: exchangers with a window of one octet: the same (B50)", *SHORT)
def narrow_exchanger(lab):
    lab.run("mx", "sysctl", "-q", "-w", "net.ipv4.tcp_rmem=4096 4096 4096")
    try:
        sessions = senders(lab)
        one_octet_window(lab, "mx")
        stuck(lab, sessions, b"a line of text\r\n" * 4096)
        same(lab.sink_rows("message", complete=True), [], "whole messages")
    finally:
        open_window(lab, "mx")


# --- E81 -----------------------------------------------------------------------

GREET = conf().replace("syn_rate = 0", 'syn_rate = 0 refused = "greet"')
REFUSED = (("10.64.0.60", "10.64.0.60", MX4),
           ("2001:db8:64:6::2", "2001:db8:64:6::/64", MX6))


@case("life: a refused line is told why, and nobody is dialled (E81)", "g", GREET)
def refused(lab):
    for line, prefix, target in REFUSED:
        lab.postern("refuse", "add", prefix, "--why", "test")
        with lab.client(line, target) as c:
            reply = c.greeting()
            begins(reply, "554 5.7.1 ", "greeting")
            holds("https://help.postern.test/port25" in reply, f"no help in {reply!r}")
            for command in ("EHLO x", "MAIL FROM:<a@b>", "NOOP"):
                begins(c.command(command), "503 5.5.1", command)
            begins(c.command("QUIT"), "221 2.0.0", "QUIT")
            c.finish()
            same(c.ended, "closed", "end")
        lab.postern("refuse", "del", prefix)
    same(lab.sink_rows("open"), [], "connections that reached the exchanger")
    lab.wait_counter("refused_greeted", 2, lab.counted)
    lab.wait_counter("end_refused_line", 2, lab.counted)
    same(lab.counters()["session_started"], lab.counted["session_started"], "sessions")
    begins(lab.send(LINE, client.message()), "250", "a line beside it")


@case("life: a refused line that stays is ended, one that floods is slowed (E81)", "g", GREET)
def refused_stays(lab):
    line, prefix, target = REFUSED[0]
    lab.postern("refuse", "add", prefix, "--why", "test")
    try:
        begun = time.monotonic()
        with lab.client(line, target, timeout=20) as c:
            begins(c.greeting(), "554 5.7.1 ", "greeting")
            c.finish()
            same(c.ended, "closed", "end")
        holds(9 <= time.monotonic() - begun <= 13, f"after {time.monotonic() - begun:.1f} s")
        got = 0
        for _ in range(30):
            try:
                client.connect(lab.ns("sub"), line, target, timeout=0.1).close()
                got += 1
            except (TimeoutError, socket.timeout):
                pass
        holds(9 <= got <= 28, f"{got} of 30 connections got through")
        lab.wait_counter("refused_flood", 1, lab.counted)
    finally:
        lab.postern("refuse", "del", prefix)


@case("life: a refused line is reset while no worker answers, fail = open or not (E81)", "g",
      GREET)
def refused_alone(lab):
    line, prefix, target = REFUSED[0]
    lab.restarted = True
    lab.postern("refuse", "add", prefix, "--why", "test")
    lab.end_daemon()
    try:
        try:
            client.connect(lab.ns("sub"), line, target, timeout=3).close()
            holds(False, "could connect")
        except ConnectionRefusedError:
            pass
    finally:
        lab.start_daemon()
        lab.postern("refuse", "del", prefix)
    lab.wait_counter("refused_line", 1, lab.counted)


if __name__ == "__main__":
    main()
