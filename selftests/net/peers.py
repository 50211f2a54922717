# SPDX-License-Identifier: GPL-2.0
"""Real mail servers in a lab: Postfix, Exim and OpenSMTPD, as receivers on the
exchanger's side or as senders on the subscriber's side.

Each runs in a root of its own below the lab's folder: /usr is the machine's,
with the unpacked package laid over it (../mta-fetch.sh); /etc, /var and /run
are its own, so it has its own users, names and queues, and nothing of the
system is touched. Mounts and processes are in namespaces that end with it.
No look-up of names leaves it. What it receives is in a maildir.

SinkPeer is our own exchanger (sink.py) with the same doors as a receiver.
"""

import json
import os
import re
import signal
import smtplib
import subprocess

import client
import ledger
import peers_conf
import watch
from lab import HERE, Failure, until

CACHE = os.environ.get("POSTERN_MTA_CACHE", "/var/cache/postern-selftests/mta")
FOLDERS = ("dev", "proc", "usr", "etc", "run", "tmp", "root", "var/log/exim4", "var/lib/postfix",
           "var/lib/opensmtpd/empty", "var/mail/out/cur", "var/mail/out/new",
           "var/mail/out/tmp", "var/spool/postfix", "var/spool/exim4", "var/spool/smtpd",
           "var/tmp")
# $1 the root, $2 what lies over /usr or nothing; the rest is the command.
INSIDE = """set -e
mount --make-rprivate /
if [ -n "$2" ]; then
	mount -t overlay -o "ro,lowerdir=$2:/usr" overlay "$1/usr"
else
	mount --rbind /usr "$1/usr"
fi
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
cd "$1"
shift 2
exec chroot . "$@"
"""
DELIVERY_FIELDS = re.compile(rb"(?:(return-path|delivered-to|envelope-to|x-original-to):"
                             rb"((?:[^\n]|\n[ \t])*)\n)", re.I)


class Delivered:
    """A message that a receiver took, in a file: its envelope, and what was in it
    without the fields that the receiver put in front to name the envelope."""

    def __init__(self, path, sender=None, recipients=()):
        self.path, self.sender, self.recipients, self.start = path, sender, set(recipients), 0
        self.lines = []		# MAIL and RCPT as they came, where that is known
        if sender is None:
            self.read_envelope()

    def read_envelope(self):
        with open(self.path, "rb") as f:
            octets = f.read(1 << 16)
        while True:
            hit = DELIVERY_FIELDS.match(octets, self.start)
            if not hit:
                break
            self.start = hit.end()
            self.named(hit.group(1).lower(), hit.group(2).decode("utf-8", "replace").strip())

    def named(self, field, value):
        if field == b"return-path":
            self.sender = value.strip("<>")
        elif field != b"x-original-to":
            self.recipients |= {part.strip(" <>\t\n") for part in value.split(",")}

    @property
    def content(self):
        with open(self.path, "rb") as f:
            f.seek(self.start)
            return f.read()


def hand_over(door, sender, recipients, content, mail_options=(), rcpt_options=()):
    """One message over the open session @door (smtplib): content is what goes over
    the wire, dots stuffed, without the last dot. Returns the last reply."""
    code, text = door.mail(sender, list(mail_options))
    for recipient in recipients:
        if code != 250:
            return code, text
        code, text = door.rcpt(recipient, list(rcpt_options))
    if code == 250:
        code, text = door.docmd("DATA")
    if code == 354:
        door.send(content + b".\r\n")
        code, text = door.getreply()
    return code, text


