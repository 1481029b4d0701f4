#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Mistakes with mount points and options: one sentence, with what to do.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

mkdir src
echo text >src/f
must muniment create ::a src

# no STATUS TEXT ARGS...
no() {
	no_status=$1
	no_text=$2
	shift 2
	must_fail "$no_status" muniment mount "$@"
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$no_text"
	mounted && fail "mounted in spite of: $no_text"
	return 0
}

no 2 "mkdir -p nowhere" nowhere
no 2 "mkdir -p no/where" no/where
no 3 "not a folder" src/f
no 3 "not empty" src
no 3 "no mount option 'speed'" -o speed=9 m
no 3 "uid=5000" -o uid=vmail m
no 3 "versions" -o versions ::a m
no 2 "none" ::none m

# names that need care
for name in "with space" "back\\slash" "new
line" -dash "ü"; do
	mkdir -- "$name"
	must muniment mount "./$name"
	eq "$(cat "./$name/a/src/f")" text
	must_fail 11 muniment mount "./$name"
	must muniment umount "./$name"
	[ ! -e "./$name/a" ] || fail "still mounted: $name"
done

# by symlink, by dots, by a relative path
ln -s m link
must muniment mount link
eq "$(cat m/a/src/f)" text
must muniment umount link
mounted && fail "still mounted"
must muniment mount ./src/../m/
must muniment umount m/.
mounted && fail "still mounted"
(cd m && must muniment mount --mount-point ..//m --repository "$PWD/../r")
mounted || fail "not mounted"
must muniment umount "$PWD/m/"

# hidden if asked for
must muniment mount -o nonempty src
eq "$(cat src/a/src/f)" text
must muniment umount src
eq "$(cat src/f)" text

# a user who is not root
[ "$(id -u)" = 0 ] || exit 0
need setpriv
as_user() {
	setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
}
# From a folder that it can see: not below root's private one.
user=$(mktemp -d /tmp/muniment-test.XXXXXX)
fuse_mode=$(stat -c %a /dev/fuse)
trap 'umount -l "$user/m" 2>/dev/null || :; rm -rf "$user"
	chmod "$fuse_mode" /dev/fuse' EXIT
chmod 755 "$user"
mkdir "$user/m" "$user/home" "$user/theirs"
chown 65534:65534 "$user/m" "$user/home"
export HOME="$user/home" MUNIMENT_REPO="$user/home/r"
unset XDG_CACHE_HOME XDG_CONFIG_HOME
as_user test -x "$(command -v muniment)" ||
	skip "the program is where only root can read it"
# Everybody's, as Debian has it; where it is root's alone, for this test.
as_user test -w /dev/fuse || chmod 666 /dev/fuse
echo mine >"$user/home/f"
(
	cd "$user"
	must as_user muniment init home/r
	must as_user muniment create ::a home/f
	must as_user muniment mount m
	as_user cat m/a/home/f >/dev/null || fail "no access to its own mount"
	cat m/a/home/f 2>/dev/null && fail "root can see it, too"
	setpriv --reuid=65534 --regid=65534 --clear-groups -- \
		sh -c 'cd m/a && exec sleep 60' &
	wait_for 5 grep -q sleep "/proc/$!/comm"
	must_fail 11 as_user muniment umount m
	has "$ERR" "still in use"
	kill $!
	wait $! 2>/dev/null || :
	must as_user muniment umount m
	must_fail 2 as_user muniment umount m
	# Into what the kernel writes no core dump of, its own user cannot look.
	setpriv --reuid=65534 --regid=65534 --clear-groups -- \
		muniment mount -f m &
	wait_for 10 as_user test -d m/a
	as_user grep -q . "/proc/$!/environ" 2>"$ERR" &&
		fail "the memory of a mount is open to its user"
	has "$ERR" "Permission denied"
	# shellcheck disable=SC2016 # in that shell
	as_user sh -c 'sleep 9 & grep -q . /proc/$!/environ; rc=$?; kill $!
		exit $rc' || fail "the memory of all is hidden here"
	must as_user muniment umount m
	wait $!
	must_fail 2 as_user muniment mount theirs
	has "$ERR" "yours"
	grep -qs '^user_allow_other' /etc/fuse.conf && exit 0
	must_fail 3 as_user muniment mount -o allow_other m
	has "$ERR" "user_allow_other"
)
