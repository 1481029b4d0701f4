# SPDX-License-Identifier: BSD-2-Clause
"""Run one command and say what it took."""

import json
import os
import resource
import signal
import subprocess
import time


class Sample:
    """One run: seconds, peak bytes, stored bytes, or why it failed."""

    def __init__(self, wall=None, cpu=None, peak=None, error=None, note=None):
        self.wall = wall
        self.cpu = cpu
        self.peak = peak        # of the largest process
        self.error = error      # None: it worked
        self.note = note        # a warning of a command that worked
        self.stored = None      # bytes in the repository
        self.blocks = None      # bytes it takes on the disk
        self.extra = {}         # named seconds beside the wall time

    def as_dict(self):
        return {k: v for k, v in vars(self).items() if v not in (None, {})}


def last_line(text):
    lines = [s.strip() for s in text.splitlines() if s.strip()]
    return lines[-1][:200] if lines else "no message"


def sizes(path):
    """Apparent bytes and blocks of all files, as du counts them."""
    apparent = blocks = 0
    for top, dirs, files in os.walk(path):
        for name in files + dirs:
            st = os.lstat(os.path.join(top, name))
            blocks += st.st_blocks * 512
            if name in files:
                apparent += st.st_size
    return apparent, blocks


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3\n")


class Runner:
    """Runs commands with an environment of their own."""

    def __init__(self, helpers, scratch, cold, timeout):
        self.measure = os.path.join(helpers, "measure")
        self.scratch = scratch
        self.cold = cold
        self.timeout = timeout

    def settle(self):
        """What the last command has left to write is not the next one's."""
        os.sync()
        if self.cold:
            drop_caches()

    def run(self, argv, env, cwd=None, warn_status=()):
        out = self.scratch.path("sample.json")
        err = self.scratch.path("stderr")
        if os.path.exists(out):
            os.unlink(out)
        with open(err, "wb") as f:
            proc = subprocess.Popen([self.measure, out] + argv, env=env,
                                    cwd=cwd or self.scratch.root,
                                    stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=f,
                                    start_new_session=True)
            try:
                proc.wait(self.timeout)
            except BaseException as e:
                os.killpg(proc.pid, signal.SIGKILL)
                proc.wait()
                if isinstance(e, subprocess.TimeoutExpired):
                    return Sample(error="took longer than %g s" %
                                  self.timeout)
                raise
        with open(err, encoding="utf-8", errors="replace") as f:
            said = f.read()
        if not os.path.exists(out):
            return Sample(error=last_line(said))
        with open(out, encoding="ascii") as f:
            got = json.load(f)
        sample = Sample(got["wall"], got["user"] + got["sys"],
                        got["peak_kib"] * 1024)
        if got["status"] in warn_status:
            sample.note = "status %d: %s" % (got["status"], last_line(said))
        elif got["status"] != 0:
            sample.error = "status %d: %s" % (got["status"], last_line(said))
        return sample


def daemon_of(word):
    """Ids of the processes that have 'word' among their arguments."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                args = f.read().split(b"\0")
        except OSError:
            continue
        if os.fsencode(word) in args and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def peak_and_cpu(pids):
    """Largest peak memory, and the sum of CPU seconds so far."""
    peak = cpu = 0
    for pid in pids:
        try:
            with open("/proc/%d/status" % pid, encoding="ascii",
                      errors="replace") as f:
                for line in f:
                    if line.startswith("VmHWM:"):
                        peak = max(peak, int(line.split()[1]) * 1024)
            with open("/proc/%d/stat" % pid, encoding="ascii",
                      errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
            cpu += (int(fields[11]) + int(fields[12])) / \
                os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    return peak, cpu


def children_cpu():
    ru = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ru.ru_utime + ru.ru_stime


class Mount:
    """A mounted archive: when it was ready, and how much its daemon took."""

    def __init__(self, scratch, argv, env, at, timeout):
        self.at = at
        self.error = None
        self.before = children_cpu()
        self.start = time.monotonic()
        self.err = scratch.path("mount-stderr")
        with open(self.err, "wb") as f:
            self.proc = subprocess.Popen(argv, env=env, cwd=scratch.root,
                                         stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=f)
        scratch.procs.append(self.proc)
        while not os.path.ismount(at):
            if self.proc.poll() not in (None, 0):
                self.fail("status %d: " % self.proc.returncode)
                return
            if time.monotonic() - self.start > timeout:
                self.fail("no mount after %g s: " % timeout)
                return
            time.sleep(0.001)

    def fail(self, why):
        with open(self.err, encoding="utf-8", errors="replace") as f:
            self.error = why + last_line(f.read())

    def usage(self):
        """Peak bytes and CPU seconds, with what the command took that has
        put the daemon into the background."""
        self.proc.poll()
        peak, cpu = peak_and_cpu(daemon_of(self.at))
        return peak, cpu + children_cpu() - self.before

    def wait_gone(self, timeout=30):
        """After the unmount: the daemon has let go of its repository."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.proc.poll() is not None and not daemon_of(self.at):
                return
            time.sleep(0.01)
