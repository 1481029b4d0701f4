#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Who reads in order finds what comes next in the cache; who reads here and
# there makes nothing be loaded; and both get the right bytes.  Files that the
# kernel knows are pushed to it before it asks.
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
for n in range(0, 1500, 50):
    os.link("src/cur/%05d" % n, "src/cur/link%05d" % n)
    with open("src/cur/%05d+" % n, "wb") as f:
        f.write(rng.randbytes(1000000))
with open("src/large", "wb") as f:
    f.write(rng.randbytes(48 << 20))
END
must muniment create ::a src

# said KEY: a number of the control file
said() {
	sed -n "s/^$1: *//p" m/.muniment
}

# a folder from front to back, by names that were not listed
mount_at m m
sleep 0.1
for f in src/cur/*; do
	echo "$f"
done >names
sed 's|^|m/a/|' names | xargs cat >got
xargs cat <names | cmp got - || fail "not what was archived"
sleep 1.1
ahead=$(said read-ahead-objects)
misses=$(said cache-misses)
[ "$ahead" -gt 700 ] || fail "$ahead of 1590 were read ahead"
[ $((ahead + misses)) -lt 1780 ] || fail "$ahead and $misses: twice"

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

# listed, and then in the order of the listing: most are pushed, hard links
# and files in several pieces among them, and what is in the page cache is right
mount_at m m
find m/a/src -type f -size +0 >listed
xargs cat <listed >got
sed 's|^m/a/||' listed | xargs cat | cmp got - || fail "not what was archived"
diff -r --no-dereference src m/a/src || fail "a page is not what was archived"
sleep 1.1
[ "$(said pushed-files)" -gt 900 ] ||
	fail "$(said pushed-files) of 1500 were pushed"
unmount m

# ended while files are pushed and read: everybody comes to an end
for wait in 0.05 0.1 0.2 0.4; do
	mount_at m m
	find m/a/src -type f >listed
	xargs cat <listed >got 2>&1 &
	reader=$!
	sleep $wait
	kill -TERM "$pid"
	tries=200
	while kill -0 "$pid" 2>/dev/null || kill -0 $reader 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "it hangs after $wait s"
		sleep 0.05
	done
	wait "$pid" || fail "it failed when ended after $wait s"
	wait $reader || :
	mounted && fail "still mounted after $wait s"
done

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
