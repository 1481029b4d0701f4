#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk that runs full, of bytes or of inodes, or that is read-only: a clear
# line, nothing half-made, and all is well when there is room again.
# timeout: 180
. "$TOP/tests/lib.sh"
need_root
need_fuse
need mkfs.ext4 resize2fs e2fsck

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/disk/r"
truncate -s 64M image
mkfs.ext4 -q -m 0 -N 1024 image
mkdir disk m out
mount -o loop image disk 2>/dev/null || skip "no loop mounts here"

one_line() {
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$1"
}
names() {
	muniment list --short --consider-checkpoints | tr '\n' ' '
}
whole() {
	eq "$(names)" "$1" "archives"
	must muniment check --verify-data
	has "$OUT" "no problems found"
}

must muniment init
mkdir small large
echo precious >small/file
head -c 20000000 /dev/urandom >small/noise
must muniment create ::one small

# bytes
head -c 60000000 /dev/urandom >large/noise
must_fail 15 muniment create ::two large
one_line "o space left"
whole "one "
eq "$(find disk/r/sessions disk/r/tmp -type f | wc -l)" 0 "what it left"

# to the last byte: what is there can be read, and deleted
dd if=/dev/zero of=disk/filler bs=64k 2>/dev/null || :
dd if=/dev/zero of=disk/filler bs=1 count=4096 oflag=append conv=notrunc \
	2>/dev/null || :
must_fail 15 muniment create ::three large
one_line "o space left"
eq "$(names)" "one "
must muniment extract --destination out ::one
same_tree small out/small
must muniment mount m
same_tree small m/one/small
must muniment umount m

# Compaction works without a free byte: what the runs left that failed goes.
fill() {
	dd if=/dev/zero of="disk/filler$1" bs=64k 2>/dev/null || :
	for try in 1 2 3 4 5 6; do	# what was reserved comes back late
		dd if=/dev/zero of="disk/filler$1" bs=1k oflag=append \
			conv=notrunc 2>/dev/null || :
		sync -f disk
		[ "$(stat -f -c %a disk)" -gt 0 ] || return 0
	done
	fail "$(stat -f -c %a disk) blocks stay free, at the ${try}th try"
}
free_kib() {
	df -k --output=avail disk | tail -n 1
}
must muniment compact -v
has "$ERR" "compaction freed"
[ "$(free_kib)" -gt 20000 ] || fail "$(free_kib) KiB are free"
whole "one "
# and so do deletion and what it is for
must muniment create ::gone large/../small/file
head -c 6000000 /dev/urandom >small/more
must muniment create ::more small
rm small/more
fill 2
must muniment delete ::gone more
must muniment compact -v
[ "$(free_kib)" -gt 4000 ] || fail "$(free_kib) KiB are free"
whole "one "
rm disk/filler*

umount disk
truncate -s 400M image
must e2fsck -fy image
must resize2fs image
mount -o loop image disk
must muniment create ::two large
whole "one two "

# nearly full: a tombstone is small
blocks=$(stat -f -c %a disk)
fallocate -l $(((blocks - 16) * $(stat -f -c %S disk))) disk/filler
must muniment delete ::one
eq "$(names)" "two "
rm disk/filler
whole "two "

# inodes
mkdir disk/many
n=0
while true >"disk/many/$n"; do
	n=$((n + 1))
done 2>/dev/null
echo more >large/more
must_fail 15 muniment create ::four large
one_line "o space left"
eq "$(names)" "two "
rm -r disk/many
must muniment create ::four large
whole "two four "

# read-only
mount -o remount,ro disk
for cache in kept lost; do
	[ $cache = kept ] || rm -rf "$XDG_CACHE_HOME/muniment"
	must muniment list
	must muniment info ::two
	must muniment check
	rm -rf out/large
	must muniment extract --destination out ::four
	same_tree large out/large
	must muniment mount m
	same_tree large m/four/large
	must muniment umount m
	must_fail 2 muniment create ::five large
	one_line "ead-only file system"
	must_fail 2 muniment delete ::two
	one_line "ead-only file system"
done
whole "two four "
umount disk

# no room for the cache: it is only a cache
truncate -s 20M image
mkfs.ext4 -q -m 0 image
mount -o loop image disk
mkdir disk/cache
dd if=/dev/zero of=disk/cache/filler bs=64k 2>/dev/null || :
export MUNIMENT_REPO="$PWD/r"
must muniment init
must env XDG_CACHE_HOME="$PWD/disk/cache" muniment create ::a small
must env XDG_CACHE_HOME="$PWD/disk/cache" muniment create ::b small
must env XDG_CACHE_HOME="$PWD/disk/cache" muniment list ::b
whole "a b "
umount disk
