#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# by-date and .muniment beside the archives.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

export TZ=Europe/Berlin
mkdir src
at() {	# NAME TIME: an archive of that time, which is UTC
	echo "$1" >src/f
	must muniment create --timestamp "$2" "::$1" src
}
links() {
	find m/by-date -type l -printf '%P\n' | sort | tr '\n' ' '
}
mount_at m m
[ ! -e m/by-date ] || fail "there is no date yet"
at a 2024-02-29T07:00:00
at b 2024-02-29T23:00:00
at c 2025-10-26T00:30:00
at winter 2025-10-26T01:30:00
at by-date 2025-12-31T22:59:59
at d 2025-12-31T22:59:59
wait_for 5 test -d m/d
links >got
id() {	# TIME: what tells the second archive of that second apart
	sed -n "s|.*/$1-\([0-9a-f]\{8\}\) .*|\1|p" got
}
eq "$(cat got)" "2024/02/29/08-00-00 2024/03/01/00-00-00 \
2025/10/26/02-30-00 2025/10/26/02-30-00-$(id 02-30-00) \
2025/12/31/23-59-59 2025/12/31/23-59-59-$(id 23-59-59) "
eq "$(cat m/by-date/2024/03/01/00-00-00/src/f)" b
eq "$(readlink m/by-date/2024/02/29/08-00-00)" ../../../../a
cat m/by-date/2025/12/31/*/src/f | sort | tr '\n' ' ' >got
eq "$(cat got)" "by-date d "
# an archive of that name is there, under another
eq "$(cat m/by-date-*/src/f)" by-date
for no in 2023 24 0 20240 2024/2 2024/04 2024/02/28 2024/02/29/08-00 x; do
	[ ! -e m/by-date/$no ] || fail "there is by-date/$no"
done
eq "$(stat -c %F m/by-date/2024)" directory
before=$(stat -c %i m/by-date m/by-date/2024/03)

# without a remount
listed() {
	[ "$(links | wc -w)" = "$1" ] && [ "$(find m/by-date/"$2" \
		-mindepth 1 -maxdepth 1 | wc -l)" = "$3" ]
}
must muniment delete ::b
wait_for 5 listed 5 2024 1
[ ! -e m/by-date/2024/03 ] || fail "a month without an archive"
at e 2026-01-01T11:00:00
wait_for 5 listed 6 "" 3
unmount m
at b 2024-02-29T23:00:00
mount_at m -a '[abc]' m
eq "$(links)" "2024/02/29/08-00-00 2024/03/01/00-00-00 2025/10/26/02-30-00 "
eq "$(stat -c %i m/by-date m/by-date/2024/03)" "$before" "inode numbers"

# how it is doing: not listed, but there
find m -maxdepth 1 -name '.muniment' >got
eq "$(wc -l <got)" 0
cp m/.muniment text
has text "repository: $PWD/r"
has text "latest: c"
value() {
	sed -n "s/^$1: *\([0-9]*\)$/\1/p" "${2:-m/.muniment}"
}
eq "$(value archives text)" 3
eq "$(value cache-limit-bytes text)" 67108864
[ "$(value memory-bytes text)" -gt 1000000 ] || fail "no memory at all"
head -c 3000000 /dev/urandom >src/big
must muniment create ::big src
unmount m
mount_at m --cache-size 5M ::big m
eq "$(value cache-limit-bytes)" 5000000
eq "$(value cache-bytes)" "$(value cache-bytes)"
before=$(value plain-bytes)
cmp m/src/big src/big
sleep 0.3
[ "$(value plain-bytes)" -ge $((before + 3000000)) ] ||
	fail "what was read is not counted"
eq "$(wc -c <m/.muniment)" "$(stat -c %s m/.muniment)"
has m/.muniment "archive: big"
unmount m
