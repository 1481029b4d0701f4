# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# For the tests of the mount, after lib.sh: a repository $PWD/r, a mount point
# $PWD/m, a daemon in the background with its log in $LOG.
need_fuse

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
LOG=$TMPDIR/mount.log
must fastinit r
mkdir m

mounted() {
	grep -q " $PWD/${1:-m} " /proc/self/mountinfo
}

# mount_at POINT ARGS...: mounted when it returns; $pid is the daemon
mount_at() {
	at=$1
	shift
	: >"$LOG"
	muniment mount -f "$@" >"$OUT" 2>"$LOG" &
	pid=$!
	mount_tries=200
	until mounted "$at"; do
		kill -0 "$pid" 2>/dev/null || {
			cat "$LOG" >&2
			fail "the mount ended: $*"
		}
		mount_tries=$((mount_tries - 1))
		[ $mount_tries -gt 0 ] || fail "not mounted: $*"
		sleep 0.05
	done
}

# unmount POINT: and the daemon ends well
unmount() {
	must muniment umount "$1"
	mounted "$1" && fail "still mounted"
	wait "$pid" || fail "the daemon of the mount failed"
}

# high_water: largest resident memory of the daemon, in KiB
high_water() {
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"
}
