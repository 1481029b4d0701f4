#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Databases of PostgreSQL, and Redis, with servers of Debian.
# timeout: 115
. "$TOP/tests/lib.sh"

need psql redis-server redis-cli
need_root
export MUNIMENT_PASSPHRASE=secret
bin=$(echo /usr/lib/postgresql/*/bin)
[ -x "$bin/initdb" ] || skip "PostgreSQL's server is not installed"
dir=$TMPDIR/pg
up=$TMPDIR
while [ "$up" != / ]; do
	chmod o+x "$up"
	up=$(dirname "$up")
done
mkdir "$dir"
chown postgres "$dir"
as() {
	setpriv --reuid=postgres --regid=postgres --clear-groups \
		env HOME="$dir" TMPDIR="$dir" "$@"
}
cd "$dir"
as "$bin/initdb" -D "$dir/data" -A trust -E UTF8 --no-sync >log 2>&1
as "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -o \
	"-k $dir -c listen_addresses= -c fsync=off" start >log 2>&1
stop() {
	as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >log 2>&1 || :
	[ -z "${redis:-}" ] || kill "$redis" || :
}
trap stop EXIT
cd "$TMPDIR/../work"
sql() {
	psql -qAt -h "$dir" -U postgres "$@"
}
sql -c 'CREATE DATABASE "größe x"'
sql -d 'größe x' -c "CREATE TABLE t (a TEXT, b BYTEA); INSERT INTO t
	SELECT 'ä' || i, decode(md5(i::text), 'hex')
	FROM generate_series(1, 5000) i"
sums() {
	sql -d "$1" -c "SELECT md5(string_agg(a || b::text, ',' ORDER BY a))
		FROM t"
}
before=$(sums 'größe x')
mkdir src
echo mail >src/mail
config() {
	cat >c.yaml <<EOF
source_directories: [$PWD/src]
repositories: [{path: $PWD/repo}]
archive_name_format: '{now:%Y%m%d%H%M%S%f}'
postgresql_databases:
    - name: $1
      hostname: $dir
      label: pg
      username: postgres
EOF
	[ -z "${2:-}" ] || echo "      $2" >>c.yaml
	chmod 600 c.yaml
}
config 'größe x'
must muniment -c c.yaml init -e repokey
# a folder that a killed run left goes, one of a run at work does not
mkdir "$TMPDIR/muniment-dump-left" "$TMPDIR/muniment-dump-live"
touch "$TMPDIR/muniment-dump-left/secret"
exec 9<"$TMPDIR/muniment-dump-live"
flock -n 9
for format in custom plain tar directory; do
	config 'größe x' "format: $format"
	must muniment -c c.yaml create
	sql -c 'DROP DATABASE "größe x"'
	must muniment -c c.yaml restore --archive latest
	eq "$(sums 'größe x')" "$before" "PostgreSQL, $format"
	sql -d 'größe x' -c 'DELETE FROM t'
	must muniment -c c.yaml restore --archive latest
	eq "$(sums 'größe x')" "$before" "PostgreSQL, $format, again"
	must muniment -c c.yaml restore --archive latest --as-database new
	eq "$(sums new)" "$before" "PostgreSQL, $format, a new one"
	must_fail 2 muniment -c c.yaml restore --archive latest \
		--as-database new
	sql -c 'DROP DATABASE new'
done
config all
must muniment -c c.yaml create
sql -c 'DROP DATABASE "größe x"'
must_fail 1 muniment -c c.yaml restore --archive latest
eq "$(sums 'größe x')" "$before" "PostgreSQL, all in one"
config all 'format: custom'
must muniment -c c.yaml create
must muniment list --short repo::latest
has "$OUT" "postgresql_databases/pg/größe x"
config nowhere
must_fail 2 muniment -c c.yaml create
has "$ERR" nowhere
# a name with a dash, a space, quotes, an umlaut, and what is special in the
# strings that name a connection
sql <<'SQL'
CREATE DATABASE "-a b'c""d=ü";
SQL
pgodd() {
	sql -v ON_ERROR_STOP=1 -d "dbname='-a b\\'c\"d=ü'" -c "$1"
}
pgodd "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('ß')"
for format in custom plain; do
	config "\"-a b'c\\\"d=ü\"" "format: $format"
	must muniment -c c.yaml create
	pgodd 'DELETE FROM t'
	must muniment -c c.yaml restore --archive latest
	eq "$(pgodd 'SELECT a FROM t')" ß "an odd name, $format"
done
sql <<'SQL'
DROP DATABASE "-a b'c""d=ü";
SQL

# a folder: how it is kept, that nothing of it stays behind
config 'größe x' 'format: directory'
must muniment -c c.yaml create --stats
has "$OUT" "Dump of PostgreSQL database 'größe x' on $dir: began"
must muniment list --short repo::latest
has "$OUT" "borgmatic/postgresql_databases/pg/größe x/toc.dat"
must muniment info repo::latest
has "$OUT" "Dump: postgresql_databases/pg/größe x, "
has_not "$OUT" "größe x, 0 B"
must muniment -c c.yaml restore -n --archive latest
has "$OUT" "größe x (a folder)"
must_fail 3 muniment restore --archive latest --to-stdout repo
has "$ERR" "is a folder"
eq "$(ls -d "$TMPDIR"/muniment-dump-*)" "$TMPDIR/muniment-dump-live"
cat >wide <<'EOF'
#!/bin/sh
for d in "$TMPDIR"/muniment-dump-*; do
	stat -c %a "$d"
done | sort -n | head -1 >"$TMPDIR/mode"
exit 3
EOF
chmod +x wide
config 'größe x' 'format: directory'
echo "      pg_dump_command: $PWD/wide" >>c.yaml
must_fail 2 muniment -c c.yaml create
has "$ERR" "the dump of the PostgreSQL database 'größe x' on $dir failed"
eq "$(cat "$TMPDIR/mode")" 700
eq "$(ls -d "$TMPDIR"/muniment-dump-*)" "$TMPDIR/muniment-dump-live"

# --- Redis
mkdir redis
redis-server --port 0 --unixsocket "$PWD/redis/s" --dir "$PWD/redis" \
	--save '' --requirepass 'se"cret' >redis/log 2>&1 &
redis=$!
wait_for 10 test -S redis/s
REDISCLI_AUTH='se"cret' redis-cli -s redis/s SET k now >/dev/null
cat >c.yaml <<EOF
source_directories: [$PWD/redis/dump.rdb]
source_directories_must_exist: false
repositories: [{path: $PWD/repo}]
archive_name_format: '{now:%Y%m%d%H%M%S%f}'
redis_databases:
    - name: mailcow
      socket_path: $PWD/redis/s
      password: 'se"cret'
EOF
chmod 600 c.yaml
must muniment -c c.yaml create
must muniment extract --stdout repo::latest "${PWD#/}/redis/dump.rdb"
grep -aq now "$OUT" || fail "Redis: the archive has an old dump"
sed -i 's/se"cret/wrong/' c.yaml
must_fail 2 muniment -c c.yaml create
has "$ERR" "could not save its data"
