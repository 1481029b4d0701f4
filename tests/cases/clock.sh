#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Clocks that are wrong, by years in either direction: every backup is made and
# can be read; prune takes nothing for older than it is, and what is dated ahead
# of now it keeps; a collector whose clock is wrong takes nothing from a backup
# at work.
. "$TOP/tests/lib.sh"
need cc

cat >shift.c <<'END'
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *t)
{
	const char *by = getenv("SHIFT");
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (rc == 0 && id == CLOCK_REALTIME && by)
		t->tv_sec += atol(by);
	return rc;
}

time_t time(time_t *p)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (p)
		*p = t.tv_sec;
	return t.tv_sec;
}
END
must cc -shared -fPIC -o shift.so shift.c

# at SECONDS CMD...: with a clock that is so wrong
at() {
	at_by=$1
	shift
	env SHIFT="$at_by" LD_PRELOAD="$PWD/shift.so" "$@"
}

# at_time UNIX-SECONDS CMD...
at_time() {
	at_then=$(($1 - $(date +%s)))
	shift
	at "$at_then" "$@"
}

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
years=$((10 * 365 * 86400))
mkdir src
echo mail >src/mail
must fastinit r

# 1970, before and after 2038 and 2106, and ten years around now
must muniment create ::now src
must at -$years muniment create ::back src
must at $years muniment create ::ahead src
for then in 3600 2147483640 2147483700 4294967290 4294967300; do
	must at_time $then muniment create "::t$then" src
done
must muniment list --short
eq "$(cat "$OUT")" "t3600
back
now
ahead
t2147483640
t2147483700
t4294967290
t4294967300"
must at_time 2147483700 muniment list
has "$OUT" "Tue, 2038-01-19"
must muniment check --verify-data
must muniment list --short
cp "$OUT" names
while read -r name; do
	must muniment extract --stdout "::$name" src/mail
	eq "$(cat "$OUT")" mail
done <names

# what is ahead is kept, and counts for nothing
must muniment prune --list --keep-daily 1
grep -q "daily #1.* now " "$ERR" || fail "$(cat "$ERR")"
grep -q "yet to come.* ahead " "$ERR" || fail "$(cat "$ERR")"
grep -q "Pruning.* back " "$ERR" || fail "$(cat "$ERR")"
must muniment list --short
eq "$(head -n 2 "$OUT" | tr '\n' ' ')" "now ahead "
# by a clock that went back everything is
must at -$years muniment prune --list --keep-daily 1
has_not "$ERR" Pruning
must at -$years muniment delete ::t4294967300
must at -$years muniment undelete ::t4294967300

# a backup at work, and collectors for whom it began years ago, or will: one of
# them may fence it, and then it is made again
mkdir many
for n in $(seq 4000); do
	head -c 4000 /dev/urandom >"many/$n"
done
muniment create ::slow many >slow.out 2>&1 &
slow=$!
# without a pause: it takes no longer than a moment
at_work() {
	for session in r/sessions/*; do
		[ -e "$session" ] && return
	done
	return 1
}
until at_work; do
	{ read -r _ _ state _ </proc/$slow/stat; } 2>/dev/null || state=Z
	[ "$state" != Z ] || fail "it was too fast: $(cat slow.out)"
done
kill -STOP $slow
must at $years muniment compact --threshold 1
must muniment delete ::t4294967290
must at -$years muniment compact --threshold 1
must at $years muniment compact --threshold 1
kill -CONT $slow
wait $slow || fail "the slow backup: $(cat slow.out)"
mkdir out
must env -C out muniment extract ::slow
must diff -r many out/many
must muniment check --verify-data
