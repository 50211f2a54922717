#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What a customer sees on port 25: the table in README.rst.

That ham arrives octet for octet apart from a Received: line, and that nobody
is told 2xx for what did not arrive, is checked by the runner after every case
(I1 to I3).
"""

import re
import socket

import client
from labtest import (GTUBE, MX4, MX6, begins, case, conf, holds, main, same, until)

V4, V6 = ("10.64.0.9", MX4), ("2001:db8:64:7::2", MX6)


def raw(lab, row):
    with open(f"{lab.dir}/sink/{row['file']}", "rb") as f:
        return f.read()


def ticket_in(reply):
    return re.search(r"\[([^\]]+)\]", reply)


@case("relay: ham over IPv4 and IPv6 arrives, a Received: line in front (E84)")
def ham(lab):
    for source, target in (V4, V6):
        begins(lab.send(source, client.message(), target), "250", "reply to the dot")
        row = lab.sink_rows("message", peer=source)[0]
        holds(row["received"] > 0, "no Received: line")
        received = raw(lab, row)[:row["received"]].decode()
        holds(source in received, f"line not named in {received!r}")
        holds("client.postern.test" in received, f"HELO not named in {received!r}")
    lab.wait_counter("message_accepted", 2, lab.counted)
    lab.wait_counter("steered", 2, lab.counted)


@case("relay: the exchanger sees the subscriber's address (B25)")
def address(lab):
    for source, target in (V4, V6):
        with lab.client(source, target) as c:
            c.hello()
            row = lab.sink_rows("open", peer=source)[0]
            same(row["local"], target, "the exchanger's own address")
            holds(row["peer_port"] >= 1024, f"source port {row['peer_port']}")
            c.quit()


@case("relay: odd but legal messages (E48 to E52)")
def odd(lab):
    header = b"Message-ID: <odd@postern.test>\r\n"
    bodies = [b"", header, header + b"\r\n", b"\r\nno header\r\n",
              header + b"\r\n" + b"x" * 70000 + b"\r\n",
              header + b"\r\n..\r\n..two\r\n...\r\n",
              header + b"\r\n" + bytes(range(128, 256)) + b"\r\n",
              header + b"\r\n" + b"line\r\n" * 20000]
    with lab.client("10.64.0.9") as c:
        c.hello()
        for number, body in enumerate(bodies):
            begins(c.mail(body), "250", f"reply to message {number}")
        c.quit()
    same(len(lab.sink_rows("message", complete=True)), len(bodies), "messages that arrived")


@case("relay: pipelining, refused recipients, several transactions (E10, E77)")
def pipelined(lab):
    lab.script(replies={"rcpt": ["250 2.1.5 first", "550 5.1.1 second",
                                 "250 2.1.5 third"]})
    with lab.client("10.64.0.9") as c:
        c.hello()
        got = c.pipeline(["MAIL FROM:<a@b>", "RCPT TO:<1@d>", "RCPT TO:<2@d>",
                          "RCPT TO:<3@d>", "DATA"])
        same([reply[:3] for reply in got], ["250", "250", "550", "250", "354"], "replies")
        begins(c.body(client.message()), "250", "first message")
        got = c.pipeline(["RSET", "NOOP", "MAIL FROM:<>", "RCPT TO:<4@d>", "DATA"])
        same([reply[:3] for reply in got], ["250", "250", "250", "250", "354"], "again")
        begins(c.body(client.message()), "250", "second message")
        c.quit()
    same(len(lab.sink_rows("message", complete=True)), 2, "messages that arrived")


@case("relay: spam gets 550 with a ticket and never arrives (E17)")
def spam(lab):
    for source, target in (V4, V6):
        with lab.client(source, target) as c:
            c.hello()
            reply = c.mail(client.message(body=f"Buy!\r\n{GTUBE}\r\nNow!\r\n"))
            begins(reply, "550 5.7.1 ", "reply to the dot")
            holds(ticket_in(reply), f"no ticket in {reply!r}")
            holds("https://help.postern.test/port25" in reply, f"no help in {reply!r}")
            begins(c.command("NOOP"), "250", "NOOP after the refusal")
            begins(c.command("MAIL FROM:<a@b>"), "421", "MAIL after the refusal")
        same(lab.sink_rows("message", peer=source, complete=True), [], "arrived")
    lab.wait_counter("message_rejected", 2, lab.counted)
    lab.wait_counter("verdict_reject", 2, lab.counted)
    ticket = ticket_in(reply).group(1)
    until(lambda: any(ticket in str(event) for event in lab.events()),
          f"the ticket {ticket} in the event log")


@case("relay: spam by the look of its links")
def links(lab):
    for link in ("http://%68%65%78.example.com/buy", "http://3232235777/pay"):
        body = f"Look: {link}\r\n"
        reply = lab.send("10.64.0.9", client.message(body=body))
        holds(reply[:3] in ("550", "250"), f"{link}: {reply!r}")


@case("relay: AUTH gets 573 and the help address; mail goes on (E34)")
def auth(lab):
    lab.script(extensions=["AUTH PLAIN LOGIN", "AUTH=PLAIN", "SIZE 1000000", "STARTTLS"])
    with lab.client("10.64.0.9") as c:
        same(c.hello(), "250-mx.postern.test\r\n250 SIZE 1000000", "EHLO reply")
        reply = c.command("AUTH PLAIN AGEAYgBj")
        begins(reply, "573 5.7.1 ", "reply to AUTH")
        holds("587" in reply and "https://help.postern.test/port25" in reply, repr(reply))
        begins(c.mail(client.message()), "250", "mail after AUTH")
        c.quit()
    holds(not any("AUTH" in line for line in lab.sink_commands()), "AUTH was forwarded")
    lab.wait_counter("auth_refused", 1, lab.counted)


@case("relay: TLS from the first octet is dropped and counted (E44)")
def tls(lab):
    hello = bytes.fromhex("16030100c8010000c403031122") + bytes(190)
    sock = client.connect(lab.ns("sub"), "10.64.0.9", MX4)
    sock.sendall(hello)
    got = b""
    try:
        while True:
            octets = sock.recv(4096)
            if not octets:
                break
            got += octets
    except ConnectionResetError:
        pass
    sock.close()
    holds(not got.startswith(b"\x16"), f"a TLS answer: {got[:20]!r}")
    lab.wait_counter("end_tls_on_connect", 1, lab.counted)
    same(lab.sink_commands(), [], "commands that reached the exchanger")


@case("relay: HTTP on 25 gets a 421 and goes nowhere (E44)")
def http(lab):
    with lab.client("10.64.0.9") as c:
        c.greeting()
        c.send(b"GET / HTTP/1.1\r\nHost: mx.postern.test\r\n\r\n", 1)
        begins(c.reply(), "421 ", "reply to GET")
        c.finish()
    lab.wait_counter("end_not_smtp", 1, lab.counted)
    same(lab.sink_commands(), [], "commands that reached the exchanger")


@case("relay: an exempt line goes direct, and is steered again after")
def exempt(lab):
    for line, prefix, target in (("10.64.0.50", "10.64.0.50", MX4),
                                 ("2001:db8:64:5::2", "2001:db8:64:5::/64", MX6)):
        before = lab.counters()
        lab.postern("exempt", "add", prefix, "--why", "test")
        lab.direct.add(line)
        begins(lab.send(line, client.message(body=GTUBE + "\r\n"), target), "250", "exempt")
        row = lab.sink_rows("message", peer=line)[0]
        same((row["received"], row["complete"]), (0, True), "what arrived directly")
        lab.wait_counter("exempt_line", 1, before)
        same(lab.counters()["session_started"], before["session_started"], "our sessions")
        lab.postern("exempt", "del", prefix)
        begins(lab.send(line, client.message(), target), "250", "steered again")
        holds(lab.sink_rows("message", peer=line)[1]["received"], "not steered again")


@case("relay: a destination with a rule of its own goes direct")
def destination(lab):
    lab.postern("destination", "add", "198.51.100.27", "--pass")
    lab.direct.add("10.64.0.9")
    begins(lab.send("10.64.0.9", client.message(), "198.51.100.27"), "250", "pass rule")
    begins(lab.send("10.64.0.9", client.message(), "198.51.100.26"), "250", "no rule")
    holds(not lab.sink_rows("message", local="198.51.100.27")[0]["received"], "was steered")
    holds(lab.sink_rows("message", local="198.51.100.26")[0]["received"], "not steered")
    lab.wait_counter("destination_pass", 1, lab.counted)
    lab.postern("destination", "del", "198.51.100.27")


@case("relay: a refused line is reset at once, v4 and v6")
def refused(lab):
    for line, prefix, target in (("10.64.0.60", "10.64.0.60", MX4),
                                 ("2001:db8:64:6::2", "2001:db8:64:6::/64", MX6)):
        lab.postern("refuse", "add", prefix, "--why", "test")
        try:
            client.connect(lab.ns("sub"), line, target, timeout=3).close()
            holds(False, f"{line} could connect")
        except ConnectionRefusedError:
            pass
        lab.postern("refuse", "del", prefix)
        begins(lab.send(line, client.message(), target), "250", "after refuse del")
    lab.wait_counter("refused_line", 2, lab.counted)


def knock(lab, target):
    """How a connection that gets no banner ends."""
    try:
        with lab.client("10.64.0.9", target) as c:
            c.ledger = None
            same(c.finish(), b"", "octets before the end")
            return c.ended
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return "reset"


@case("relay: a dead exchanger is reset, then remembered (E68)")
def dead(lab):
    lab.run("mx", "nft", "add table inet t; add chain inet t i { type filter hook input "
            "priority 0; }; add rule inet t i ip daddr 198.51.100.28 tcp dport 25 reject "
            "with tcp reset")
    try:
        for wanted in (("closed", "reset"), ("refused",)):
            got = knock(lab, "198.51.100.28")
            holds(got in wanted, f"wanted {wanted}, got {got}")
        lab.wait_counter("dead_exchanger", 1, lab.counted)
        lab.wait_counter("end_dial_refused", 1, lab.counted)
    finally:
        lab.run("mx", "nft", "delete table inet t")


@case("relay: client gone or resetting mid-message completes nothing (E72, B10)")
def gone(lab):
    body = client.message(body="x" * 2000 + "\r\n")
    for cut in range(1, len(body), 97):
        c = lab.client("10.64.0.9")
        c.hello()
        c.envelope()
        c.send(body[:cut])
        if cut % 2:
            c.abort()
        else:
            c.sock.shutdown(socket.SHUT_WR)
            c.sock.close()
    opened = len(lab.sink_rows("open"))
    until(lambda: len(lab.sink_rows("close")) == opened, "the exchanger's legs to close", 5)
    same(lab.sink_rows("message", complete=True), [], "whole messages")
    lab.wait_counter("message_aborted", opened, lab.counted)


@case("relay: the exchanger closes, resets or stalls around the dot (B11)")
def around_the_dot(lab):
    for action in ("close", "reset"):
        lab.script(actions={"dot": action})
        with lab.client("10.64.0.9") as c:
            c.hello()
            try:
                reply = c.mail(client.message())
                holds(not reply.startswith("2"), f"{action}: told {reply!r}")
            except client.Ended:
                pass
    lab.script(replies={"dot": "452 4.3.1 disk full"})
    begins(lab.send("10.64.0.9", client.message()), "452 4.3.1 disk full", "its own refusal")


@case("relay: shadow lets spam through and counts it", "shadow",
      conf('mode = "shadow"\n'))
def shadow(lab):
    lab.shadow.add("10.64.0.9")
    begins(lab.send("10.64.0.9", client.message(body=GTUBE + "\r\n")), "250", "in shadow")
    lab.wait_counter("verdict_shadow", 1, lab.counted)


@case("relay: a rollout of 0 per cent enforces on nobody", "rollout", conf(rollout="0"))
def rollout(lab):
    lab.shadow.add("10.64.0.9")
    begins(lab.send("10.64.0.9", client.message(body=GTUBE + "\r\n")), "250", "outside")
    lab.wait_counter("verdict_shadow", 1, lab.counted)


@case("relay: half a rollout: each line is in or out, and stays so", "half",
      conf(rollout="50"))
def half(lab):
    lines = [f"10.64.0.{number}" for number in range(10, 34)]
    lab.shadow |= set(lines)

    def told(line):
        return lab.send(line, client.message(body=GTUBE + "\r\n"))[:3]
    first = {line: told(line) for line in lines}
    same(sorted(set(first.values())), ["250", "550"], "what lines are told")
    same({line: told(line) for line in lines}, first, "what they are told again")
    refused = [line for line in lines if first[line] == "550"]
    holds(4 <= len(refused) <= 20, f"{len(refused)} of {len(lines)} lines are in")
    for line in refused:
        same(lab.sink_rows("message", peer=line, complete=True), [], f"arrived from {line}")


@case("relay: a destination can have a class of its own", "class",
      conf() + 'class "strict" { starttls = "refuse" syn_rate = 0 }\n')
def destination_class(lab):
    lab.postern("destination", "add", "198.51.100.26", "--class", "strict")
    for target, code in (("198.51.100.26", "454"), (MX4, "502")):
        with lab.client("10.64.0.9", target) as c:
            c.hello()
            begins(c.command("STARTTLS"), code, f"STARTTLS to {target}")
            begins(c.mail(client.message()), "250", f"mail to {target}")
            c.quit()


@case("relay: a line that connects too fast is slowed, its neighbour is not", "budget",
      conf().replace("syn_rate = 0", "syn_rate = 2 syn_burst = 5"))
def budget(lab):
    def opened(line, count):
        good = 0
        for _ in range(count):
            try:
                client.connect(lab.ns("sub"), line, MX4, timeout=0.2).close()
                good += 1
            except (TimeoutError, socket.timeout):
                pass
        return good
    fast = opened("10.64.0.9", 12)
    holds(5 <= fast <= 11, f"{fast} of 12 connections were let in, burst is 5")
    lab.wait_counter("syn_budget", 1, lab.counted)
    same(opened("10.64.0.10", 5), 5, "connections of the neighbour")


if __name__ == "__main__":
    main()
