#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A file that is open in a mount outlives "delete" and "compact" of its archive,
# and its room is given back when it has been closed.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

mkdir src
head -c 6000000 /dev/urandom >src/f
head -c 3000000 /dev/urandom >src/g
must muniment create ::a src
sum=$(cksum <src/f)
rm src/f
head -c 50000 /dev/urandom >src/h
must muniment create ::b src
room() {
	du -sk r/data | cut -f 1
}
gone() {
	[ ! -e m/a ]
}
pins() {
	[ "$(find r/pins -type f | wc -l)" = "$1" ]
}
full=$(room)

mount_at m --cache-size 1MiB m	# what is read comes from the store
exec 7<m/a/src/f
must muniment delete ::a
must muniment compact --threshold 0
must muniment compact --threshold 0
wait_for 5 gone
eq "$(cksum <&7)" "$sum" "a file of a deleted archive, open"
eq "$(cksum <"/proc/$$/fd/7")" "$sum" "the same, opened again"
[ "$(room)" -ge "$full" ] || fail "$(room) KiB of $full are left"
exec 7<&-
wait_for 9 pins 0
must muniment compact --threshold 0
must muniment compact --threshold 0
[ "$(room)" -lt $((full - 5000)) ] || fail "$(room) KiB of $full are left"
# the mount has the index of before; its packs are others now
same_tree src m/b/src
must muniment check --verify-data
unmount m
[ ! -s "$LOG" ] || fail "the log: $(cat "$LOG")"
