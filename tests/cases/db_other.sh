#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Databases of PostgreSQL, SQLite, Redis with servers of Debian; of MongoDB
# with a program that does as mongodump is documented; dumps that borgmatic
# made.
# timeout: 100
. "$TOP/tests/lib.sh"

need sqlite3
export MUNIMENT_PASSPHRASE=secret
mkdir src etc
echo mail >src/mail
# config NAME, entries on stdin
config() {
	{
		cat <<EOF
source_directories: [$PWD/src]
repositories: [{path: $PWD/repo}]
archive_name_format: '{now:%Y%m%d%H%M%S%f}'
EOF
		cat
	} >"$1"
	chmod 600 "$1"
}

# --- SQLite
sqlite3 a.db <<'SQL'
CREATE TABLE t (x TEXT, b BLOB);
INSERT INTO t VALUES ('Grüße 😀', x'00ff'), ('it''s', NULL);
SQL
chmod 640 a.db
config c.yaml <<EOF
sqlite_databases: [{name: mail, path: $PWD/a.db}]
EOF
must muniment -c c.yaml init -e repokey
must muniment -c c.yaml create --stats
has "$OUT" "Dump of SQLite database 'mail'"
must muniment list --short repo::latest
has "$OUT" borgmatic/sqlite_databases/localhost/mail
sqlite3 a.db .dump >before
sqlite3 a.db 'DELETE FROM t'
must muniment -c c.yaml restore --archive latest
sqlite3 a.db .dump >after
cmp before after || fail "SQLite: another database"
eq "$(stat -c %a a.db)" 640
must muniment -c c.yaml restore --archive latest --restore-path "$PWD/c.db"
sqlite3 c.db .dump | cmp - before || fail "SQLite: another path"
must muniment -c c.yaml restore --archive latest --as-database "$PWD/b.db"
sqlite3 b.db .dump | cmp - before || fail "SQLite: another new database"
sqlite3 a.db 'DELETE FROM t'
sqlite3 a.db .dump >before
sed 's|path: .*a.db|&, sqlite_restore_command: "false"|' c.yaml >bad.yaml
chmod 600 bad.yaml
must_fail 2 muniment -c bad.yaml restore --archive latest
has "$ERR" "is as it was"
sqlite3 a.db .dump | cmp - before || fail "SQLite: it is not as it was"
mv a.db a.away
must_fail 2 muniment -c c.yaml create
has "$ERR" "a.db"
[ ! -e a.db ] || fail "SQLite: a dump made a database"

# --- what borgmatic made, of any age
mkdir -p old/root/.borgmatic/sqlite_databases/localhost \
	old/tmp/evil/borgmatic/sqlite_databases/localhost
cp after old/root/.borgmatic/sqlite_databases/localhost/mail
tar -C old -cf old.tar .
must muniment import-tar repo::old old.tar
must muniment -c c.yaml restore --archive old
sqlite3 a.db .dump | cmp - after || fail "borgmatic's: another database"
rm -r old/root
mkdir -p old/run/user/0/borgmatic-x1/borgmatic/sqlite_databases/host
cp after old/run/user/0/borgmatic-x1/borgmatic/sqlite_databases/host/mail
tar -C old -cf old.tar .
must muniment import-tar repo::newer old.tar
rm a.db
must muniment -c c.yaml restore --archive newer
sqlite3 a.db .dump | cmp - after || fail "borgmatic's: another database"
# what somebody else may have put there is not believed
rm -r old/run
mkdir -p old/tmp/borgmatic-x/borgmatic/sqlite_databases/localhost
cp after old/tmp/borgmatic-x/borgmatic/sqlite_databases/localhost/mail
tar -C old --owner=1234 --group=1234 -cf old.tar .
must muniment import-tar repo::evil old.tar
must_fail 2 muniment -c c.yaml restore --archive evil
has "$ERR" "has no dumps"

# --- MongoDB: a stand-in
cat >mongodump <<'EOF'
#!/bin/sh
echo "$*" >>dump.args
cat "${1#--config=}" >dump.password
printf '\201\231\342\155data\377\377\377\377'
EOF
cat >mongorestore <<'EOF'
#!/bin/sh
echo "$*" >>restore.args
cat >restored
EOF
chmod +x mongodump mongorestore
config c.yaml <<EOF
mongodb_databases:
    - name: users
      hostname: db
      port: 27018
      username: anna
      password: 'se"cret'
      authentication_database: admin
      mongodump_command: $PWD/mongodump
      mongorestore_command: $PWD/mongorestore
