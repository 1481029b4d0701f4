#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# No space left: one line, status 15, and nothing that was there is lost.
. "$TOP/tests/lib.sh"
need_root

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/full/r"
mkdir full
mount -t tmpfs -o size=12m tmpfs full 2>/dev/null ||
	skip "no file system can be mounted here"
must muniment init
echo precious >file
must muniment create ::first file
head -c 40000000 /dev/urandom >big
must_fail 15 muniment create ::second big
eq "$(wc -l <"$ERR")" 1 "lines of the error"
has "$ERR" "o space left"
eq "$(muniment list --short --consider-checkpoints)" first
eq "$(muniment extract --stdout ::first)" precious
umount full
