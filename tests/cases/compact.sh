#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# compact, undelete, break-lock: the room comes back, what is kept stays, and
# nothing is removed that cannot be shown to be garbage.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
size() {
	du -sk r | cut -f1
}
files() {
	find "r/$1" -type f | wc -l
}
below() {
	[ "$(size)" -lt "$1" ] || fail "$2: $(size) KiB, expected < $1"
}
sound() {
	must muniment check --verify-data
	has "$OUT" "no problems found"
}

must muniment init
mkdir s out
head -c 9000000 /dev/urandom >s/big
n=0
while [ $n -lt 200 ]; do
	n=$((n + 1))
	head -c 5000 /dev/urandom >s/f$n
done
must muniment create ::a s
rm s/f1*
head -c 4000000 /dev/urandom >s/second
must muniment create ::b s
rm s/big
must muniment create ::c s

# nothing to do, and nothing is done
find r -path r/reserve -prune -o -print | sort >before
must muniment compact -v
has "$ERR" "nothing to do"
find r -path r/reserve -prune -o -print | sort | cmp - before ||
	fail "the repository changed"

# a deleted archive comes back while its data is there
must muniment delete ::a b
must muniment undelete --list
eq "$(cut -d' ' -f1 "$OUT" | tr '\n' ' ')" "a b "
must muniment undelete ::b
must_fail 2 muniment undelete ::b
has "$ERR" "already"
must muniment delete ::b

# as foretold
before=$(size)
must muniment compact -v --dry-run
has "$ERR" "would free 9"
eq "$(size)" "$before" "size after a dry run"
must muniment compact -v
has "$ERR" "compaction freed 9"
below $((before - 8500)) "compacted"
eq "$(muniment list --short | tr '\n' ' ')" "c "
must_fail 2 muniment undelete ::b
sound
must muniment extract --destination out ::c
same_tree s out/s
must muniment compact -v
has "$ERR" "nothing to do"

# the next backup builds upon what is left
must muniment create --json ::d s
grep -q '"deduplicated_size": [0-9]\{1,4\},*$' "$OUT" ||
	fail "it was stored again: $(grep dedup "$OUT")"
# tombstones go with a later one, and check still knows
eq "$(files tombstones)" 3 "tombstones"
must muniment delete ::d
must muniment compact
eq "$(files tombstones)" 1 "tombstones"
sound
must muniment delete ::c
must muniment compact
eq "$(files tombstones)" 1 "tombstones"
eq "$(files data) $(files meta) $(files archives)" "0 0 0"
sound

# what a run left that died: garbage, and it is ruled out
must muniment create ::e s
head -c 40000000 /dev/urandom >s/large
mkfifo s.fifo
(cat s/large; exec sleep 1000) >s.fifo &
feed=$!
muniment create --read-special ::f s s.fifo 2>/dev/null &
run=$!
arrived() {
	[ "$(find r/data -type f | wc -l)" -ge 2 ]
}
wait_for 20 arrived
must muniment compact -v --no-wait
kill -KILL $run $feed
wait $run $feed 2>/dev/null || :
eq "$(files sessions)" 1 "sessions"
before=$(size)
must muniment compact -v
has "$ERR" "ruled out"
below $((before - 30000)) "after a dead run"
eq "$(files sessions)" 0 "sessions"
rm s/large s.fifo
sound

# a mount keeps what it reads
must muniment create ::g s
mount_at m m
exec 7<m/g/s/second
must muniment delete ::g e
must muniment compact
cmp s/second - <&7 || fail "taken from under a reader"
exec 7<&-
must muniment umount m
no_pins() {
	[ "$(files pins)" = 0 ]
}
wait_for 5 no_pins
must muniment compact
eq "$(files data)" 0 "data packs"

# an archive that cannot be read in full: nothing is removed, and it is said
must muniment create ::h s
f=$(find r/meta -type f | head -n 1)
must muniment create ::i s/second
must muniment delete ::i
mv "$f" "$f.away"
must_fail 14 muniment compact
has "$ERR" "nothing was removed"
mv "$f.away" "$f"
must muniment compact
sound

must muniment break-lock
must_fail 3 muniment compact --threshold 101
