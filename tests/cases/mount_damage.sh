#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A damaged pack: an error for the files in it, a line in the log for each,
# and everything else goes on.
. "$TOP/tests/lib.sh"
need python3
. "$TOP/tests/mount.sh"

# Packs of their own for a and b: two archives.
mkdir -p src/d
head -c 300000 /dev/urandom >src/d/a
must muniment create ::one src
find r/data -type f >one.packs
head -c 300000 /dev/urandom >src/b
head -c 3000000 /dev/urandom >src/c
ln src/d/a src/link
must muniment create ::two src
eq "$(wc -l <one.packs)" 1 "data packs of one archive"

# flip PACK: every byte of its second half
flip() {
	python3 - "$1" <<'END'
import os, sys
os.chmod(sys.argv[1], 0o600)
with open(sys.argv[1], "r+b") as f:
    data = bytearray(f.read())
    for i in range(len(data) // 2, len(data)):
        data[i] ^= 0x55
    f.seek(0)
    f.write(data)
END
}
unreadable() {
	rc=0
	cat "$1" >"$OUT" 2>"$ERR" || rc=$?
	eq $rc 1 "status of reading $1"
	has "$ERR" "Input/output error"
	eq "$(wc -c <"$OUT")" 0 "bytes that were given out"
}

flip "$(cat one.packs)"
mount_at m m
unreadable m/one/src/d/a
unreadable m/one/src/d/a
unreadable m/two/src/d/a
unreadable m/two/src/link
cmp src/b m/two/src/b || fail "a file beside the damaged one"
cmp src/c m/two/src/c || fail "a file beside the damaged one"
eq "$(stat -c %s m/one/src/d/a)" 300000
# Once per file: the hard link in archive two is the same file.
eq "$(wc -l <"$LOG")" 2 "lines in the log"
has "$LOG" "'one'"
has "$LOG" "src/d/a"
eq "$(grep -c "'one'.*src/d/a" "$LOG")" 1
eq "$(grep -c "'two'" "$LOG")" 1

# made good again, it can be read: damage is not remembered
flip "$(cat one.packs)"
cmp src/d/a m/one/src/d/a || fail "whole again, and not readable"
cmp src/link m/two/src/link
unmount m

# damaged metadata: the folder cannot be listed, and others can
mkdir -p big/x other
python3 - <<'END'
for n in range(5000):
    open("big/x/%d" % n, "w").write("%d" % n)
END
echo fine >other/f
find r/meta -type f | sort >before
must muniment create ::big big
find r/meta -type f | sort | comm -13 before - >big.packs
must muniment create ::other other
[ -s big.packs ] || fail "no metadata pack"
while read -r pack; do
	flip "$pack"
done <big.packs
rm -rf "$XDG_CACHE_HOME"	# it has the metadata, too
mount_at m m
rc=0
find m/big -type f >"$OUT" 2>"$ERR" || rc=$?
eq $rc 1 "status of find"
has "$ERR" "Input/output error"
same_tree other m/other/other
has "$LOG" "'big'"
unmount m
