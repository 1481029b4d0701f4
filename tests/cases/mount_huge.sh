#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Many archives of many files: the first look into a mount is quick and takes
# little memory, whatever the repository has.  "make mount-huge" is 1,000
# archives of 1,000,000 files.
. "$TOP/tests/lib.sh"
need python3
. "$TOP/tests/mount.sh"

archives=${HUGE_ARCHIVES:-60}
files=${HUGE_FILES:-20000}
must mkarchives r "$archives" "$files"
say() {
	# shellcheck disable=SC2059 # a format for printf
	printf "$@" | tee -a "${HUGE_REPORT:-/dev/null}"
}
say '%s archives of %s files, %s KiB\n' "$archives" "$files" \
	"$(du -sk r | cut -f 1)"
muniment list r >/dev/null	# the local cache is warm

# look WHAT LIMIT-MS CMD...: how long, and the memory so far
look() {
	look_what=$1 look_limit=$2
	shift 2
	start=$(date +%s%N)
	"$@" >"$OUT"
	ms=$((($(date +%s%N) - start) / 1000000))
	kib=$(high_water)
	say '%-42s %6d ms, %6d KiB at most\n' "$look_what" $ms "$kib"
	[ $ms -le "$look_limit" ] || slow="$slow '$look_what'"
	[ "$kib" -le 131072 ] || fail "$look_what: it took $kib KiB"
}
slow=
mailbox=srv/vmail/example.org/user0000/Maildir/cur
mount_at m m
look "the first ls of the root" 100 ls m
eq "$(wc -l <"$OUT")" $((archives + 2)) "names in the root"
look "the first ls of a mailbox" 100 ls m/latest/$mailbox/..
kib=$(high_water)
[ "$kib" -le 65536 ] || fail "the first look took $kib KiB"
look "ls of a folder of 10,000" 1000 ls m/latest/$mailbox
eq "$(wc -l <"$OUT")" 10000
look "ls of by-date of a day" 1000 ls m/by-date/2023/11/15
look "every archive opened" 20000 sh -c "ls -d m/*/$mailbox"
eq "$(wc -l <"$OUT")" $((archives + 1))	# and latest
look "find over one archive" 60000 find m/mail-000000 -type f
eq "$(wc -l <"$OUT")" "$files"
unmount m
mount_at m -o versions m
look "versions: the first ls of a mailbox" 3000 ls m/$mailbox/..
look "versions: ls of a folder of 10,000" 3000 ls m/$mailbox
eq "$(wc -l <"$OUT")" 10000
look "versions: one file of it" 1000 find "m/$mailbox/$(head -n 1 "$OUT")" \
	-type f
has "$OUT" ".00001."
unmount m
[ -z "$slow" ] || [ -z "${HUGE_STRICT:-}" ] || fail "too slow:$slow"
