#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""posternd as a family of processes: rights (B97), deaths, the control socket
(B75), the event log on a full disk, start-up faults. No mail is needed."""

import json
import os
import pwd
import signal
import socket
import subprocess
import time

from labtest import (BUILD, alive, case, conf, holds, main, same, size, until)

USERS = {"keeper": "postern", "inspector": "postern-inspector", "clerk": "postern-clerk"}
# SETUID, SETGID, KILL, SYS_CHROOT, NET_RAW; NET_RAW; none.
CAPS = {"keeper": 1 << 7 | 1 << 6 | 1 << 5 | 1 << 18 | 1 << 13, "inspector": 1 << 13, "clerk": 0}


def status(lab):
    """The daemon's own answer, through its socket."""
    answer = ask(lab, b"status\n")
    return json.loads(answer)


def connect(lab):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(f"{lab.dir}/run/control.sock")
    sock.settimeout(5)
    return sock


def read_all(sock):
    got = b""
    try:
        while part := sock.recv(65536):
            got += part
    except ConnectionResetError:
        pass
    return got


def ask(lab, request):
    """The answer; nothing when all places are taken."""
    with connect(lab) as sock:
        try:
            sock.sendall(request)
        except BrokenPipeError:
            return b""
        return read_all(sock)


def pids(lab):
    answer = status(lab)
    return {role: answer[role] for role in USERS}


def proc_status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def restarting(lab):
    lab.restarted = True
    lab.log_ok = r"inspector|clerk|keeper"


@case("daemon: users, capabilities, roots and descriptors (B97)")
def rights(lab):
    for role, pid in pids(lab).items():
        rows = proc_status(pid)
        entry = pwd.getpwnam(USERS[role])
        same(rows["Uid"].split(), [str(entry.pw_uid)] * 4, f"{role}: user")
        same(rows["Gid"].split(), [str(entry.pw_gid)] * 4, f"{role}: group")
        same(rows["Groups"].strip(), "", f"{role}: other groups")
        for name in ("CapPrm", "CapEff"):
            same(int(rows[name], 16), CAPS[role], f"{role}: {name}")
        for name in ("CapInh", "CapBnd", "CapAmb"):
            same(int(rows[name], 16), 0, f"{role}: {name}")
        same(rows["NoNewPrivs"], "1", f"{role}: no new privileges")
        same(rows["Threads"], {"inspector": "3"}.get(role, "1"), f"{role}: threads")
        same(os.stat(f"/proc/{pid}/mem").st_uid, 0, f"{role}: /proc files are root's alone")
    same(proc_status(pids(lab)["inspector"])["Seccomp"], "2", "inspector: filter")
    root = os.readlink(f"/proc/{pids(lab)['inspector']}/root")
    same(root, f"{lab.dir}/run/empty", "inspector: root directory")
    same(os.listdir(root), [], "inspector: files")


@case("daemon: files that the inspector has open")
def descriptors(lab):
    pid = pids(lab)["inspector"]
    for fd in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{fd}")
        plain = target.startswith("/") and target not in ("/dev/null", f"{lab.dir}/daemon.log")
        holds(not plain or int(fd) > 2, f"{fd} -> {target}")
        holds(not plain, f"the inspector holds {target}")


@case("daemon: a killed inspector is replaced within 2 s, ten times over")
def inspector_killed(lab):
    restarting(lab)
    for number in range(size(3, 10)):
        old = pids(lab)
        begun = time.monotonic()
        os.kill(old["inspector"], signal.SIGKILL)
        until(lambda: status(lab)["ready"] and pids(lab)["inspector"] not in
              (0, old["inspector"]), "a new inspector that serves")
        took = time.monotonic() - begun
        holds(took < 2, f"took {took:.2f} s")
        same(pids(lab)["clerk"], old["clerk"], "the clerk stays")
        same(status(lab)["inspector_restarts"], number + 1, "restarts in status")
    lab.wait_counter("inspector_restarted", size(3, 10), lab.counted)


@case("daemon: a killed clerk is replaced and answers again")
def clerk_killed(lab):
    restarting(lab)
    old = pids(lab)
    os.kill(old["clerk"], signal.SIGKILL)
    until(lambda: pids(lab)["clerk"] not in (0, old["clerk"]), "a new clerk")
    same(pids(lab)["inspector"], old["inspector"], "the inspector stays")
    same(status(lab)["clerk_restarts"], 1, "restarts in status")


