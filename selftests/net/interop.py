# SPDX-License-Identifier: GPL-2.0
"""For test_interop.py: the twelve messages, the five clients that send them, and
what is compared of what arrives."""

import base64
import re
import smtplib

import client
import peers
from lab import size

LARGE = size(2 << 20, 20 << 20)
LONG = size(8000, 60000)


class Message:
    """Content has CRLF ends and no dot doubled. @last: with a last line end."""

    def __init__(self, name, body, head="", count=1, local="r", mail=(), rcpt=(), whole=True):
        self.name, self.body, self.head, self.count = name, body, head, count
        self.local, self.mail, self.rcpt, self.whole = local, mail, rcpt, whole

    def content(self, token):
        head = (f"From: a-{token}@sub.postern.test\r\nTo: r-{token}@example.test\r\n"
                f"Subject: {self.name}\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n"
                f"Message-ID: <{token}@sub.postern.test>\r\n{self.head}\r\n")
        return head.encode() + self.body

    def sender(self, token):
        return f"{'ж' if self.local != 'r' else 'a'}-{token}@sub.postern.test"

    def recipients(self, token, domain):
        return [f"{self.local}{n}-{token}@{domain}" for n in range(self.count)]


def lines(octets, width=76):
    return b"".join(octets[at:at + width] + b"\r\n" for at in range(0, len(octets), width))


MIME = "MIME-Version: 1.0\r\nContent-Type: {}\r\nContent-Transfer-Encoding: {}\r\n"
PARTS = (b"--=_b\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n--=_b\r\n"
         b"Content-Type: application/octet-stream; name=a.bin\r\n"
         b"Content-Disposition: attachment; filename=a.bin\r\n"
         b"Content-Transfer-Encoding: base64\r\n\r\n" +
         lines(base64.b64encode(bytes(range(256)) * 40)) + b"--=_b--\r\n")
MESSAGES = [
    Message("plain", b"Hello.\r\nNothing to see here.\r\n"),
    Message("8-bit", b"Gr\xfc\xdfe aus K\xf6ln\r\n" + bytes(range(128, 256)) + b"\r\n",
            MIME.format("text/plain; charset=iso-8859-1", "8bit"), mail=("BODY=8BITMIME",)),
    Message("UTF-8 addresses", "Здравствуйте\r\n".encode(), local="р",
            mail=("SMTPUTF8", "BODY=8BITMIME"),
            head=MIME.format("text/plain; charset=utf-8", "8bit")),
    Message("DSN", b"Tell me when it is there.\r\n", mail=("RET=HDRS", "ENVID=QQ314159"),
            rcpt=("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;first@example.test")),
    Message("50 recipients", b"To all of you.\r\n", count=50),
    Message("large", lines(bytes(33 + n % 90 for n in range(1009)) * (LARGE // 1009))),
    Message("empty", b""),
    Message("long line", b"x" * LONG + b"\r\nshort\r\n"),
    Message("dots", b".\r\n..\r\n...\r\n.hidden\r\nnot. hidden.\r\n\r\n.\r\n. \r\n"),
    Message("attachment", PARTS, MIME.format("multipart/mixed; boundary=\"=_b\"", "7bit")),
    Message("no last line end", b"This line has no end", whole=False),
    Message("quoted-printable", b"=3D=C3=A4=20=\r\n" * 2000 + b"=2E\r\n=2E=\r\n.\r\n=\r\n",
            MIME.format("text/plain; charset=utf-8", "quoted-printable")),
]


class MtaSender:
    """A mail server as the client: takes the message over SMTP (or by its sendmail
    command, if the content has no last line end), and sends it on. Started when made."""

    def __init__(self, lab, name, kind, port, source, routes):
        self.name, self.source = name, source
        self.mta = kind(lab, "sub", "127.0.0.1", port, source, routes)
        self.mta.start()

    def send(self, message, token, peer):
        domain = f"{peer.kind}.test"
        recipients = message.recipients(token, domain)
        content = message.content(token)
        if not message.whole:
            self.mta.submit_locally(message.sender(token), recipients,
                                    content.replace(b"\r\n", b"\n"))
        else:
            try:
                code, _ = self.mta.submit(message.sender(token), recipients,
                                          client.stuffed(content), message.mail, message.rcpt)
            except smtplib.SMTPNotSupportedError:
                code = "not offered"
            if code != 250:
                return {"its own door": ("impossible", str(code))}
        return self.mta.wait_outcome(f"{token}@{domain}", message.count)


class Msmtp:
    """The command that sends one message and keeps no queue."""

    def __init__(self, lab, name, source):
        self.lab, self.name, self.source = lab, name, source

    def send(self, message, token, peer):
        recipients = message.recipients(token, f"{peer.kind}.test")
        extra = ["--dsn-notify=success,failure", "--dsn-return=hdrs"] if message.rcpt else []
        done = self.lab.run(
            "sub", "msmtp", f"--host={peer.listen}", "--port=25", f"--source-ip={self.source}",
            f"--from={message.sender(token)}", "--domain=msmtp.sub.postern.test", "--auth=off",
            "--tls=off", *extra, "--", *recipients, check=False,
            stdin=message.content(token).replace(b"\r\n", b"\n").decode("latin-1"))
        code = re.search(r"server message: (\d{3})", done.stderr)
        result = "sent" if done.returncode == 0 else f"failed {done.returncode}"
        return {to: (result, code.group(1) if code else "") for to in recipients}


class Smtplib:
    """Python's own library, straight to the exchanger."""

    def __init__(self, lab, name, source):
        self.lab, self.name, self.source = lab, name, source

    def send(self, message, token, peer):
        with client.Inside(self.lab.ns("sub")):
            door = smtplib.SMTP(peer.listen, 25, "smtplib.sub.postern.test", 60,
                                (self.source, 0))
        recipients = message.recipients(token, f"{peer.kind}.test")
        with door:
            door.ehlo()
            try:
                code, _ = peers.hand_over(door, message.sender(token), recipients,
                                        client.stuffed(message.content(token)),
                                        message.mail, message.rcpt)
            except smtplib.SMTPNotSupportedError:
                code = "not offered"
        return {to: ("sent" if code == 250 else "failed", str(code)) for to in recipients}


FIELD = re.compile(rb"([!-9;-~]+):((?:[^\n]|\n[ \t])*)\n")


def compared(content, token):
    """(Received: fields of ours, content without any Received: field and without
    the token). Line ends as LF: some receivers store them so."""
    content = content.replace(b"\r\n", b"\n")
    kept, ours, at = [], 0, 0
    while True:
        hit = FIELD.match(content, at)
        if not hit:
            break
        at = hit.end()
        if hit.group(1).lower() != b"received":
            kept.append(hit.group())
        elif b"by rtr.postern.test " in hit.group(2):
            ours += 1
    return ours, b"".join(kept + [content[at:]]).replace(token.encode(), b"TOKEN")


def without_size(commands, token):
    """MAIL and RCPT without the token and SIZE, which counts Received: lines too."""
    return sorted(re.sub(r" SIZE=\d+", "", line).replace(token, "TOKEN") for line in commands)


def readable(address):
    """An address whose local part Exim wrote in ASCII (punycode), as it was."""
    local, at, domain = address.partition("@")
    if local.startswith("xn--"):
        local = local[4:].encode().decode("punycode")
    return local + at + domain
