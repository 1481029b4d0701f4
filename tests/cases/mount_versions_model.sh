#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# -o versions beside a plain mount of the same archives: every name and every
# content that was in one of them is there, and nothing else.
. "$TOP/tests/lib.sh"
need python3
. "$TOP/tests/mount.sh"

cat >change.py <<'END'
import os, random, shutil, sys
no = int(sys.argv[1])
r = random.Random(no)
os.makedirs("src/big", exist_ok=True)
os.makedirs("src/few", exist_ok=True)
def write(path, what):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)
    if what == 6:
        os.mkdir(path)
        open(path + "/below.%d" % (no % 2), "w").write("in it")
    elif what == 7:
        os.symlink("to%d" % (no % 2), path)
    elif what < 6:
        open(path, "w").write("%d" % what * (1 + what * 40))
names = ["big/%06d.M%d.x" % (n * 7, n) for n in range(2500)] + \
        ["few/%d.a.b" % n for n in range(9)] + ["top%d" % n for n in range(3)]
for n in names if no == 0 else r.sample(names, 60) + names[2500:]:
    write("src/" + n, r.choice([0, 0, 1, 2, 3, 5, 6, 7, 8]))
END
for n in 0 1 2 3 4 5; do
	python3 change.py $n
	must muniment create --timestamp 2024-01-0$((n + 1))T00:00:00 ::$n src
done
mkdir plain
mount_at plain plain
plain_pid=$pid
mount_at m -o versions m
python3 - <<'END'
import os, stat
def kind(p):
    s = os.lstat(p)
    return stat.S_IFMT(s.st_mode)
def content(p):
    return os.readlink(p) if kind(p) == stat.S_IFLNK else open(p).read()
want = {}       # path -> list of (kind, content, archive)
dirs = set()
for a in "012345":
    top = "plain/%s/" % a
    for d, ds, fs in os.walk(top):
        for n in fs + [x for x in ds if os.path.islink(d + "/" + x)]:
            p = os.path.join(d, n)
            v = (kind(p), content(p))
            have = want.setdefault(p[len(top):], [])
            if not have or have[-1] != v:
                have.append(v)
        dirs |= {os.path.join(d, n)[len(top):] for n in ds
                 if not os.path.islink(d + "/" + n)}
def versioned(p, n):
    d, b = os.path.split(p)
    stem, ext = os.path.splitext(b)
    return "%s/%s.%05d%s" % (p, stem, n, ext)
expect = {d: None for d in dirs}
for p, have in want.items():
    if p in dirs or any(k == stat.S_IFREG for k, _ in have):
        expect[p] = None
        for n, v in enumerate(have, 1):
            expect[versioned(p, n)] = v
    else:
        expect[p] = have[-1]
got = {}
for d, ds, fs in os.walk("m"):
    for n in ds + fs:
        p = os.path.join(d, n)
        assert p[2:] not in got, p
        got[p[2:]] = None if kind(p) == stat.S_IFDIR else (kind(p), content(p))
for p in expect:
    assert p in got, "missing: %s" % p
    assert got[p] == expect[p], (p, got[p], expect[p])
for p in got:
    assert p in expect, "made up: %s" % p
assert len(got) > 4000, len(got)
assert sum(len(v) > 3 for v in want.values()) > 0
END
kib=$(high_water)
[ "$kib" -lt 131072 ] || fail "it took $kib KiB"
unmount m
pid=$plain_pid
unmount plain