EOF
must muniment -c c.yaml create
has dump.password 'password: "se\"cret"'
has dump.args "--host db --port 27018 --username anna"
has dump.args "--db users --archive"
must muniment -c c.yaml restore --archive latest
has restore.args "--archive --drop --nsInclude=users.*"
eq "$(od -An -c restored | tr -d ' \n')" '201231342mdata377377377377'
must muniment -c c.yaml restore --archive latest --as-database new
has restore.args "--nsFrom=users.* --nsTo=new.*"

# --- containers: a stand-in for docker and podman, which answers as they are
# documented to; the networks of a container, each with an address
cp c.yaml plain.yaml
sed -i '/hostname:/d; s/name: users/&\n      container: mail-mongo-1/' c.yaml
mkdir bin
cat >bin/docker <<'EOF'
#!/bin/sh
echo "docker $*" >>asked
[ "$1 $2 $3" = "container inspect --format" ] && [ "$5" = -- ] || exit 125
case $6 in
mail-mongo-1) echo " 172.22.1.7 172.23.0.9 ";;
old) echo "172.17.0.3 172.17.0.3 ";;
down) echo "  ";;
*) echo "Error response from daemon: No such container: $6" >&2; exit 1;;
esac
EOF
sed 's/docker/podman/; s/mail-mongo-1)/pod)/' bin/docker >bin/podman
chmod +x bin/docker bin/podman
# container NAME STATUS TEXT: in dump.args, or said
container() {
	sed "s/mail-mongo-1/$1/" c.yaml >in.yaml
	chmod 600 in.yaml
	rm -f dump.args asked
	if [ "$2" = 0 ]; then
		PATH=$PWD/bin:$PATH must muniment -c in.yaml create
		has dump.args "$3"
	else
		PATH=$PWD/bin:$PATH must_fail "$2" muniment -c in.yaml create
		has "$ERR" "$3"
		[ ! -e dump.args ] || fail "it was dumped from somewhere"
	fi
}
container mail-mongo-1 0 "--host 172.22.1.7 --port 27018"
eq "$(grep -c '^docker' asked)" 2
must muniment list --short repo::latest
has "$OUT" borgmatic/mongodb_databases/mail-mongo-1/users
container old 0 "--host 172.17.0.3"
container pod 0 "--host 172.22.1.7"
has asked podman
container down 2 "it has no address of its own; is it running?"
container gone 2 "No such container: gone"
# a restore asks anew: the address is another by then
sed -i 's/172.22.1.7/172.22.1.8/' bin/docker
rm -f restore.args
PATH=$PWD/bin:$PATH must muniment -c c.yaml restore --archive latest \
	--original-container pod --container mail-mongo-1
has restore.args "--host 172.22.1.8"
cp plain.yaml c.yaml

# a folder, for two repositories made once
cat >mongodump <<'EOF'
#!/bin/sh
echo "$*" >>dump.args
while [ "$1" != --out ]; do shift; done
mkdir -p "$2/users"
echo data >"$2/users/a b.bson"
EOF
cat >mongorestore <<'EOF'
#!/bin/sh
echo "$*" >>restore.args
while [ "$1" != --dir ]; do shift; done
find "$2" -type f -printf '%P ' -exec cat {} +
find "$2" -type f -printf '%P ' -exec cat {} + >restored
EOF
sed "s|{path: $PWD/repo}|&, {path: $PWD/second}|
	s|name: users|&\n      format: directory|" c.yaml >two.yaml
chmod 600 two.yaml
must muniment -c two.yaml --repository "$PWD/second" init -e repokey
rm -f dump.args
must muniment -c two.yaml create
eq "$(wc -l <dump.args)" 1 "the number of dumps"
for r in repo second; do
	must muniment extract --stdout $r::latest \
		"borgmatic/mongodb_databases/db:27018/users/users/a b.bson"
	eq "$(cat "$OUT")" data
	rm -f restored
	must muniment -c two.yaml --repository "$PWD/$r" restore \
		--archive latest
	eq "$(cat restored)" "users/a b.bson data"
done
has restore.args "--drop --nsInclude=users.*"
cat >mongodump <<'EOF'
#!/bin/sh
printf '\201\231\342\155datax'
EOF
must_fail 2 muniment -c c.yaml create
has "$ERR" "ends in the middle"
