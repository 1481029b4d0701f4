#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A repository that goes away under a mount: errors, and afterwards all is as
# before without a new mount.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

mkdir src
head -c 3000000 /dev/urandom >src/a
must muniment create ::one src
head -c 3000000 /dev/urandom >src/b	# in a pack of its own
must muniment create ::two src

# the folder is renamed away, another is there, the first comes back as a copy
mount_at m --cache-size 1MiB m
cmp src/a m/one/src/a
mv r elsewhere
cp -a elsewhere r.copy
rm -rf elsewhere
away() {
	rc=0
	cat m/two/src/b >/dev/null 2>"$ERR" || rc=$?
	eq $rc 1 "status of reading from what is away"
	has "$ERR" "Input/output error"
}
away
has "$LOG" "cannot be reached"
fastinit r	# another repository is not taken for it
away
rm -rf r
ls m >/dev/null
mv r.copy r
cmp src/b m/two/src/b || fail "it is back, and cannot be read"
must muniment create ::three src
wait_for 5 test -d m/three
cmp src/b m/three/src/b
unmount m

# the same with a file system whose program dies: a repository in a mount
must fastinit outer
must muniment create outer::r r
mkdir far
mount_at far outer::r far
outer=$pid
mount_at m --repository "$PWD/far/r" --cache-size 1MiB m
inner=$pid
inner_log=$TMPDIR/inner.log
cp "$LOG" "$inner_log"
cmp src/a m/one/src/a
kill -9 $outer
wait $outer 2>/dev/null || :
rc=0
cat m/two/src/b >/dev/null 2>"$ERR" || rc=$?
eq $rc 1 "status of reading through a dead mount"
must muniment umount far
mount_at far outer::r far
outer=$pid
cmp src/b m/two/src/b || fail "it is back, and cannot be read"
pid=$inner
unmount m
pid=$outer
unmount far
