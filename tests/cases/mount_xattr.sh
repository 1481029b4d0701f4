#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Where no archive has extended attributes the kernel is told so once; where
# one has some they are all shown; and a file with some that comes too late is
# not shown without them.
. "$TOP/tests/lib.sh"
need getfattr setfattr
. "$TOP/tests/mount.sh"

mkdir plain rich
echo one >plain/file
echo two >rich/file
echo three >rich/plain
setfattr -n user.one -v first rich/file 2>/dev/null ||
	skip "no extended attributes here"
must muniment create ::plain plain
must muniment create ::rich rich

# both: nothing is missing, and the one without is not asked in vain
mount_at m m
eq "$(getfattr --only-values -n user.one m/rich/rich/file)" first
must cp -a m/plain/plain/file copy
must cp -a m/rich/rich/file copy-rich
eq "$(getfattr --only-values -n user.one copy-rich)" first
unmount m

# one archive that has none: asking is answered without the daemon
mount_at m ::plain m
getfattr -n user.one m/plain/file 2>err && fail "an attribute"
grep -q "not supported" err || fail "the kernel asks: $(cat err)"
getfattr -d -m - m/plain/file >out 2>/dev/null || :
[ ! -s out ] || fail "attributes: $(cat out)"
unmount m

# all archives have none, then there is one that has some
must muniment delete ::rich
mount_at m m
getfattr -n user.one m/plain/plain/file 2>err && fail "an attribute"
grep -q "not supported" err || fail "the kernel asks: $(cat err)"
must muniment create ::later plain
must muniment create ::rich2 rich
sleep 1.1
must cat m/later/plain/file
must ls m/rich2/rich
eq "$(tr '\n' ' ' <"$OUT")" "file plain " "what is listed"
must_fail 1 cat m/rich2/rich/file
# what the kernel forgets is not told again
echo 2 >/proc/sys/vm/drop_caches 2>/dev/null || :
must_fail 1 ls -l m/rich2/rich
eq "$(cat m/rich2/rich/plain)" three
eq "$(grep -c "archive 'rich2'.*'file' has extended attributes.*mount again" \
	"$LOG")" 1 "lines that tell"
must cat m/plain/plain/file
unmount m
mount_at m m
eq "$(getfattr --only-values -n user.one m/rich2/rich/file)" first
unmount m
