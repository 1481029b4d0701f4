#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
"""Random archive times and rules: what borg's own prune keeps, and why, is
what ours does.

do_prune of the installed borg runs in this process over archives that are only
made up; it has no 13-weekly and 3-monthly rules before 1.4, so these are put
in, as periods made by Python's calendar.  RETENTION_CASES says how many.
"""
import logging
import os
import random
import re
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

try:
    import borg.archiver as borg_archiver
    import borg.helpers.misc as borg_misc
    from borg.helpers import interval
    from borg.helpers.manifest import Archives
except ImportError:
    print("borg's python module is not installed")
    sys.exit(77)

CASES = int(os.environ.get("RETENTION_CASES", "1500"))
SEED = int(os.environ.get("RETENTION_SEED", "20261123"))
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
         "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia",
         "Pacific/Chatham", "Africa/Casablanca", "Asia/Tehran",
         "Antarctica/Troll", "Europe/Dublin", "EST5EDT,M3.2.0,M11.1.0"]
COUNTS = ["secondly", "minutely", "hourly", "daily", "weekly", "monthly",
          "quarterly_13weekly", "quarterly_3monthly", "yearly"]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
USEC = timedelta(microseconds=1)


class LocalTime(datetime):
    def strftime(self, form):
        if form == "13weekly":
            year, week, _ = self.isocalendar()
            return f"{year} {1 + (week > 13) + (week > 26) + (week > 39)}"
        if form == "3monthly":
            return f"{self.year} {(self.month - 1) // 3}"
        return super().strftime(form)


def to_localtime(ts):
    return LocalTime(*time.localtime((ts - EPOCH).total_seconds())[:6])


class Frozen(datetime):
    instant = None

    @classmethod
    def now(cls, tz=None):
        return cls.instant


class NoCache:
    def __init__(self, *args, **kwargs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.got = []

    def emit(self, record):
        self.got.append(record.getMessage())


class Borg:
    def __init__(self):
        patterns = borg_misc.PRUNING_PATTERNS
        yearly = patterns.pop("yearly")
        patterns["quarterly_13weekly"] = "13weekly"
        patterns["quarterly_3monthly"] = "3monthly"
        patterns["yearly"] = yearly
        borg_misc.to_localtime = to_localtime
        borg_misc.datetime = Frozen
        borg_archiver.Cache = NoCache
        borg_archiver.format_archive = lambda archive: archive.name
        self.lines = Lines()
        log = logging.getLogger("borg.output.list")
        log.setLevel(logging.INFO)
        log.addHandler(self.lines)
        log.propagate = False
        self.archiver = borg_archiver.Archiver()
        self.prune = borg_archiver.Archiver.do_prune.__wrapped__

    def run(self, now, within, counts, times):
        """Lines of "prune --dry-run --list", by name."""
        archives = Archives()
        for name, usec, _ in sorted(times):     # as a manifest has them
            archives[name] = (name.encode(), EPOCH + usec * USEC)
        args = SimpleNamespace(
            within=within, prefix=None, glob_archives=None, iec=False,
            save_space=False, dry_run=True, forced=0, output_list=True,
            stats=False, checkpoint_interval=1800, consider_part_files=False,
            **dict(zip(COUNTS, counts)))
        Frozen.instant = EPOCH + now * USEC
        self.lines.got.clear()
        self.archiver.lock_wait = 1
        code = self.prune(self.archiver, args, None,
                          SimpleNamespace(archives=archives), None)
        assert code == 0, code
        return {line.split()[-1]: line for line in self.lines.got}


def word_of(line):
    found = re.match(r"Keeping archive \(rule: (\S+ #\d+)\):", line)
    if found:
        return found.group(1).replace(" ", "")
    if line.startswith("Keeping checkpoint archive:"):
        return "partial"
    assert line.startswith("Would prune:"), line
    return "-"


def transitions(zone, year):
    """Times around which the clock of the zone is put back or forward."""
    os.environ["TZ"] = zone
    time.tzset()
    at = int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp())
    found = []
    for hour in range(0, 366 * 24):
        a = time.localtime(at + hour * 3600).tm_gmtoff
        b = time.localtime(at + hour * 3600 + 3600).tm_gmtoff
        if a != b:
            found.append(at + hour * 3600)
    return found or [at]


