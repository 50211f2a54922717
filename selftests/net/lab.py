# SPDX-License-Identifier: GPL-2.0
"""A lab for tests: selftests/lab.sh with its clients, its exchanger's script, its
records, and the invariants checked over them; and the words that tests use."""

import json
import os
import re
import signal
import subprocess
import threading
import time

import client
import ledger
import watch

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", f"{TOP}/build"))
NIGHTLY = bool(os.environ.get("POSTERN_NIGHTLY"))
MX4, MX6 = "198.51.100.25", "2001:db8:25::25"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

# What tests start from: no limit on how fast a line connects.
CONF = """
hostname = "rtr.postern.test"
workers = 2
interface "sub0" { side = "subscriber" }
interface "mx0" { side = "upstream" }
class "residential" {
    fail = "%(fail)s"
    syn_rate = 0
    starttls = "%(starttls)s"
    help_url = "https://help.postern.test/port25"
}
pool "10.64.0.0/16" { class = "residential" rollout = %(rollout)s }
pool "2001:db8:64::/48" { class = "residential" line = 64 rollout = %(rollout)s }
"""


def conf(extra="", fail="open", starttls="hide", rollout="100"):
    return extra + CONF % {"fail": fail, "starttls": starttls, "rollout": rollout}


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def holds(condition, what):
    if not condition:
        raise Failure(what)


