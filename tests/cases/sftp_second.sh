#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Where answers take long, large uploads have a second connection: what goes
# over it is whole, also where it breaks; where uploads are limited, there is
# none.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
trap 'line_stop; sshd_stop' EXIT
sshd_start "LogLevel VERBOSE"
export MUNIMENT_PASSPHRASE=secret MUNIMENT_RSH="$SSHD_CMD"
mkdir src
must fastinit r

# backup NAME [OPTION...]: of new bytes; sets logins: how many it took
backup() {
	name=$1
	shift
	head -c 40000000 /dev/urandom >src/big
	: >"$SSHD_DIR/log"
	must muniment "$@" create \
		"ssh://$SSHD_USER@127.0.0.1:$LINE_PORT$PWD/r::$name" src
	logins=$(grep -c "Accepted publickey" "$SSHD_DIR/log") || :
	mkdir extracted
	(cd extracted && must muniment extract "../r::$name")
	must cmp src/big extracted/src/big
	rm -r extracted
}

line_start --delay 50
backup far
eq "$logins" 2 "connections behind a delay"
backup limited --upload-ratelimit 30000
eq "$logins" 1 "connections with a limit"
line_stop
# the second is lost, and the first, in any order
line_start --delay 50 --cut 5000000 --step 5000000 --cuts 3
backup lost
[ "$logins" -ge 4 ] || fail "only $logins connections where 3 were lost"
line_stop
must muniment check --verify-data r
