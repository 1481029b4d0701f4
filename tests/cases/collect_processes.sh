#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Real processes on one repository (tests/collect.py), here and behind an sftp
# server; and programs with one rule of the protocol left out are caught.
#
# COLLECT_SECS: so long each (short form: 6).  COLLECT_MUTANT_SECS: so long at
# most for each program that is not right (short form: they are left out).
# timeout: 1200
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need

export MUNIMENT_PASSPHRASE=secret
secs=${COLLECT_SECS:-6}
if [ ! -c /dev/fuse ] || [ "$(id -u)" != 0 ]; then
	export COLLECT_MOUNT=0
fi
trap sshd_stop EXIT

collect() {
	mkdir "$1" "$1/work"
	must fastinit "$1/r"
	shift
	(cd "$where/work" && must "$TOP/tests/collect.py" "$@")
}

where=local
MUNIMENT_REPO=$PWD/$where/r
export MUNIMENT_REPO
collect $where "$secs"
cat "$OUT"
eq "$(find local/r/sessions -type f | wc -l)" 0 "sessions that were left"

sshd_start ""
where=sftp
export MUNIMENT_RSH="$SSHD_CMD"
MUNIMENT_REPO=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/$where/r
collect $where "$secs"
cat "$OUT"
unset MUNIMENT_RSH

for mutant in ${COLLECT_MUTANT_SECS:+no-w1 no-g4 open-segment}; do
	where=$mutant
	MUNIMENT_REPO=$PWD/$where/r
	mkdir "$where" "$where/work"
	must fastinit "$where/r"
	(
		cd "$where/work" || exit 1
		PATH="$BUILD/mutant/$mutant:$PATH"
		export PATH COLLECT_MOUNT=0 COLLECT_STOP=0.9 MUTANT_SLEEP=1
		must_fail 1 "$TOP/tests/collect.py" "$COLLECT_MUTANT_SECS"
	)
	has "$OUT" WRONG
	echo "$mutant: $(tail -n 1 "$OUT")"
done
