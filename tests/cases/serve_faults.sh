#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# serve: a line that is cut again and again, a server that is killed, a disk
# there that runs full.  Nothing is lost, nothing hangs.
# timeout: 240
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
trap 'line_stop; sshd_stop; umount small 2>/dev/null || :' EXIT
sshd_start ""

muniment=$(command -v muniment)
ssh-keygen -q -t ed25519 -N '' -C forced -f "$SSHD_DIR/forced"
printf 'command="%s serve --append-only --client c %s",restrict %s\n' \
	"$muniment" "--restrict-to-path '$PWD'" \
	"$(cat "$SSHD_DIR/forced.pub")" >>"$SSHD_DIR/authorized"
export MUNIMENT_PASSPHRASE=secret
export MUNIMENT_RSH="ssh -F none -i '$SSHD_DIR/forced' -o IdentitiesOnly=yes \
	-o UserKnownHostsFile='$SSHD_DIR/known'"
top=$PWD
url() {
	printf 'ssh://%s@127.0.0.1:%s%s' "$SSHD_USER" "$1" "$top/$2"
}
mkdir src
head -c 6000000 /dev/urandom >src/big
for i in 1 2 3 4 5 6 7 8 9; do echo "mail $i" >"src/$i"; done
must fastinit r

# cut after more and more bytes, so that each step of a run is hit
line_start --cut 4300 --step 1700 --cuts 9
line=$(url "$LINE_PORT" r)
wait_for 20 muniment create "$line::a" src 2>"$ERR"
must muniment create "$line::b" src
must muniment --timeout 20 list "$line"
line_stop
must muniment check --verify-data r

# an init that loses the line goes on, and is done when it says so
cp "$SSHD_DIR/authorized" all
sed 's/--append-only --client c//' all >"$SSHD_DIR/authorized"
line_start --cut 300000 --step 4000000 --cuts 4
must muniment init "$(url "$LINE_PORT" init)"
must muniment check ./init
line_stop
cp all "$SSHD_DIR/authorized"

# large files lose the line in their middle, and go on where they were
head -c 24000000 /dev/urandom >src/more
line_start --cut 9000000 --step 500000 --cuts 4
line=$(url "$LINE_PORT" r)
must muniment create "$line::c" src
line_stop
line_start --cut 3000000 --step 400000 --cuts 3
mkdir out
(cd out && must muniment extract "$(url "$LINE_PORT" r)::c")
same_tree src out/src
line_stop
must muniment check --verify-data r
eq "$(find r/tmp -type f | wc -l)" 0 "files in tmp/"

# the server is killed in the middle of a put, again and again
servers() {
	for proc in /proc/[0-9]*; do
		tr '\0' ' ' <"$proc/cmdline" 2>/dev/null |
			grep -q "^$muniment serve .*'*$PWD" &&
			echo "${proc#/proc/}"
	done
	return 0
}
head -c 40000000 /dev/urandom >src/large
muniment --upload-ratelimit 12000 create "$(url "$SSHD_PORT" r)::d" src \
	2>killed &
pid=$!
killed=0
for i in 1 2 3; do
	sleep 0.8
	for server in $(servers); do
		kill -9 "$server" 2>/dev/null && killed=$((killed + 1))
	done
done
got=0
wait $pid || got=$?
[ $got = 0 ] || { cat killed; fail "status $got after the server was killed"; }
[ $killed -ge 2 ] || fail "only $killed servers were killed"
must muniment check --verify-data r
must muniment extract --stdout r::d src/1
eq "$(cat "$OUT")" "mail 1"

# a server that goes and does not come back
line_start
head -c 60000000 /dev/urandom >src/large
muniment --timeout 2 --upload-ratelimit 2000 create \
	"$(url "$LINE_PORT" r)::e" src 2>late &
pid=$!
sleep 2
line_stop
got=0
wait $pid || got=$?
eq $got 2 "status after the server was lost"
has late "did not come back"
must muniment list --short r
eq "$(tr '\n' ' ' <"$OUT")" "a b c d " "archives"

# no space there
[ "$(id -u)" = 0 ] || exit 0
mkdir small
mount -t tmpfs -o size=20m none small 2>/dev/null || exit 0
must fastinit small/r
rm src/large src/more
must muniment create "$(url "$SSHD_PORT" small/r)::one" src/1
head -c 30000000 /dev/urandom >src/large
must_fail 15 muniment create "$(url "$SSHD_PORT" small/r)::two" src
has "$ERR" "o space left"
eq "$(find small/r/tmp -type f | wc -l)" 0 "files in tmp/"
must muniment check --verify-data small/r
rm src/large src/big
must muniment create "$(url "$SSHD_PORT" small/r)::three" src
must muniment list --short small/r
eq "$(wc -l <"$OUT")" 2 "archives"
umount small