class Mta:
    """One server or client; subclasses say how it is run and what its log tells."""

    kind, over = "", None		# its name; its folder in the cache
    LOCALLY = ("/usr/sbin/sendmail",)

    def __init__(self, lab, host, listen, port=25, source=None, routes=None, **times):
        self.lab, self.host, self.listen, self.port = lab, host, listen, port
        self.source, self.routes = source, routes or {}
        self.times = {"connect": 10, "greeting": 60, "retry": 5, **times}
        self.hostname = f"{self.kind}.{host}.{peers_conf.DOMAIN}"
        self.root = f"{lab.dir}/mta/{host}-{self.kind}"
        self.process = None
        self.box = {}		# the maildir, by file name

    # --- up and down

    def make_root(self):
        for name in FOLDERS:
            os.makedirs(f"{self.root}/{name}", exist_ok=True)
        for name in ("bin", "sbin", "lib", "lib64", "lib32", "libx32"):
            if os.path.islink(f"/{name}"):
                os.symlink(os.readlink(f"/{name}"), f"{self.root}/{name}")
        os.symlink("../run", f"{self.root}/var/run")
        for name in ("tmp", "var/tmp"):
            os.chmod(f"{self.root}/{name}", 0o1777)
        for name in ("", "/cur", "/new", "/tmp"):
            os.chown(f"{self.root}/var/mail/out{name}", peers_conf.USER, peers_conf.USER)
        subprocess.run(["cp", "/etc/ld.so.cache", f"{self.root}/etc/"], check=True)
        names = f"127.0.0.1 localhost\n{self.source or self.listen} {self.hostname}\n"
        self.write({**peers_conf.COMMON, "hosts": names, "mailname": self.hostname + "\n"})

    def write(self, files):
        for name, text in files.items():
            path = f"{self.root}/etc/{name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)

    def start(self):
        over = f"{CACHE}/{self.over}/usr" if self.over else ""
        if over and not os.path.isdir(over):
            raise Failure(f"no {over}; run selftests/mta-fetch.sh")
        self.make_root()
        self.write(self.files())
        self.prepare()
        with open(f"{self.root}/console.log", "wb") as log:
            self.process = self.lab.popen(
                self.host, "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child",
                "sh", "-c", INSIDE, "sh", self.root, over, *self.command(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.lab.at_end.append(self.stop)
        until(self.answers, f"{self.hostname} to greet ({self.tail()})", 30)
        return self

    def stop(self):
        """Its first process inside is killed, and the kernel ends the others. The
        lab does so when it goes down."""
        if self.process:
            for pid in watch.children(self.process.pid):
                os.kill(pid, signal.SIGKILL)
            self.process.wait(timeout=20)
            self.process = None

    def answers(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.hostname} ended: {self.tail()}")
        try:
            sock = client.connect(self.lab.ns(self.host), None, self.listen, self.port, 2)
            greeting = sock.recv(100)
            sock.close()
            return greeting.startswith(b"220")
        except OSError:
            return False

    def run(self, *words, stdin=None, check=True):
        """A command in its root."""
        inside = watch.children(self.process.pid)[0]
        done = subprocess.run(["nsenter", "--target", str(inside), "--mount", "--uts", "--net",
                               "--pid", "--root", "--", "/bin/sh", "-c", 'cd / && exec "$@"',
                               "sh", *words], input=stdin,
                              capture_output=True, timeout=60, check=False)
        if check and done.returncode:
            raise Failure(f"{words[0]} of {self.kind}: exit {done.returncode}: "
                          f"{(done.stderr or done.stdout).decode('utf-8', 'replace').strip()}")
        return done

    # --- what a receiver has

    def received(self):
        """How many messages it took, as it counts them itself."""
        return len(re.findall(self.TAKEN, self.log()))

    def delivered(self):
        """The messages in its maildir."""
        folder = f"{self.root}/var/mail/out/new"
        names = set(os.listdir(folder))
        for name in names - self.box.keys():
            self.box[name] = Delivered(f"{folder}/{name}")
        return [message for name, message in sorted(self.box.items()) if name in names]

    def forget(self):
        """Empty the maildir."""
        folder = f"{self.root}/var/mail/out/new"
        for name in os.listdir(folder):
            os.unlink(f"{folder}/{name}")

    # --- what a sender does

    def submit(self, sender, recipients, content, mail_options=(), rcpt_options=()):
        """Hand it a message over SMTP; returns its reply (code, text)."""
        with client.Inside(self.lab.ns(self.host)):
            door = smtplib.SMTP(self.listen, self.port, "localhost", 60)
        with door:
            door.ehlo()
            return hand_over(door, sender, recipients, content, mail_options, rcpt_options)

    def submit_locally(self, sender, recipients, content):
        """The same by its sendmail command: content with LF ends."""
        self.run(*self.LOCALLY, "-i", "-f", sender, "--", *recipients, stdin=content)

    def log(self):
        try:
            with open(f"{self.root}/{self.log_file}", encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def tail(self):
        text = self.log()
        if self.log_file != "console.log":
            with open(f"{self.root}/console.log", encoding="utf-8", errors="replace") as f:
                text += f.read()
        return " | ".join(text.splitlines()[-4:])

    def outcomes(self, part):
        """recipient -> (sent | bounced | deferred, code) of the last attempt, of
        recipients with @part in them."""
        return {row[0]: tuple(row[1:]) for row in self.attempts(re.escape(part))}

    def wait_outcome(self, part, count=1, seconds=90):
        """Until @count recipients have an outcome; returns them."""
        def all_there():
            got = self.outcomes(part)
            return got if len(got) >= count else None
        return until(all_there, f"{self.hostname} to try {part} ({self.tail()})", seconds)


class Postfix(Mta):
    kind, log_file = "postfix", "var/log/mail.log"
    TAKEN = r"/qmgr\[\d+\]: \w+: from=<"
    LINE = r"to=<([^>]*{}[^>]*)>,.* dsn=([\d.]+), status=(\w+)(.*)"

    def files(self):
        return peers_conf.postfix(self)

    def prepare(self):
        os.chown(f"{self.root}/var/lib/postfix", 64101, 64101)
        # What the package put there beside its configuration, postfix needs.
        for name in os.listdir("/etc/postfix"):
            if not os.path.exists(f"{self.root}/etc/postfix/{name}"):
                subprocess.run(["cp", "-rP", f"/etc/postfix/{name}", f"{self.root}/etc/postfix/"],
                               check=True)

    def command(self):
        return ["/usr/sbin/postfix", "start-fg"]

    def attempts(self, part):
        for to, dsn, status, rest in re.findall(self.LINE.format(part), self.log()):
            code = re.search(r"said: (\d{3})|\((\d{3}) ", rest)
            yield to, status, (code.group(1) or code.group(2)) if code else dsn[0]

    def run_queue(self):
        self.run("postqueue", "-f")


class Exim(Mta):
    kind, over, log_file = "exim", "exim", "var/log/exim4/mainlog"
    WORDS = {"=>": "sent", "->": "sent", "**": "bounced", "==": "deferred"}
    TAKEN = r" <= .* P=e?smtp"
    # Behind what it made of a UTF-8 address stands the address itself in <>.
    LINE = r" (=>|->|\*\*|==) (?:\S+ <)?([^\s<>]*{}[^\s<>]*)(.*)"

    def files(self):
        return peers_conf.exim(self)

    def prepare(self):
        for name in ("var/spool/exim4", "var/log/exim4"):
            os.chown(f"{self.root}/{name}", 64102, 64102)

    def command(self):
        return ["/usr/sbin/exim4", "-bdf", "-q1h"]

    def attempts(self, part):
        for mark, to, rest in re.findall(self.LINE.format(part), self.log()):
            code = re.search(r'C="(\d{3})|: (\d{3})[ -]', rest)
            yield to, self.WORDS[mark], (code.group(1) or code.group(2)) if code else ""

    def run_queue(self):
        self.run("/usr/sbin/exim4", "-qf")


class OpenSmtpd(Mta):
    kind, over, log_file = "opensmtpd", "opensmtpd", "console.log"
    WORDS = {"Ok": "sent", "PermFail": "bounced", "TempFail": "deferred"}
    TAKEN = r" smtp message msgid="
    # The package sets the group of the file when it is installed.
    LOCALLY = ("setpriv", "--egid=64104", "--clear-groups", "/usr/sbin/sendmail")
    LINE = r'mta delivery .*?to=<([^>]*{}[^>]*)>.*? result="(\w+)" stat="(.*)"'

    def files(self):
        return peers_conf.opensmtpd(self)

    def prepare(self):
        os.chmod(f"{self.root}/var/spool/smtpd", 0o711)
        os.chmod(f"{self.root}/etc/smtpd.conf", 0o600)

    def command(self):
        return ["/usr/sbin/smtpd", "-d", "-v"]

    def attempts(self, part):
        for to, result, stat in re.findall(self.LINE.format(part), self.log()):
            code = re.match(r"(\d{3})", stat)
            yield to, self.WORDS[result], code.group(1) if code else ""

    def run_queue(self):
        self.run("smtpctl", "schedule", "all")


def path_in(line):
    return line.encode("latin-1").decode("utf-8", "replace").split("<")[1].split(">")[0]


class SinkPeer:
    """sink.py on an address of its own, behaving as @script says."""

    kind = "sink"

    def __init__(self, lab, host, listen, **script):
        self.lab, self.host, self.listen, self.port = lab, host, listen, 25
        self.hostname = f"sink at {listen}"
        self.dir = f"{lab.dir}/mta/sink-{listen}"
        self.skip = 0
        self.behave(**script)

    def behave(self, **script):
        """From the next connection on."""
        os.makedirs(self.dir, exist_ok=True)
        with open(f"{self.dir}/script.new", "w", encoding="utf-8") as f:
            json.dump({"*": script}, f)
        os.rename(f"{self.dir}/script.new", f"{self.dir}/script.json")

    def start(self):
        with open(f"{self.dir}/log", "wb") as log:
            self.process = self.lab.popen(
                self.host, "/usr/bin/python3", "-B", f"{HERE}/sink.py", "--dir", self.dir,
                "--port", "25", "--address", self.listen, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        self.lab.at_end.append(self.stop)
        until(lambda: os.path.exists(f"{self.dir}/ready"), f"the {self.hostname}", 20)
        return self

    def stop(self):
        self.process.kill()
        self.process.wait(timeout=20)

    def forget(self):
        """Take what came so far as not there."""
        self.skip += len(self.rows())

    def rows(self):
        return [row for row in ledger.arrived(ledger.read(f"{self.dir}/ledger.jsonl"))
                if row["reply"].startswith("2")][self.skip:]

    def received(self):
        return len(self.rows())

    def delivered(self):
        found = []
        for row in self.rows():
            found.append(Delivered(f"{self.dir}/{row['file']}", path_in(row["mail"]),
                                   map(path_in, row["rcpt"])))
            found[-1].lines = [row["mail"], *row["rcpt"]]
        return found

    def tail(self):
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as f:
            return f.read()[-300:]


KINDS = (Postfix, Exim, OpenSmtpd)
