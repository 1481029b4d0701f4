#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
"""Backups every hour, pruned as the mail server's guide configures it, and
compacted: what is left after each is what borg's own prune would have left,
the repository is sound, and it takes little more than one into which only the
archives that are left were made.

HOURLY=STEPS,COMPACT,CHECK: how many backups, and every how many of them there
is a compaction, and a check of everything.  "make hourly" does 13 months.
HOURLY_TZ: the time zone.  An argument: what the tool has written already, in
that zone."""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from retention_differential import Borg, word_of    # noqa: E402

STEPS, COMPACT, CHECK = os.environ.get("HOURLY", "75,5,0").split(",")
COUNTS = [0, 0, 24, 7, 4, 6, 0, 0, 0]
MORE_PERCENT = 5


def main():
    os.environ["TZ"] = os.environ.get("HOURLY_TZ", "Europe/Berlin")
    time.tzset()
    tool = os.path.join(os.environ.get("BUILD", "build"), "tools", "hourly")
    if len(sys.argv) > 1:       # what it has written already
        lines = open(sys.argv[1])
        run = None
    else:
        run = subprocess.Popen([tool, STEPS, COMPACT, CHECK], text=True,
                               stdout=subprocess.PIPE)
        lines = run.stdout
    borg = Borg()
    left, steps, bad, worst = [], 0, 0, 0
    for line in lines:
        word, rest = line.split(" ", 1)
        if word == "size":
            size, ideal = map(int, rest.split())
            worst = max(worst, size / ideal * 100 - 100)
            print(f"after {steps} steps {size} bytes, ideal {ideal}")
            continue
        at, have = rest.split(":")
        steps += 1
        times = [(f"a{t}", t, False) for t in [int(at), *left]]
        kept = borg.run(int(at), None, COUNTS, times)
        left = [t for name, t, _ in times if word_of(kept[name]) != "-"]
        if left != [int(t) for t in have.split()]:
            bad += 1
            if bad <= 5:
                print(at, "borg leaves", left, "\n  ours", have)
    if run and run.wait() != 0:
        print("it failed with status", run.returncode)
        return 1
    print(f"{steps} steps, {bad} differ; at most {worst:.2f} % more room "
          f"than the ideal, {len(left)} archives in the end")
    return 1 if bad or worst > MORE_PERCENT or not steps else 0


if __name__ == "__main__":
    sys.exit(main())