def same(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: wanted {wanted!r}, got {got!r}")


def begins(got, wanted, what):
    if not got.startswith(wanted):
        raise Failure(f"{what}: wanted {wanted!r}..., got {got!r}")


def until(condition, what, seconds=10):
    """Wait for a condition and return its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


def size(reduced, full):
    """The size of a loop: full in the nightly run, else reduced."""
    return full if NIGHTLY else reduced


class Lab:
    def __init__(self, tag="", text=None, daemon=True, sink=True):
        self.name = f"t{os.getpid()}{tag}"
        self.dir = f"/run/postern-lab/{self.name}"
        self.conf, self.daemon, self.sink = text or conf(), daemon, sink
        self.flows = []
        self.at_end = []	# what is called before it goes down

    # --- up and down

    def script_sh(self, *words):
        done = subprocess.run([f"{TOP}/selftests/lab.sh", *words], text=True,
                              capture_output=True, timeout=60, check=False)
        if done.returncode:
            raise Failure(f"lab.sh {' '.join(words)}: {done.stderr.strip()}")

    def up(self):
        options = ["--name", self.name]
        path = None
        if self.conf:
            path = f"/tmp/{self.name}.conf"
            with open(path, "w", encoding="utf-8") as f:
                f.write(self.conf)
            options += ["--conf", path]
        options += [] if self.daemon else ["--no-daemon"]
        options += [] if self.sink else ["--no-mx"]
        try:
            self.script_sh("up", *options)
        finally:
            if path:
                os.unlink(path)
        self.notes = client.Ledger(f"{self.dir}/client.jsonl")
        self.inside = watch.Capture(self.ns("sub"))
        self.outside = watch.Capture(self.ns("mx"))
        return self

    def down(self):
        while self.at_end:
            self.at_end.pop()()
        for capture in ("inside", "outside"):
            if hasattr(self, capture):
                getattr(self, capture).close()
        self.script_sh("down", "--name", self.name)

    def __enter__(self):
        return self.up()

    def __exit__(self, *unused):
        self.down()

    # --- programs

    def ns(self, host):
        return f"{self.name}-{host}"

    def command(self, host, words):
        return ["nsenter", f"--net=/run/netns/{self.ns(host)}", "--", *words]

    def env(self):
        return {**os.environ, "POSTERN_CONF": f"{self.dir}/postern.conf", "LAB": self.dir,
                "PATH": f"{BUILD}:{os.environ['PATH']}"}

    def run(self, host, *words, check=True, timeout=60, stdin=None):
        done = subprocess.run(self.command(host, words), env=self.env(), text=True, input=stdin,
                              capture_output=True, timeout=timeout, check=False)
        if check and done.returncode:
            raise Failure(f"{' '.join(words)}: exit {done.returncode}: "
                          f"{(done.stderr or done.stdout).strip()}")
        return done

    def popen(self, host, *words, **options):
        return subprocess.Popen(self.command(host, words), env=self.env(), **options)

    def postern(self, *words, **options):
        return self.run("rtr", f"{BUILD}/postern", *words, **options).stdout

    def counters(self):
        return json.loads(self.postern("counters", "--json"))

    def wait_counter(self, name, least, since=None, seconds=10):
        """Until a counter has grown by @least since the counters @since."""
        base = (since or {}).get(name, 0)
        return until(lambda: self.counters().get(name, 0) - base >= least,
                     f"counter {name} to grow by {least}", seconds)

    # --- the daemon

    def pid(self):
        with open(f"{self.dir}/daemon.pid", encoding="ascii") as f:
            return int(f.read())

    def process(self, role):
        """Process id of keeper, inspector or clerk; None when there is none."""
        for pid in watch.family(self.pid()):
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                    if role in f.read():
                        return pid
            except FileNotFoundError:
                pass
        return None

    def inspector(self):
        return until(lambda: self.process("inspect"), "an inspector")

    def ready(self):
        done = self.run("rtr", f"{BUILD}/postern", "status", "--json", check=False)
        return re.search(r'"ready": *true', done.stdout)

    def start_daemon(self, *before):
        """Start it, by the command @before if one is given (prlimit and the like)."""
        with open(f"{self.dir}/daemon.log", "ab") as log:
            process = self.popen("rtr", *before, f"{BUILD}/posternd", stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log, start_new_session=True)
        threading.Thread(target=process.wait, daemon=True).start()
        with open(f"{self.dir}/daemon.pid", "w", encoding="ascii") as f:
            f.write(f"{process.pid}\n")
        until(self.ready, "the daemon to be ready")

    def end_daemon(self, how=signal.SIGTERM):
        """End the daemon: asked, or (SIGKILL) all of its processes at once."""
        pids = watch.family(self.pid())
        for pid in pids if how == signal.SIGKILL else pids[:1]:
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass
        until(lambda: not any(alive(pid) for pid in pids), "the daemon to be gone", 70)

    # --- clients and the exchanger

    def client(self, source, target=MX4, port=25, timeout=10, own_port=0):
        return client.Client(self.ns("sub"), source, target, port, timeout, self.notes,
                             own_port)

    def send(self, source, content, target=MX4, port=25):
        """One message in a session of its own; returns the reply to the dot."""
        with self.client(source, target, port) as c:
            c.hello()
            reply = c.mail(content)
            if not reply.startswith("421"):
                c.quit()
        return reply

    def script(self, local="*", **behaviour):
        """How the exchanger behaves from the next connection on."""
        self.write_script({local: behaviour})

    def write_script(self, rows):
        with open(f"{self.dir}/sink/script.new", "w", encoding="utf-8") as f:
            json.dump(rows, f)
        os.rename(f"{self.dir}/sink/script.new", f"{self.dir}/sink/script.json")

    def connected(self, port):
        """Legs on the router of a client that comes from @port, that have not ended."""
        done = self.run("rtr", "ss", "-Htan", "state", "connected", "exclude", "time-wait",
                        "(", "sport", "=", f":{port}", "or", "dport", "=", f":{port}", ")")
        return len(done.stdout.splitlines())

    def flow(self, source="10.64.0.250", target="198.51.100.28"):
        self.flows.append(watch.Flow(self.name, source, target))
        return self.flows[-1]

    # --- records

    def sink_rows(self, event=None, **match):
        rows = ledger.read(f"{self.dir}/sink/ledger.jsonl")[self.sink_from:]
        return [row for row in rows if (not event or row["event"] == event) and
                all(row.get(key) == value for key, value in match.items())]

    def sink_commands(self, **match):
        return [row["line"].rstrip("\r\n") for row in self.sink_rows("command", **match)]

    def client_rows(self):
        return ledger.read(f"{self.dir}/client.jsonl")[self.client_from:]

    def log_lines(self, name="daemon.log"):
        try:
            with open(f"{self.dir}/{name}", encoding="utf-8", errors="replace") as f:
                return f.readlines()
        except FileNotFoundError:
            return []

    def events(self):
        return ledger.read(f"{self.dir}/log/events.json")

    def begin(self):
        """A case begins: what is recorded from here on is its own."""
        self.direct = set()	# lines that may pass unsteered in this case
        self.shadow = set()	# lines whose bad mail may arrive
        self.plain = set()	# sources whose mail gets no Received: line
        self.translated = {}	# address that the exchanger sees -> line behind it
        self.log_ok = None	# error lines of the daemon that are expected
        self.restarted = False	# the daemon's figures start anew
        self.flows = []
        self.kernel = watch.KernelLog()
        self.client_from = len(ledger.read(f"{self.dir}/client.jsonl"))
        self.sink_from = len(ledger.read(f"{self.dir}/sink/ledger.jsonl"))
        self.log_from = len(self.log_lines())
        self.syns_from = len(self.inside.syns), len(self.outside.syns)
        self.before = watch.figures(self.pid()) if self.daemon else {}
        self.counted = self.counters() if self.daemon else {}
        self.write_script({})

    def violations(self):
        """Of I1 .. I9 since begin(). I7 and I9 get time to settle."""
        rows, sink = self.client_rows(), self.sink_rows()
        for row in sink:
            row["peer"] = self.translated.get(row["peer"], row["peer"])
        log = [line for line in self.log_lines()[self.log_from:]
               if not (self.log_ok and re.search(self.log_ok, line))]
        wrong = (ledger.i1_accepted_means_accepted(rows, sink) +
                 ledger.i2_no_bad_mail(sink, self.direct | self.shadow) +
                 ledger.i3_octets_as_sent(rows, sink, self.plain) +
                 ledger.i4_one_reply_each(rows) +
                 ledger.i8_quiet_logs(self.kernel.lines(), log))
        for flow in self.flows:
            wrong += ledger.i6_control_flow(flow.result)
        if self.daemon:
            wrong += ledger.i5_no_leaked_syn(
                of_lines(self.inside.syns[self.syns_from[0]:]),
                of_lines(self.outside.syns[self.syns_from[1]:]), self.direct)
            wrong += settle(self.not_settled, 65)
        return wrong

    def not_settled(self):
        # A daemon that was started anew has figures of its own.
        wrong = [] if self.restarted else ledger.i7_back_to_baseline(
            self.before, watch.figures(self.pid()))
        return wrong + ledger.i9_counters_add_up(self.counted, self.counters())


def of_lines(syns):
    """Those that come from the pools."""
    return [syn for syn in syns if syn[0].startswith(("10.64.", "2001:db8:64:"))]


def settle(check, seconds):
    end = time.monotonic() + seconds
    while True:
        wrong = check()
        if not wrong or time.monotonic() > end:
            return wrong
        time.sleep(0.05)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            if f.read().rsplit(")", 1)[1].split()[0] != "Z":
                return True
        # The first thread waits as a zombie for others that still hold sockets.
        return len(os.listdir(f"/proc/{pid}/task")) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False
