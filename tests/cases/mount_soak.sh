#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Backups, deletions and compactions under mounts that are read all the time:
# what is read is what was archived.  SOAK_SECONDS; "make soak" is ten minutes.
. "$TOP/tests/lib.sh"
need python3
. "$TOP/tests/mount.sh"

mkdir src m2
cat >soak.py <<'END'
import hashlib, os, random, subprocess, sys, threading, time
end = time.time() + float(os.environ.get("SOAK_SECONDS", "6"))
r = random.Random(4)
want, lock, wrong, reads = {}, threading.Lock(), [], [0]
late = [0]
def run(*args):
    p = subprocess.run(("muniment",) + args, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    if p.returncode:
        wrong.append("%s: %d: %s" % (args, p.returncode, p.stdout))
def backup(no):
    for n in r.sample(range(200), 40):
        with open("src/%d" % n, "wb") as f:
            f.write(r.randbytes(r.choice([10, 3000, 70000, 900000])))
    sums = {n: hashlib.sha256(open("src/" + n, "rb").read()).digest()
            for n in os.listdir("src")}
    run("create", "::a%d" % no, "src")
    with lock:
        want["a%d" % no] = sums
def reader(point, seed):
    q = random.Random(seed)
    a = since = None
    while time.time() < end and not wrong:
        with lock:
            # One that was not there is looked for until it is.
            a = a if since and a in want else q.choice(list(want))
            sums = want[a]
        top = None
        try:
            top = os.open("%s/%s/src" % (point, a), os.O_RDONLY)
            since = None
            names = os.listdir(top)
            if set(names) != set(sums):
                wrong.append("%s: names" % a)
            # Once it is open, it is there to the end.
            for n in q.sample(names, min(len(names), 15)):
                fd = os.open(n, os.O_RDONLY, dir_fd=top)
                with os.fdopen(fd, "rb") as f:
                    if hashlib.sha256(f.read()).digest() != sums[n]:
                        wrong.append("%s/%s: content" % (a, n))
                reads[0] += 1
        except OSError as e:
            with lock:
                gone = a not in want
            # A new one shows up after a second, and what a look takes.
            new = not gone and top is None
            since = (since or time.time()) if new else None
            if new:
                late[0] = max(late[0], time.time() - since)
                time.sleep(0.1)
            if top is not None or new and time.time() - since > 10:
                wrong.append("%s: %s" % (a, e))
        finally:
            if top is not None:
                os.close(top)
no = 0
while no < 3:
    backup(no)
    no += 1
time.sleep(1.2)
threads = [threading.Thread(target=reader, args=(p, i))
           for i, p in enumerate(["m", "m", "m2", "m2"])]
for t in threads:
    t.start()
while time.time() < end and not wrong:
    backup(no)
    no += 1
    if len(want) > 3:
        with lock:
            a = r.choice(list(want)[:-2])
            del want[a]
        run("delete", "::" + a)
        run("compact", "--threshold", "0")
for t in threads:
    t.join()
print("%d backups, %d files read, shown after %.1f s" % (
    no, reads[0], late[0]))
for w in wrong:
    print(w)
sys.exit(bool(wrong))
END
mount_at m --cache-size 1MiB m
first=$pid
mount_at m2 m2
python3 soak.py | tee -a "${SOAK_REPORT:-/dev/null}" >soak.out || :
cat soak.out
grep -c 'backups' soak.out >/dev/null || fail "it did not end"
eq "$(wc -l <soak.out)" 1 "lines, of which all but one are what is wrong"
unmount m2
pid=$first
unmount m
must muniment check --verify-data
eq "$(find r/pins -type f | wc -l)" 0 "pins left"
