#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Real processes on one repository: writers, a collector, deletions and a
# checker, some of them stopped for a while or killed.  Whatever was
# acknowledged and not deleted is there at the end, and can be read.
#
# COLLECT_SECS: so long (short form: 6).
# timeout: 900
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
secs=${COLLECT_SECS:-6}
must muniment init

writer() {
	n=0
	mkdir "src$1"
	while [ ! -e stop ]; do
		n=$((n + 1))
		head -c 20000 /dev/urandom >"src$1/file$((n % 7))"
		cp shared/* "src$1" 2>/dev/null || :
		if muniment create "::w$1-$n" "src$1" 2>>"log.w$1"; then
			echo "w$1-$n" >>"acknowledged$1"
		elif ! grep -q "fenced" "log.w$1"; then
			echo failed >>"unexpected.w$1"
		fi
	done
}
# One that is killed or stopped again and again.
victim() {
	n=0
	mkdir srcv
	while [ ! -e stop ]; do
		n=$((n + 1))
		head -c 300000 /dev/urandom >srcv/file
		muniment create "::v-$n" srcv 2>/dev/null &
		pid=$!
		sleep "0.$((n % 4))"
		if [ $((n % 2)) = 0 ]; then
			kill -KILL "$pid" 2>/dev/null || :
		else
			kill -STOP "$pid" 2>/dev/null || :
			sleep 0.5
			kill -CONT "$pid" 2>/dev/null || :
		fi
		wait "$pid" 2>/dev/null && echo "v-$n" >>acknowledgedv
	done
}
collector() {
	n=0
	while [ ! -e stop ]; do
		n=$((n + 1))
		muniment compact --threshold 1 --no-wait 2>log.compact &
		pid=$!
		if [ $((n % 5)) = 0 ]; then
			sleep 0.2
			kill -KILL "$pid" 2>/dev/null || :
			wait "$pid" 2>/dev/null || :
		elif ! wait "$pid"; then
			cp log.compact unexpected.compact
		fi
		[ $((n % 7)) = 0 ] && muniment break-lock 2>/dev/null
	done
}
pruner() {
	while [ ! -e stop ]; do
		sleep 0.3
		name=$(muniment list --short 2>/dev/null | shuf -n 1)
		[ -n "$name" ] || continue
		echo "$name" >>deleted
		muniment delete "::$name" 2>/dev/null || :
	done
}
checker() {
	while [ ! -e stop ]; do
		name=$(muniment list --short 2>/dev/null | shuf -n 1)
		[ -n "$name" ] || continue
		if ! muniment extract --dry-run "::$name" 2>log.check &&
		   ! grep -qx "$name" deleted; then
			echo "$name" >>unexpected.check
			cat log.check >>unexpected.check
		fi
	done
}

mkdir shared
head -c 50000 /dev/urandom >shared/common
touch deleted

for what in "writer 1" "writer 2" victim collector pruner checker; do
	eval "$what" &
done
sleep "$secs"
touch stop
wait || :

for f in unexpected.*; do
	[ ! -e "$f" ] || { cat "$f" log.* | tail -n 20; fail "$f"; }
done
must muniment compact --no-wait
must muniment check --verify-data
has "$OUT" "no problems found"
muniment list --short >names
cat acknowledged* 2>/dev/null | sort >acknowledged
sort -u deleted >deleted.sorted
comm -23 acknowledged deleted.sorted >expected
while read -r name; do
	grep -qx "$name" names || fail "$name was acknowledged, and is gone"
done <expected
[ "$(wc -l <acknowledged)" -gt 5 ] || fail "too little happened"
echo "$(wc -l <acknowledged) commits, $(wc -l <deleted.sorted) deleted"
eq "$(find r/sessions -type f | wc -l)" 0 "sessions that were left"
