#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A mount that lives for weeks tells what is wrong with the repository when that
# happens, once, and goes on.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

mkdir src
echo mail >src/mail
must muniment create ::one src
record=$(find r/archives -type f)
must muniment create ::two src
must muniment create ::three src
mount_at m r m
must ls m/one m/three
[ ! -s "$LOG" ] || fail "it began with: $(cat "$LOG")"

# what was deleted in order is no reason
must muniment delete ::two
wait_for 10 test ! -e m/two
[ ! -s "$LOG" ] || fail "a deletion: $(cat "$LOG")"

# the record of an archive is taken away
mv "$record" taken
wait_for 10 test ! -e m/one
wait_for 10 grep -q "'one' .* is gone, and nobody deleted it" "$LOG"
has "$LOG" "log accept"
eq "$(cat m/three/src/mail)" mail
sleep 2
ls m >"$OUT"
eq "$(grep -c "nobody deleted it" "$LOG")" 1 "how often it was told"

# and it is back
mv taken "$record"
wait_for 10 test -e m/one
eq "$(cat m/one/src/mail)" mail
must muniment umount m
status=0
wait "$pid" || status=$?
eq $status 13 "the status of the mount"
