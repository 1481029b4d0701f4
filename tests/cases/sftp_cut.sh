#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 900
#
# A line that breaks at a message of a short session, before the server has
# seen it or after it has done it: whatever is said to be done is there, and
# nothing is in the way of the next run.
#
#   SFTP_CUT_STEP (9)	at each so-many-th message; 1 is all of them

. "$TOP/tests/lib.sh"
need python3
[ -x /usr/lib/openssh/sftp-server ] || skip "sftp-server is not installed"

export MUNIMENT_PASSPHRASE=secret
line=$TOP/tests/sftpline.py
repo=h:$PWD/r
mkdir -p src/sub
for i in 1 2 3 4 5 6 7 8 9; do echo "mail $i" >"src/sub/$i"; done
must fastinit r
must muniment create r::first src
must cp -a src src.first

# as many messages as a session has
echo new >src/new
must env MUNIMENT_RSH="$line --log $PWD/log" muniment create --stats \
	"$repo::counted" src
trips=$(sed -n 's/.* received, \([0-9]*\) round trips$/\1/p' "$OUT")
[ "$trips" -gt 5 ] || fail "no round trips in --stats"
[ "$trips" -le 60 ] || fail "$trips round trips for a small session"
messages=$(grep -c ' > ' log)
[ "$messages" -gt 20 ] || fail "only $messages messages were seen"

echo first >want
echo counted >>want
step=${SFTP_CUT_STEP:-9}
tried=0
cuts=0
for when in before after; do
	at=$((1 + tried % step))
	while [ $at -le "$messages" ]; do
		rm -f cut
		echo "$when $at" >src/new
		status=0
		MUNIMENT_RSH="$line --cut $at --when $when --once $PWD/cut" \
			muniment create "$repo::$when.$at" src \
			>"$OUT" 2>"$ERR" || status=$?
		# Later sessions have fewer messages: the cache is warm.
		[ ! -e cut ] || cuts=$((cuts + 1))
		# Without any connection yet nobody tries again.
		if [ $status = 2 ] && [ $at -le 1 ]; then
			echo "$when $at" >src/new
		elif [ $status = 0 ]; then
			echo "$when.$at" >>want
		else
			run_show
			fail "$when $at: exit status $status"
		fi
		tried=$((tried + 1))
		at=$((at + step))
	done
done
[ $((cuts * 3)) -ge $((tried * 2)) ] ||
	fail "only $cuts of $tried lines were cut"

must muniment list --short r
sort "$OUT" >got
sort want | cmp -s - got || {
	sort want | diff - got >&2 || :
	fail "the archives are not those that were said to be made"
}
must muniment check --verify-data r
eq "$(find r/tmp -type f | wc -l)" 0 "files in tmp/"
mkdir out
(cd out && must muniment extract ../r::first)
same_tree src.first out/src
