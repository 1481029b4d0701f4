#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# mount and umount, and mistakes with mount points.
. "$TOP/tests/lib.sh"
need_fuse

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r
mkdir -p src/d
echo one >src/a
echo two >src/d/b
must muniment create ::one src
must muniment create ::two src/d

one_line() {
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$1"
}
names() {	# as ls(1) sorts them
	find m -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ' '
}
mounted() {
	grep -q " $PWD/$1 " /proc/self/mountinfo
}

mkdir m
must muniment mount m
mounted m || fail "not mounted"
eq "$(names)" "by-date latest one two "
same_tree src m/one/src
eq "$(cat m/latest/src/d/b)" two
must_fail 11 muniment mount m
one_line "mounted already"
mounted m || fail "the second mount ended the first"
must muniment create ::three src
wait_for 10 test -d m/three
must muniment umount m
mounted m && fail "still mounted"

# an archive; options; in the foreground, ended by a signal
must muniment mount ::one --mount-point m
eq "$(names)" "src "
must muniment umount --mount-point m
muniment mount -f --repository "$PWD/r" -a 't*' m >"$OUT" 2>"$ERR" &
pid=$!
wait_for 10 mounted m
eq "$(names)" "by-date latest three two "
kill -TERM $pid
wait $pid || fail "a mount that was told to end failed"
mounted m && fail "still mounted"
must muniment mount -o ro,uid=65534 ::one m src/d
eq "$(stat -c %u m/src/d/b)" 65534
[ ! -e m/src/a ] || fail "a path that was not asked for"
must muniment umount m

# mistakes: one line, and nothing is mounted
must_fail 2 muniment mount nowhere
one_line "nowhere"
mkdir full
echo precious >full/file
must_fail 3 muniment mount full
one_line "full"
eq "$(cat full/file)" precious
must_fail 3 muniment mount src/a
must_fail 2 muniment mount ::none m
one_line "none"
must_fail 12 env MUNIMENT_PASSPHRASE=wrong muniment mount m
one_line "wrong"
must_fail 10 env MUNIMENT_REPO=/no/where muniment mount m
must_fail 3 muniment mount -o nonsense=1 m
must_fail 3 muniment mount
must_fail 3 muniment mount ::one m --first 1
mounted m && fail "a mistake was mounted"
must_fail 2 muniment umount full
one_line "full"

# as mount(8) calls it for fstab
ln -s "$(command -v muniment)" mount.muniment
echo secret >pass
must env -u MUNIMENT_PASSPHRASE ./mount.muniment "$PWD/r" m \
	-o ro,noauto,x-systemd.automount,passphrase_file="$PWD/pass"
mounted m || fail "mount.muniment did not mount"
must muniment umount m
