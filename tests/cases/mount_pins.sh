#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A mount leaves marks for the archives that it reads, and takes them away.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

pins() {
	[ "$(find r/pins -type f | wc -l)" = "$1" ]
}
mkdir src
echo text >src/f
must muniment create ::a src
must muniment create ::b src
mount_at m m
find m -maxdepth 1 >/dev/null
pins 0 || fail "a mark before anything was opened"
exec 7<m/a/src/f
pins 1 || fail "no mark of the archive that was opened"
cat m/b/src/f m/a/src/f >/dev/null
pins 2 || fail "no mark of the second archive"

# deleted, it stays readable for those who have it open; then it is let go
must muniment delete ::a
gone() {
	[ ! -e m/a ]
}
wait_for 5 gone
eq "$(cat <&7)" text
pins 2 || fail "let go while a file was open"
exec 7<&-
wait_for 9 pins 1
unmount m
pins 0 || fail "marks after the end"
mount_at m ::b m
pins 1 || fail "no mark of the only archive"
kill -TERM $pid
wait $pid || fail "it failed when told to end"
pins 0 || fail "marks after SIGTERM"

# what was deleted is not opened, even if it was seen before
must muniment create ::c src
must muniment create ::d src
mount_at m m
[ -d m/d ] || fail "no archive"
must muniment delete ::d
if cat m/d/src/f 2>/dev/null; then
	fail "a deleted archive was opened"
fi
eq "$(cat m/c/src/f)" text
unmount m
pins 0 || fail "marks after the end"

# a repository that cannot be written to
if [ "$(id -u)" = 0 ]; then
	mkdir ro
	mount --bind r ro
	mount -o remount,bind,ro ro
	mount_at m --repository "$PWD/ro" m
	same_tree m/b/src m/c/src
	eq "$(grep -c 'compact' "$LOG")" 1 "lines that say so"
	unmount m
	umount ro
fi
