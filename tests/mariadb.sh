# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh disable=SC2034,SC2086,SC2120
#
# For test scripts, after lib.sh:  . "$TOP/tests/mariadb.sh"
#
# A MariaDB server of the test's own: a data folder, a socket, no network.
#
#   mariadb_start [OPTION...]	sets MY_SOCKET; MY_FS_MB: in a file system of
#				that size; options of the server
#   mariadb_run [OPTION...]	once more, after mariadb_stop
#   my [ARG...]		its client, as the administrator
#   mariadb_stop

MY_DIR=$TMPDIR/mariadb
MY_SOCKET=$MY_DIR/s
# It need not survive a power cut.
MY_FAST="--innodb-log-file-size=16M --innodb-flush-method=nosync
	--innodb-doublewrite=0 --aria-sync-log-dir=NEVER --sync-frm=0"
MY_SERVER=$(command -v mariadbd || echo /usr/sbin/mariadbd)

mariadb_need() {
	need mariadb mariadb-install-db mysqldump
	[ -x "$MY_SERVER" ] || skip "'mariadbd' is not installed"
}

my() {
	mariadb --no-defaults --default-character-set=utf8mb4 -u root \
		-S "$MY_SOCKET" "$@"
}

mariadb_start() {
	mkdir "$MY_DIR"
	[ -z "${MY_FS_MB:-}" ] ||
		mount -t tmpfs -o "size=${MY_FS_MB}m" none "$MY_DIR"
	my_user=$(id -un)
	if [ "$my_user" = root ]; then
		my_user=mysql
		chown mysql "$MY_DIR"
		my_up=$TMPDIR
		while [ "$my_up" != / ]; do
			chmod o+x "$my_up"
			my_up=$(dirname "$my_up")
		done
	fi
	my_log=$TMPDIR/my.log
	TMPDIR=$MY_DIR mariadb-install-db --no-defaults --user="$my_user" \
		--skip-name-resolve --datadir="$MY_DIR/data" --skip-test-db \
		--auth-root-authentication-method=normal $MY_FAST \
		>"$my_log" 2>&1 || {
		cat "$my_log" >&2
		fail "mariadb-install-db"
	}
	mariadb_run "$@"
}

mariadb_run() {
	TMPDIR=$MY_DIR "$MY_SERVER" --no-defaults --user="$my_user" \
		--skip-networking --datadir="$MY_DIR/data" \
		--socket="$MY_SOCKET" \
		--pid-file="$MY_DIR/pid" --innodb-buffer-pool-size=64M \
		--innodb-flush-log-at-trx-commit=0 --event-scheduler=OFF \
		--max-allowed-packet=64M $MY_FAST "$@" \
		>"$my_log" 2>&1 &
	MY_PID=$!
	trap mariadb_stop EXIT
	wait_for 30 my -e 'SELECT 1' >/dev/null 2>&1
}

mariadb_stop() {
	[ -z "${MY_PID:-}" ] || kill "$MY_PID" 2>/dev/null || :
	wait "$MY_PID" || :
	MY_PID=
}
