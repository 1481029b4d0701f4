#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# How a mount ends: told to, killed, in use.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

mkdir src
echo text >src/f
echo more >src/g
must muniment create ::a src
one_line() {
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$1"
}

# killed: what is left says so, and can be cleared
mount_at m m
cat m/a/src/f >/dev/null
kill -9 $pid
wait $pid 2>/dev/null && fail "it was not killed"
rc=0
cat m/a/src/g 2>"$ERR" || rc=$?
eq $rc 1
has "$ERR" "Transport endpoint is not connected"
must_fail 11 muniment mount m
one_line "muniment umount m"
must muniment umount m
mounted && fail "still mounted"
mount_at m m
eq "$(cat m/a/src/f)" text

# in use: says by whom, and goes on
(cd m/a/src && exec sleep 60) &
user=$!
wait_for 5 sh -c "readlink /proc/$user/cwd | grep -q /m/a/src"
wait_for 5 sh -c "grep -q sleep /proc/$user/comm"
must_fail 11 muniment umount m
one_line "sleep, pid $user"
eq "$(cat m/a/src/f)" text

# told to end, it does, though it is in use, and at once
start=$(date +%s%N)
kill -TERM $pid
wait $pid || fail "it failed when told to end"
took=$((($(date +%s%N) - start) / 1000000))
[ $took -lt 1500 ] || fail "it took $took ms to end"
mounted && fail "still mounted"
kill $user
wait $user 2>/dev/null || :

# ended by others
mount_at m m
umount m
wait $pid || fail "it failed when unmounted by umount(8)"
must_fail 2 muniment umount m
one_line "nothing is mounted"

# in the middle of work
head -c 60000000 /dev/urandom >src/big
must muniment create ::b src
for n in 1 2 3 4 5; do
	mount_at m m
	cat m/b/src/big >/dev/null 2>&1 &
	reader=$!
	sleep 0.0$n
	kill -TERM $pid
	wait $pid || fail "it failed when told to end"
	wait $reader || :
	mounted && fail "still mounted"
done

# something of another kind is left alone
if [ "$(id -u)" = 0 ] && mount -t tmpfs none m 2>/dev/null; then
	must_fail 3 muniment umount m
	one_line "tmpfs"
	grep -q " $PWD/m .* tmpfs " /proc/self/mountinfo ||
		fail "it was unmounted"
	umount m
fi
