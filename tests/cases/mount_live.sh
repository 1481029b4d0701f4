#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The root follows the repository; nothing can be written.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

# shown NAME...: these archives and no others, by name and in the listing
shown() {
	[ "$(find m -mindepth 1 -maxdepth 1 -type d ! -name by-date \
		-printf '%f\n' | sort | tr '\n' ' ')" = "${*:+$* }" ]
}
latest() {
	[ "$(readlink m/latest)" = "$1" ] && [ "$(cat m/latest/src/f)" = "$1" ]
}
gone() {
	[ ! -e "m/$1" ]
}

no_latest() {
	[ ! -L m/latest ]
}

mkdir src
mount_at m m
eq "$(find m -mindepth 1 | wc -l)" 0 "archives of an empty repository"
[ ! -L m/latest ] || fail "there is no latest yet"
listed=
for n in 1 2 3 4; do
	echo $n >src/f
	must muniment create ::$n src
	listed="$listed $n"
	# shellcheck disable=SC2086 # one word for each
	wait_for 5 shown $listed
	eq "$(cat m/$n/src/f)" $n
	wait_for 5 latest $n
done
exec 7<m/4/src/f
must muniment delete ::4
wait_for 5 gone 4
wait_for 5 latest 3
wait_for 5 shown 1 2 3
eq "$(cat <&7)" 4 "a file that was open"
exec 7<&-
for n in 1 2 3; do
	must muniment delete ::$n
done
wait_for 5 shown
wait_for 5 no_latest

# a name that comes back is the new one
echo again >src/f
must muniment create ::one src
wait_for 5 test -d m/one
eq "$(cat m/one/src/f)" again

# nothing can be written
no_write() {
	rc=0
	"$@" 2>"$ERR" || rc=$?
	[ $rc -ne 0 ] || fail "it could be written: $*"
	has "$ERR" "Read-only file system"
}
no_write touch m/one/src/f
no_write touch m/new
no_write mkdir m/one/d
no_write rm m/one/src/f
no_write rmdir m/one
no_write mv m/one m/two
no_write ln m/one/src/f m/one/src/g
no_write ln -s x m/one/src/g
no_write chmod 777 m/one/src/f
no_write truncate -s 0 m/one/src/f
no_write mkfifo m/one/p
eq "$(cat m/one/src/f)" again
unmount m

# two at once on one repository; each has its own end
mkdir m2
mount_at m m
first=$pid
mount_at m2 ::one m2
same_tree m/one m2
unmount m2
eq "$(cat m/one/src/f)" again
pid=$first
unmount m
