#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Real processes on one repository (tests/collect.py): here, behind an sftp
# server and behind "muniment serve"; and programs with one rule of the protocol
# left out are caught, where one that takes as long at the same places is not.
#
# COLLECT_SECS: so long each (short form: 2).  COLLECT_STORES: of "local sftp
# serve".  COLLECT_MUTANT_SECS: so long at most for each program that is not
# right (short form: they are left out).
# timeout: 3600
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need

export MUNIMENT_PASSPHRASE=secret
secs=${COLLECT_SECS:-2}
if [ ! -c /dev/fuse ] || [ "$(id -u)" != 0 ]; then
	export COLLECT_MOUNT=0
fi
trap sshd_stop EXIT
sshd_start ""

# collect WHERE URL: in a folder WHERE
collect() {
	mkdir "$1" "$1/work"
	must fastinit "$1/r"
	(
		cd "$1/work" || exit 1
		export MUNIMENT_REPO="$2${PWD%/work}/r"
		"$TOP/tests/collect.py" "$secs"
	) >"$1/said" 2>&1 || {
		cat "$1/said"
		fail "$1"
	}
	echo "$1: $(cat "$1/said")"
}
far=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT
export MUNIMENT_RSH="$SSHD_CMD"

for where in ${COLLECT_STORES-local sftp serve}; do
	case $where in
	local)
		collect local ""
		eq "$(find local/r/sessions -type f | wc -l)" 0 \
			"sessions that were left"
		;;
	sftp)
		collect sftp "$far"
		;;
	serve)
		COLLECT_OPTIONS="--remote-path $(command -v muniment)"
		export COLLECT_OPTIONS
		collect serve "$far"
		[ -s serve/r/serve/journal ] || fail "it was not serve"
		unset COLLECT_OPTIONS
		;;
	esac
done

[ -n "${COLLECT_MUTANT_SECS:-}" ] || exit 0
secs=$COLLECT_MUTANT_SECS
path=$PATH
# More that die, and more files that all archives have lost meanwhile: then
# another has often listed, just before it died, what a backup knows.
export COLLECT_MOUNT=0 COLLECT_KILL=0.5 COLLECT_LARGE=6
PATH="$BUILD/mutant/slow:$path"
collect slow ""
for mutant in no-w1 no-g4 open-segment; do
	PATH="$BUILD/mutant/$mutant:$path"
	(collect $mutant "") >"$mutant.out" 2>&1 && fail "$mutant: not caught"
	has "$mutant/said" WRONG
	echo "$mutant: $(cat "$mutant/said")"
done
