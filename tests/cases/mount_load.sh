#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# 10,000 files open at once, 64 readers, ls -lR, rm -rf, and archives that come
# and go meanwhile: the right bytes, no harm, and memory under its limit.
# "make mount-tsan" runs it in a program that looks for races (LOAD_TSAN).
. "$TOP/tests/lib.sh"
need_root	# to look at the daemon
need python3
. "$TOP/tests/mount.sh"

cat >load.py <<'END'
import hashlib, os, random, resource, subprocess, sys, threading
OPEN, READERS = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN + 500, OPEN + 500))
paths = sorted(os.path.join(d, n)[4:] for d, _, fs in os.walk("src")
               for n in fs)
def digest(data):
    return hashlib.blake2b(data, digest_size=16).digest()
want = {}
for p in paths:
    with open("src/" + p, "rb") as f:
        want[p] = digest(f.read())
top, wrong = "m/a/src/", []

held = [os.open(top + p, os.O_RDONLY) for p in paths[:OPEN]]
if len(held) != OPEN:
    wrong.append("%d files are open" % len(held))

def whole(fd):
    parts = []
    while True:
        b = os.pread(fd, 1 << 20, sum(map(len, parts)))
        if not b:
            return b"".join(parts)
        parts.append(b)
def reader(no):
    q = random.Random(no)
    try:
        for n in range(int(sys.argv[3])):
            if n % 3 == 0:
                at = q.randrange(len(held))
                p, data = paths[at], whole(held[at])
            elif n % 30 == 1:
                p = "large/%d" % q.randrange(4)
                data = open(top + p, "rb").read()
            else:
                p = q.choice(paths)
                data = open(top + p, "rb").read()
            if digest(data) != want[p]:
                wrong.append(p + ": content")
            if n % 20 == 2:
                os.readlink("m/latest")
                os.listdir("m")
                open("m/.muniment").read()
    except Exception as e:
        wrong.append("reader %d: %r" % (no, e))
def run(status, *args):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, errors="replace")
    if p.returncode != status:
        wrong.append("%s: %d: %s" % (args, p.returncode, p.stderr[:300]))
    return p
def lister():
    out = run(0, "ls", "-lR", "m/a").stdout
    if sum(l.startswith("-") for l in out.splitlines()) != len(paths):
        wrong.append("ls -lR does not show all")
def remover():
    p = run(1, "rm", "-rf", "m/a", "m/latest")
    said = p.stderr.splitlines()
    if not said or not all("Read-only file system" in l for l in said):
        wrong.append("rm -rf: " + p.stderr[:300])
def changer():
    run(0, "muniment", "create", "::b", "load.py")
    run(0, "muniment", "delete", "::b")
    run(0, "muniment", "create", "::c", "load.py")

jobs = [threading.Thread(target=reader, args=(n,)) for n in range(READERS)]
jobs += [threading.Thread(target=f) for f in (lister, remover, changer)]
for t in jobs:
    t.start()
for t in jobs:
    t.join()
for p, fd in zip(paths, held):
    if digest(whole(fd)) != want[p]:
        wrong.append(p + ": content at the end")
    os.close(fd)
print("\n".join(wrong[:20]))
sys.exit(bool(wrong))
END

python3 - <<'END'
import os, random
r = random.Random(7)
for d in range(11):
    os.makedirs("src/%d" % d)
    for n in range(1000):
        with open("src/%d/%04d" % (d, n), "wb") as f:
            f.write(r.randbytes(r.choice([0, 90, 700, 2000])))
os.mkdir("src/large")
for n in range(4):
    with open("src/large/%d" % n, "wb") as f:
        f.write(r.randbytes(6 << 20))
END
must muniment create ::a src
mount_at m --cache-size 16MiB m
ls m/a/src >"$OUT"
# What deriving the key took is given back; from here on it counts.
echo 5 >"/proc/$pid/clear_refs"
if [ -n "${LOAD_TSAN:-}" ]; then
	python3 load.py 2000 32 60 >"$OUT" || fail "$(cat "$OUT")"
else
	python3 load.py 10000 64 15 >"$OUT" || fail "$(cat "$OUT")"
	kib=$(high_water)
	echo "$kib KiB at most"
	[ "$kib" -le $(((16 + 64) * 1024)) ] ||
		fail "it took $kib KiB with a cache of 16 MiB"
fi
unmount m
[ ! -s "$LOG" ] || fail "the log: $(cat "$LOG")"