def random_times(rng, around):
    """(name, microseconds, partial), the newest first, as borg sorts them."""
    count = rng.choice([0, 1, 2, 5, 10, 20, 40, 80])
    kind = rng.choice(["any", "step", "step", "dst", "dst", "year", "same"])
    base = rng.choice(around)
    if kind == "year":      # the week that belongs to two years
        base = int(datetime(rng.randint(2004, 2033), 1, 1,
                            tzinfo=timezone.utc).timestamp())
    step = rng.choice([1, 30, 600, 1800, 3599, 3600, 7200, 43200, 86400,
                       90000, 604800, 2629800])
    times = []
    for i in range(count):
        if kind == "any":
            secs = rng.randint(1000000000, 2000000000)
        elif kind == "step":
            secs = base + i * step + rng.choice([0, 0, 0, rng.randint(0, 99)])
        elif kind == "same":
            secs = base + rng.randint(0, 3)
        else:
            secs = base + rng.randint(-6 * 3600, 6 * 3600) * \
                rng.choice([1, 1, 24, 240])
        usec = secs * 1000000 + rng.choice([0, 1, 999999, 500000])
        partial = rng.random() < rng.choice([0, 0, 0.2])
        times.append((f"a{rng.randrange(10**9):09}" +
                      (".checkpoint" if partial else ""), usec, partial))
    times.sort(key=lambda t: (t[1], t[0]), reverse=True)
    return times


def random_rules(rng):
    counts = [0] * len(COUNTS)
    for i in rng.sample(range(len(COUNTS)), rng.randint(0, 5)):
        counts[i] = rng.choice([1, 1, 2, 3, 4, 6, 7, 12, 24, 100, -1, -2])
    if counts[6] and counts[7]:
        counts[rng.choice([6, 7])] = 0
    within = rng.choice([None] * 6 + ["1H", "5H", "36H", "1d", "2d", "3w",
                                      "1m", "2y"])
    # borg 1.2 wants one of those that it knows
    if not within and not any(counts[:6] + counts[8:]):
        counts[rng.choice([0, 1, 2, 3, 4, 5, 8])] = rng.choice([1, 3, -1])
    return within, counts


def check_words(tool):
    """What --keep-within and the counts may look like."""
    words = ["1H", "2d", "3w", "4m", "5y", "0d", "-1d", "d", "", "1", "1h",
             "1M", "1.5d", "10000H", "2dd", "x", "00d", "1s", "7D"]
    bad = 0
    for word in words:
        try:
            interval(word)
            want = True
        except Exception:       # IndexError for "", ArgumentTypeError
            want = False
        out = subprocess.run(
            [tool], text=True, check=True, stdout=subprocess.PIPE,
            input=f"UTC 0 {word} 0 0 0 0 0 0 0 0 0 5\n").stdout
        if (out != "bad\n") != want:
            bad += 1
            print(f"--keep-within '{word}': borg {want}, ours {out}")
    return bad


def main():
    tool = os.path.join(os.environ.get("BUILD", "build"), "tools",
                        "retentionrules")
    rng = random.Random(SEED)
    bad = check_words(tool)
    borg = Borg()
    around = {z: transitions(z, rng.randint(2005, 2030)) for z in ZONES}
    ask, expect = [], []
    for _ in range(CASES):
        zone = rng.choice(ZONES)
        os.environ["TZ"] = zone
        time.tzset()
        times = random_times(rng, around[zone])
        within, counts = random_rules(rng)
        now = (times[0][1] if times else 0) + \
            rng.choice([0, 1, 3600, 86400, 10**7, -7200]) * 1000000
        hours = interval(within) if within else None
        lines = borg.run(now, hours, counts, times)
        ask.append(" ".join(
            [zone, str(now), within or "-", *map(str, counts)] +
            [f"{usec}{'p' if partial else ''}" for _, usec, partial in times]))
        expect.append([word_of(lines[name]) for name, _, _ in times])
    got = subprocess.run([tool], input="\n".join(ask) + "\n", text=True,
                         stdout=subprocess.PIPE, check=True).stdout
    answers = got.splitlines()
    kinds = {}
    for question, want, have in zip(ask, expect, answers):
        for word in want:
            rule = word.split("#")[0]
            kinds[rule] = kinds.get(rule, 0) + 1
        if want != have.split():
            bad += 1
            if bad <= 10:
                print(question, "\n  borg", want, "\n  ours", have)
    if len(answers) != len(expect):
        print(f"{len(answers)} answers to {len(expect)} questions")
        bad += 1
    print(len(expect), "cases,", bad, "differ:", kinds)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