@case("daemon: kill -9 of the keeper takes its children along; a new one starts")
def keeper_killed(lab):
    restarting(lab)
    old = pids(lab)
    os.kill(old["keeper"], signal.SIGKILL)
    until(lambda: not any(alive(pid) for pid in old.values()), "all three to be gone", 2)
    holds("enforce" in lab.postern("status"), "status works without a daemon")
    lab.start_daemon()
    holds(not set(old.values()) & set(pids(lab).values()), "three new processes")


@case("daemon: a second one does not start, and does not disturb the first")
def second(lab):
    old = pids(lab)
    done = lab.run("rtr", f"{BUILD}/posternd", check=False)
    same(done.returncode, 1, "exit status")
    holds(f"posternd runs already, process {old['keeper']}" in done.stderr, done.stderr)
    same(pids(lab), old, "processes")


@case("daemon: SIGTERM ends all three with status 0; status 0 for the supervisor")
def terminated(lab):
    restarting(lab)
    old = pids(lab)
    os.kill(old["keeper"], signal.SIGTERM)
    until(lambda: not any(alive(pid) for pid in old.values()), "all three to be gone", 5)
    same(os.path.getsize(f"{lab.dir}/run/posternd.pid"), 0, "octets in the pid file")
    process = lab.popen("rtr", f"{BUILD}/posternd", stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lab.ready, "the daemon to be ready")
    process.send_signal(signal.SIGINT)
    same(process.wait(10), 0, "exit status")
    lab.start_daemon()


@case("daemon: user nobody reaches neither socket, pins, state nor pid file (B75)")
def nobody(lab):
    script = ("import os, socket, sys\n"
              "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
              "run = sys.argv[1] + '/run'\n"
              "for attempt in (lambda: socket.socket(socket.AF_UNIX).connect(run + "
              "'/control.sock'), lambda: open(run + '/posternd.pid'), "
              "lambda: os.listdir(run + '/bpf'), lambda: open(sys.argv[1] + '/log/events.json')):\n"
              "    try:\n"
              "        attempt()\n"
              "        print('let in')\n"
              "    except PermissionError:\n"
              "        print('refused')\n")
    os.chmod(f"{lab.dir}", 0o755)
    done = subprocess.run(["/usr/bin/python3", "-c", script, lab.dir], text=True,
                          capture_output=True, check=True)
    same(done.stdout.split("\n")[:4], ["refused"] * 4, done.stderr)


@case("daemon: abuse of the control socket changes nothing (B75)")
def abuse(lab):
    old = pids(lab)
    held = []
    for _ in range(size(200, 1000)):
        sock = connect(lab)
        held.append(sock)
        try:
            sock.sendall(b"stat")
        except BrokenPipeError:
            pass		# all places are taken
    with connect(lab) as sock:
        try:
            for _ in range(1024):
                sock.sendall(os.urandom(1024))
        except (BrokenPipeError, ConnectionResetError):
            pass
    for request in (b"\0\n", b"status\0\n", b"\xff" * 255 + b"\n", b"STATUS\n"):
        answer = until(lambda asked=request: ask(lab, asked), "a free place")
        holds(answer.startswith(b'{"error":'), answer)
    for sock in held:
        sock.close()
    same(pids(lab), old, "processes")
    holds(status(lab)["ready"], "ready")


@case("daemon: records dropped on a full disk, then written again (B83)")
def disk_full(lab):
    restarting(lab)
    lab.log_ok = r"event log"
    lab.end_daemon()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=755", "none", f"{lab.dir}/log"],
                   check=True)
    try:
        with open(f"{lab.dir}/log/ballast", "wb") as f:
            f.write(bytes(4096))
        lab.start_daemon()
        for number in range(200):
            lab.client("10.64.0.9").close()
            if status(lab)["event_log"] == "failing":
                break
        same(status(lab)["event_log"], "failing", "event log")
        before = lab.counters()["log_dropped"]
        lab.client("10.64.0.9").close()
        lab.wait_counter("log_dropped", before + 1)
        os.unlink(f"{lab.dir}/log/ballast")
        lab.client("10.64.0.9").close()
        until(lambda: status(lab)["event_log"] == "ok", "records to be written again")
        with open(f"{lab.dir}/log/events.json", encoding="ascii") as f:
            for line in f:
                json.loads(line)
        said = [line for line in lab.log_lines()[lab.log_from:] if "event log" in line]
        same(len(said), 2, f"lines in the log: {said}")
    finally:
        lab.end_daemon()
        subprocess.run(["umount", "-l", f"{lab.dir}/log"], check=True)
        lab.start_daemon()


