#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# A line that drops every connection after a while, over sftp and over
# "muniment serve": a backup that takes several times as long still ends, in
# one run; so does getting it back.
#
#   DROPS_LIFE (2)		seconds; make drops has 30
#   DROPS_KIB (3000)		KiB a second that go through the line
#   DROPS_BYTES (8000000)	of the backup
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
trap 'line_stop; sshd_stop' EXIT
sshd_start ""
export MUNIMENT_PASSPHRASE=secret MUNIMENT_RSH="$SSHD_CMD"
life=${DROPS_LIFE:-2}
bytes=${DROPS_BYTES:-8000000}
mkdir src
head -c "$bytes" /dev/urandom >src/big
for i in 1 2 3 4 5 6 7 8 9; do echo "mail $i" >"src/$i"; done

# the drops since the last call
drops() {
	wc -l <cuts.seen
	: >cuts.seen
}

# over REPOSITORY [OPTION...]
over() {
	repo=$1
	shift
	must muniment "$@" init "$repo"
	line=$(echo "$repo" | sed "s/:$SSHD_PORT/:$LINE_PORT/")
	drops >/dev/null
	must muniment "$@" create --stats "$line::a" src
	n=$(drops)
	[ "$n" -ge 1 ] || fail "no drop while $bytes bytes went up"
	sent=$(sed -n 's/^Line: \([0-9]*\)\.*[0-9]* MB sent.*/\1/p' "$OUT")
	[ $((sent * 1000000)) -le $((bytes * 4)) ] || fail "$sent MB were sent"
	mkdir out
	(cd out && must muniment "$@" extract "$line::a")
	n=$(drops)
	[ "$n" -ge 1 ] || fail "no drop while they came back"
	same_tree src out/src
	rm -r out
	must muniment "$@" check --verify-data "$repo"
}

: >cuts.seen
line_start --life "$life" --rate "${DROPS_KIB:-3000}" --log "$PWD/cuts.seen"
over "ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/r"
over "ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/s" \
	--remote-path "$(command -v muniment)"
