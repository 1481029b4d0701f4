#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
"""The same archives in a repository of borg and in one of ours: the lines of
prune --dry-run --list are the same for random rules, and so is what a real
prune leaves.

borg runs in this process, ours as the program.  PRUNE_BORG=REPOSITORIES,RULES
says how many."""
import logging
import os
import random
import re
import subprocess
import sys
import time
from datetime import datetime, timezone

try:
    from borg.archiver import Archiver
except ImportError:
    print("borg's python module is not installed")
    sys.exit(77)

REPOSITORIES, RULES = map(int, os.environ.get("PRUNE_BORG", "1,12").split(","))
SEED = int(os.environ.get("PRUNE_SEED", "20261124"))
ARCHIVES = 24
KEEP = ["last", "minutely", "hourly", "daily", "weekly", "monthly", "yearly"]
ZONES = ["Europe/Berlin", "America/New_York", "UTC", "Asia/Kathmandu"]


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.got = []

    def emit(self, record):
        self.got.append(record.getMessage())


def borg(*words):
    archiver = Archiver()
    code = archiver.run(archiver.parse_args(list(words)))
    assert code == 0, (words, code)


def ours(*words):
    run = subprocess.run(["muniment", *words], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.returncode == 0, (words, run.stderr)
    return run


def without_id(lines):
    return [re.sub(r" \[[0-9a-f]{64}\]$", "", line) for line in lines]


def random_times(rng):
    base = rng.choice([
        int(datetime(2024, 10, 27, tzinfo=timezone.utc).timestamp()),
        int(datetime(2024, 3, 10, tzinfo=timezone.utc).timestamp()),
        int(datetime(2025, 1, 1, tzinfo=timezone.utc).timestamp()),
        int(time.time()) - 5 * 86400])
    step = rng.choice([600, 3600, 7000, 43200, 86400, 300000, 2629800])
    found = set()
    while len(found) < ARCHIVES:
        found.add(base + rng.randint(0, ARCHIVES) * step +
                  rng.choice([0, 0, 1, 59, rng.randint(0, 3000)]))
    return sorted(found)


def random_rules(rng):
    words = []
    for rule in rng.sample(KEEP, rng.randint(1, 4)):
        words += ["--keep-" + rule, str(rng.choice([1, 1, 2, 3, 5, 9, -1]))]
    if rng.random() < 0.3:
        words += ["--keep-within", rng.choice(["4d", "6d", "20w", "2y"])]
    if rng.random() < 0.5:
        words += ["-a", rng.choice(["*", "a*", "[ab]-*", "?-*7", "*5"])]
    return words


def compare(lines, rng, theirs, mine, count):
    bad = 0
    for _ in range(count):
        words = random_rules(rng)
        lines.got.clear()
        borg("prune", "--dry-run", "--list", *words, theirs)
        want = without_id(lines.got)
        run = ours("prune", "--dry-run", "--list", "--force", *words, mine)
        have = without_id(run.stderr.splitlines())
        if want != have:
            bad += 1
            print(os.environ["TZ"], words)
            for a, b in zip(want + ["-"] * 40, have):
                if a != b:
                    print("  borg", a, "\n  ours", b)
    return bad


def main():
    rng = random.Random(SEED)
    os.environ.update(MUNIMENT_PASSPHRASE="x", BORG_BASE_DIR=os.getcwd(),
                      BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes")
    lines = Lines()
    log = logging.getLogger("borg.output.list")
    log.addHandler(lines)
    log.setLevel(logging.INFO)
    log.propagate = False
    open("file", "w").close()
    bad = 0
    for r in range(REPOSITORIES):
        os.environ["TZ"] = ZONES[r % len(ZONES)]
        time.tzset()
        theirs, mine = os.path.abspath(f"b{r}"), os.path.abspath(f"m{r}")
        borg("init", "-e", "none", theirs)
        subprocess.run(["fastinit", mine], check=True)
        for i, secs in enumerate(random_times(rng)):
            stamp = datetime.fromtimestamp(secs, timezone.utc)
            name = f"{rng.choice('abc')}-{i}"
            when = stamp.strftime("%Y-%m-%dT%H:%M:%S")
            borg("create", "--timestamp", when, f"{theirs}::{name}", "file")
            ours("create", "--timestamp", when, f"{mine}::{name}", "file")
        bad += compare(lines, rng, theirs, mine, RULES)
        words = random_rules(rng)
        borg("prune", *words, theirs)
        ours("prune", "--force", *words, mine)
        lines.got.clear()
        borg("prune", "--dry-run", "--list", "--keep-last", "-1", theirs)
        left = [line.split()[5] for line in reversed(lines.got)]
        if left != ours("list", "--short", mine).stdout.split():
            bad += 1
            print(words, "leave", left)
    print(REPOSITORIES * (RULES + 1), "runs,", bad, "differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
