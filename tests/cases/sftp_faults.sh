#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A line that is cut again and again: runs go on where they were, nothing is
# lost, nothing hangs; a server that is gone is given up.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
trap 'line_stop; sshd_stop' EXIT
sshd_start ""

export MUNIMENT_PASSPHRASE=secret MUNIMENT_RSH="$SSHD_CMD"
repo=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/r
mkdir src
head -c 6000000 /dev/urandom >src/big
for i in 1 2 3 4 5 6 7 8 9; do echo "mail $i" >"src/$i"; done
must muniment init "$repo"

# cut after more and more bytes, so that each step of a run is hit
line_start --cut 4500 --step 1900 --cuts 7
line=ssh://$SSHD_USER@127.0.0.1:$LINE_PORT$PWD/r
wait_for 10 muniment create "$line::a" src 2>"$ERR"
must muniment create "$line::b" src
must muniment check --verify-data "$repo"
line_stop

# large transfers lose the line in their middle, both ways
line_start --cut 900000 --step 400000 --cuts 3
line=ssh://$SSHD_USER@127.0.0.1:$LINE_PORT$PWD/r
head -c 8000000 /dev/urandom >src/more
must muniment create "$line::c" src
line_stop
line_start --cut 900000 --step 400000 --cuts 3
line=ssh://$SSHD_USER@127.0.0.1:$LINE_PORT$PWD/r
mkdir out
(cd out && must muniment extract "$line::c")
same_tree src out/src
line_stop
must muniment check --verify-data r
eq "$(find r/tmp -type f | wc -l)" 0 "files in tmp/"

# a server that goes and does not come back
line_start
head -c 60000000 /dev/urandom >src/large
muniment --timeout 2 --upload-ratelimit 2000 create \
	"ssh://$SSHD_USER@127.0.0.1:$LINE_PORT$PWD/r::d" src 2>late &
pid=$!
sleep 2
line_stop
got=0
wait $pid || got=$?
eq $got 2 "status after the server was lost"
has late "did not come back"
must muniment list "$repo"
has_not "$OUT" "d  "
must muniment check r
