#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Backups of a maildir that is in use: mail comes in, is seen, read, flagged
# and filed all the while.  Nothing of that is a warning, and every message
# that was there from beginning to end of a run is in its archive, once.
# timeout: 180
. "$TOP/tests/lib.sh"
need python3

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r
cat >live.py <<'END'
# live.py: keep a mailbox busy until standard input ends.  log: a line
# "SECONDS + MESSAGE" when it is there, "SECONDS - MESSAGE" before it goes.
import os, random, select, sys, time

r = random.Random(4)
box = "vmail/anna/Maildir"
folders = ["", ".Sent", ".Archiv.2026"]
for folder in folders:
    for sub in "cur", "new", "tmp":
        os.makedirs(os.path.join(box, folder, sub))
log = open("log", "x")
live = {}                       # message: its folder, path below it
n = 0


def note(sign, message):
    log.write(f"{time.time():.6f} {sign} {message}\n")
    log.flush()


def deliver(folder):
    global n
    n += 1
    message = f"{1795000000 + n}.M{n}P7.mail"
    name = f"{message},S=20,W=21"
    at = os.path.join(box, folder)
    with open(f"{at}/tmp/{message}", "x") as f:
        f.write(f"message {n}\n".ljust(r.choice((20, 900, 5000)), "."))
    os.rename(f"{at}/tmp/{message}", f"{at}/new/{name}")
    live[message] = folder, f"new/{name}"
    note("+", message)


def rename(message):
    folder, path = live[message]
    name = path.partition("/")[2].partition(":2,")[0]
    flags = "".join(sorted(f for f in "DFRSTab" if r.random() < 0.4))
    to = f"cur/{name}:2,{flags}"
    if to != path:
        os.rename(os.path.join(box, folder, path),
                  os.path.join(box, folder, to))
        live[message] = folder, to


def expunge(message):
    folder, path = live.pop(message)
    note("-", message)
    os.unlink(os.path.join(box, folder, path))


for _ in range(6000):
    deliver(folders[n % 3])
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    for _ in range(20):
        what = r.random()
        if what < 0.1:
            deliver(r.choice(folders))
            continue
        message = r.choice(list(live)) if what > 0.98 else \
            f"{1795000000 + r.randint(1, n)}.M"
        if what > 0.98:
            expunge(message)
            continue
        number = int(message[:-2]) - 1795000000
        message = f"{message}{number}P7.mail"
        if message in live:
            rename(message)
    time.sleep(0.001)
END
mkfifo stop
python3 live.py <stop >ready &
pid=$!
exec 5>stop
wait_for 60 test -s ready

runs=12
for run in $(seq $runs); do
	date +%s.%N >"began.$run"
	muniment create "::$run" vmail >"$OUT" 2>"$ERR" ||
		{ run_show; fail "run $run ended with status $?"; }
	date +%s.%N >"ended.$run"
	[ ! -s "$ERR" ] || { run_show; fail "run $run had something to say"; }
done
exec 5>&-
wait $pid || fail "the mailbox broke"

for run in $(seq $runs); do
	muniment list --short "::$run" >"names.$run"
done
python3 - $runs <<'END'
import collections, re, sys
came, went = {}, {}
for line in open("log"):
    at, sign, message = line.split()
    (came if sign == "+" else went)[message] = float(at)
changes = 0
for run in range(1, int(sys.argv[1]) + 1):
    began = float(open(f"began.{run}").read())
    ended = float(open(f"ended.{run}").read())
    there = collections.Counter(
        re.match(r".*/(?:cur|new)/([^,]*)", line).group(1)
        for line in open(f"names.{run}") if re.search("/(cur|new)/", line))
    all_along = {m for m, at in came.items()
                 if at < began and went.get(m, ended + 1) > ended}
    missing = all_along - set(there)
    twice = [m for m, count in there.items() if count > 1]
    assert len(all_along) > 5000, len(all_along)
    assert not missing, (run, sorted(missing)[:5], len(missing))
    assert not twice, (run, twice[:5], len(twice))
    changes += sum(began < at < ended for at in came.values())
assert changes > 20, f"nothing happened meanwhile: {changes}"
END
# and what they hold is whole
mkdir out
must muniment extract --destination out ::$runs
python3 - <<'END'
import glob, re
for path in glob.glob("out/vmail/anna/Maildir/**/*.mail,*", recursive=True,
                      include_hidden=True):
    n = re.search(r"\.M(\d+)P", path).group(1)
    text = open(path).read()
    assert re.fullmatch(rf"message {n}\n\.*", text), path
    assert len(text) in (20, 900, 5000), (path, len(text))
END
must muniment check --verify-data