@case("daemon: log rotation by SIGHUP")
def rotation(lab):
    lab.client("10.64.0.9").close()
    until(lambda: os.path.getsize(f"{lab.dir}/log/events.json"), "a record")
    os.chown(f"{lab.dir}/log", pwd.getpwnam("postern-clerk").pw_uid, 0)
    os.rename(f"{lab.dir}/log/events.json", f"{lab.dir}/log/events.json.1")
    os.kill(pids(lab)["keeper"], signal.SIGHUP)
    until(lambda: os.path.exists(f"{lab.dir}/log/events.json"), "a new file")
    lab.client("10.64.0.9").close()
    until(lambda: os.path.getsize(f"{lab.dir}/log/events.json"), "a record in it")


@case("daemon: watch shows decisions and records; a new own address is known")
def watch(lab):
    with connect(lab) as sock:
        sock.sendall(b"watch\n")
        until(lambda: status(lab)["watchers"] == 1, "the watcher to be known")
        lab.client("10.64.0.9").close()
        text = b""
        while b'"event":"session"' not in text or b'"event":"decision"' not in text:
            text += sock.recv(65536)
        for line in text.split(b"\n")[:-1]:
            json.loads(line)
    lab.run("rtr", "ip", "addr", "add", "203.0.113.77/32", "dev", "lo")
    until(lambda: "203.0.113.77" in lab.postern("destination", "list", "--all"),
          "the new address among the destinations", 3)
    lab.run("rtr", "ip", "addr", "del", "203.0.113.77/32", "dev", "lo")
    until(lambda: "203.0.113.77" not in lab.postern("destination", "list", "--all"),
          "the old address to be forgotten", 3)


# --- start-up ---------------------------------------------------------------

def start_with(lab, text, *options):
    path = f"{lab.dir}/other.conf"
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'run_dir = "{lab.dir}/run"\nevent_log = "{lab.dir}/log/e.json"\n{text}')
    return lab.run("rtr", f"{BUILD}/posternd", "-c", path, *options, check=False)


@case("daemon: options and the check of the configuration", daemon=False)
def options(lab):
    done = start_with(lab, conf(), "-t")
    same((done.returncode, done.stdout), (0, f"{lab.dir}/other.conf: ok\n"), "good")
    done = start_with(lab, "workers = 99\nbogus = 1\n", "-t")
    same(done.returncode, 1, "exit status")
    same(done.stderr.split("\n")[:2], [
        f"{lab.dir}/other.conf:3: workers = 99 is out of range, expected 0 to 31 threads",
        f'{lab.dir}/other.conf:4: unknown parameter or section "bogus", expected one of '
        "postern.conf(5)"], "faults")
    done = start_with(lab, "rule \"x\" { pattern = '(' }\n", "-t")
    same(done.returncode, 1, "exit status for a pattern that cannot be compiled")
    holds("rule x" in done.stderr, done.stderr)
    same(start_with(lab, "", "--no-such").returncode, 2, "exit status for a wrong option")
    same(start_with(lab, "", "word").returncode, 2, "exit status for a word")
    done = lab.run("rtr", f"{BUILD}/posternd", "-c", "/nonexistent", check=False)
    same(done.stderr, "/nonexistent: No such file or directory\n", "no such file")


@case("daemon: what stands in the way of a start is said, and nothing is left", daemon=False)
def start_faults(lab):
    for text, said in (
            (conf(), "steering is not loaded; run `postern up` first"),
            (conf('inspector_user = "no-such"\n'), "user no-such does not exist; make it with: "
             "useradd")):
        done = start_with(lab, text)
        same(done.returncode, 1, "exit status")
        holds(said in done.stderr, done.stderr)
    done = lab.run("rtr", "setpriv", "--reuid=65534", f"{BUILD}/posternd", check=False)
    same(done.returncode, 1, "exit status as nobody")
    holds("must be started as root" in done.stderr, done.stderr)
    holds(not os.path.exists(f"{lab.dir}/run/control.sock"), "no socket is left")


if __name__ == "__main__":
    main()
