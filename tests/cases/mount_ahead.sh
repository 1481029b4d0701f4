#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Who reads in order finds what comes next in the cache; who reads here and
# there makes nothing be loaded; and both get the right bytes.
. "$TOP/tests/lib.sh"
need python3
. "$TOP/tests/mount.sh"

python3 - <<'END'
import os, random
rng = random.Random(1)
os.makedirs("src/cur")
for n in range(1500):
    with open("src/cur/%05d" % n, "wb") as f:
        f.write(rng.randbytes(rng.randrange(1000, 60000)))
with open("src/large", "wb") as f:
    f.write(rng.randbytes(48 << 20))
END
must muniment create ::a src

# said KEY: a number of the control file
said() {
	sed -n "s/^$1: *//p" m/.muniment
}

# a folder from front to back
mount_at m m
sleep 0.1
for f in src/cur/*; do
	cmp "$f" "m/a/$f" || fail "not what was archived"
done
sleep 1.1
ahead=$(said read-ahead-objects)
misses=$(said cache-misses)
[ "$ahead" -gt 700 ] || fail "$ahead of 1500 were read ahead"
[ $((ahead + misses)) -lt 1700 ] || fail "$ahead and $misses: twice"

# a large file, and its end first
tail -c 1000000 src/large >want
tail -c 1000000 m/a/src/large | cmp - want || fail "the end differs"
cmp src/large m/a/src/large || fail "the file differs"
sleep 1.1
[ "$(said read-ahead-objects)" -gt $((ahead + 15)) ] ||
	fail "nothing of a large file was read ahead"
kib=$(high_water)
[ -n "${LOAD_TSAN:-}" ] || [ "$kib" -lt 131072 ] ||
	fail "it took $kib KiB"
unmount m

# here and there: every 97th, from the end
mount_at m m
n=1499
while [ $n -ge 0 ]; do
	f=src/cur/$(printf %05d $n)
	cmp "$f" "m/a/$f" || fail "not what was archived"
	n=$((n - 97))
done
sleep 1.1
eq "$(said read-ahead-objects)" 0
unmount m
