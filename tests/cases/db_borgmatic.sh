#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Dumps of borgmatic's restored by muniment, and muniment's by borgmatic, with
# servers of MariaDB and PostgreSQL.
# timeout: 110
. "$TOP/tests/lib.sh"
. "$TOP/tests/mariadb.sh"

need borg borgmatic psql
need_root
mariadb_need
bin=$(echo /usr/lib/postgresql/*/bin)
[ -x "$bin/initdb" ] || skip "PostgreSQL's server is not installed"
mariadb_start
dir=$TMPDIR/pg
mkdir "$dir"
chown postgres "$dir"
as() {
	setpriv --reuid=postgres --regid=postgres --clear-groups \
		env HOME="$dir" TMPDIR="$dir" "$@"
}
work=$PWD
cd "$dir"
as "$bin/initdb" -D "$dir/data" -A trust -E UTF8 --no-sync >log 2>&1
as "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -o \
	"-k $dir -c listen_addresses= -c fsync=off" start >log 2>&1
stop() {
	as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >"$dir/log" 2>&1 || :
	mariadb_stop
}
trap stop EXIT
cd "$work"
sql() {
	psql -qAt -h "$dir" -U postgres "$@"
}

export PGHOST="$dir" MUNIMENT_PASSPHRASE=secret \
	BORG_PASSPHRASE=secret BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
my <<'SQL'
CREATE DATABASE mailcow DEFAULT CHARACTER SET utf8mb4;
USE mailcow;
CREATE TABLE t (id INT PRIMARY KEY, x TEXT, b BLOB);
INSERT INTO t SELECT seq, CONCAT('Ü😀', seq), UNHEX(MD5(seq))
	FROM seq_1_to_2000;
SQL
for d in plain custom folder; do
	sql -c "CREATE DATABASE $d"
	sql -d $d -c "CREATE TABLE t (a TEXT, b BYTEA); INSERT INTO t
		SELECT 'ä' || i, decode(md5(i::text), 'hex')
		FROM generate_series(1, 2000) i"
done
sums() {
	my -N mailcow -e 'CHECKSUM TABLE t EXTENDED'
	for d in plain custom folder; do
		sql -d $d -c "SELECT md5(string_agg(a || b::text, ','
			ORDER BY a)) FROM t"
	done
}
break_all() {
	my -e 'DROP DATABASE mailcow'
	for d in plain custom folder; do
		sql -d $d -c "DELETE FROM t"
	done
}
sums >before
mkdir src
echo mail >src/mail
hooks="mysql_databases:
        - name: mailcow
          username: root
          options: --socket=$MY_SOCKET
          list_options: --socket=$MY_SOCKET
          restore_options: --socket=$MY_SOCKET
    postgresql_databases:
        - {name: plain, username: postgres, format: tar}
        - {name: custom, username: postgres}
        - {name: folder, username: postgres,
           format: directory}"
cat >theirs.yaml <<EOF
location:
    source_directories: [$PWD/src]
    repositories: [$PWD/borg]
hooks:
    $hooks
EOF
cat >ours.yaml <<EOF
source_directories: [$PWD/src]
repositories: [{path: $PWD/repo}]
$(echo "$hooks" | sed 's/^    //')
EOF
chmod 600 ./*.yaml

must borgmatic -c theirs.yaml init -e none
must borgmatic -c theirs.yaml create
must muniment -c ours.yaml init -e repokey
name=$(borg list --short borg)
borg export-tar "borg::$name" theirs.tar
must muniment import-tar repo::theirs theirs.tar
break_all
must muniment -c ours.yaml restore --archive theirs
sums | cmp - before || fail "from borgmatic: another database"

# The other way round: extracted from ours, laid where borgmatic looks.
must muniment -c ours.yaml create --name ours
mkdir out
(cd out && must muniment extract ../repo::ours borgmatic)
rm -rf "$HOME/.borgmatic"
mv out/borgmatic "$HOME/.borgmatic"
must borg create "borg::ours" "$HOME/.borgmatic"
rm -rf "$HOME/.borgmatic"
break_all
must borgmatic -c theirs.yaml restore --archive ours
sums | cmp - before || fail "by borgmatic: another database"
