#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Databases of MySQL and MariaDB, with a server: dumped under load, dropped,
# restored, compared; what users lack; what fails.  DB_MB: its size.
# timeout: 115
. "$TOP/tests/lib.sh"
. "$TOP/tests/mariadb.sh"

mariadb_need
mariadb_start
export MUNIMENT_PASSPHRASE=secret
PASS='p"w'\''d#\ ü$ x'
rows=$((${DB_MB:-10} * 110))

my <<'SQL'
CREATE USER mailcow@localhost IDENTIFIED BY 'p"w\'d#\\ ü$ x';
GRANT ALL ON mailcow.* TO mailcow@localhost;
GRANT SELECT ON mysql.proc TO mailcow@localhost;
GRANT ALL ON `neu-Ü ``x`.* TO mailcow@localhost;
CREATE USER poor@localhost IDENTIFIED BY 'x';
CREATE DATABASE mailcow DEFAULT CHARACTER SET utf8mb4;
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EXECUTE ON mailcow.*
	TO poor@localhost;
SQL
MYSQL_PWD=$PASS mariadb --no-defaults --default-character-set=utf8mb4 \
	-u mailcow -S "$MY_SOCKET" mailcow <<SQL
CREATE TABLE domain (domain VARCHAR(255) NOT NULL PRIMARY KEY,
	description VARCHAR(255)) CHARACTER SET utf8mb4;
CREATE TABLE mailbox (username VARCHAR(255) NOT NULL PRIMARY KEY,
	name VARCHAR(255), quota BIGINT, domain VARCHAR(255) NOT NULL,
	created DATETIME NOT NULL DEFAULT NOW()) CHARACTER SET utf8mb4;
CREATE TABLE quarantine (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	msg LONGTEXT, raw LONGBLOB);
CREATE TABLE log (t INT);
INSERT INTO domain VALUES ('example.org', 'Grüße 😀'),
	('muenchen.de', 'a\'b\\\\c\nUSE \`mailcow\`;\n');
INSERT INTO mailbox (username, name, quota, domain)
	SELECT CONCAT('u', seq, '@example.org'), CONCAT('Ü😀', seq),
	seq * 1000, 'example.org' FROM seq_1_to_5000;
INSERT INTO quarantine (msg, raw)
	SELECT REPEAT(MD5(seq), 100), UNHEX(REPEAT(SHA2(seq, 512), 40))
	FROM seq_1_to_$rows;
CREATE VIEW grouped AS SELECT d.domain, COUNT(*) n FROM domain d
	JOIN mailbox m ON m.domain = d.domain GROUP BY d.domain;
DELIMITER ;;
CREATE TRIGGER ins AFTER INSERT ON mailbox FOR EACH ROW BEGIN
	INSERT INTO log VALUES (1);
END;;
CREATE PROCEDURE clean() BEGIN DELETE FROM log WHERE t < 0; END;;
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2;;
CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DO DELETE FROM log WHERE t < 0;;
SQL

# sums DATABASE: of every table but those under load, and all that is no table
sums() {
	my "$1" -e 'CHECKSUM TABLE domain, mailbox, quarantine EXTENDED' |
		sed 's/^.*\.//'
	my --skip-column-names "$1" -e "
	SELECT * FROM grouped;
	SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS
		WHERE TRIGGER_SCHEMA = DATABASE();
	SELECT ROUTINE_NAME, ROUTINE_DEFINITION FROM
		information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()
		ORDER BY 1;
	SELECT EVENT_NAME, EVENT_DEFINITION FROM information_schema.EVENTS
		WHERE EVENT_SCHEMA = DATABASE();
	SELECT twice(21);
	SELECT HEX(description) FROM domain;"
}

mkdir src
echo mail >src/mail
# config FILE USER PASSWORD [LINE...]
config() {
	config_file=$1
	cat >"$1" <<EOF
source_directories: [$PWD/src]
repositories: [{path: $PWD/repo, label: r}]
archive_name_format: '{now:%Y%m%d%H%M%S%f}'
mysql_databases:
    - name: mailcow
      socket_path: $MY_SOCKET
      username: $2
      password: '$(printf %s "$3" | sed "s/'/''/g")'
EOF
	shift 3
	for line; do
		echo "      $line" >>"$config_file"
	done
	chmod 600 "$config_file"
}
config c.yaml mailcow "$PASS" 'options: --default-character-set=utf8mb4'
must muniment -c c.yaml init -e repokey

# under load: the dump is of one moment
touch "$TMPDIR/load"
(
	while [ -e "$TMPDIR/load" ]; do
		echo 'INSERT INTO log VALUES (2), (3); DO SLEEP(0.001);'
	done | my mailcow
) >/dev/null 2>&1 &
load=$!
must muniment -c c.yaml create --stats
rm "$TMPDIR/load"
wait $load || :
has "$OUT" "Dump of MySQL database 'mailcow' on localhost: began "
must muniment list repo::latest
has "$OUT" borgmatic/mysql_databases/localhost/mailcow
has "$OUT" borgmatic/mysql_databases/dumps.json
must muniment extract --stdout repo::latest \
	borgmatic/mysql_databases/dumps.json
has "$OUT" '"data_source_name": "mailcow", "hook_name": "mysql_databases"'
must muniment restore --archive latest --to-stdout repo
eq "$(tail -1 "$OUT" | cut -c 1-17)" "-- Dump completed" "the last line"
cp "$OUT" dump.sql
must muniment info repo::latest
has "$OUT" "Dump: mysql_databases/localhost/mailcow, "
must muniment info --json repo::latest
python3 - "$OUT" "$(wc -c <dump.sql)" <<'EOF'
import json, sys
d, = json.load(open(sys.argv[1]))["archives"][0]["dumps"]
assert d.pop("time")[:2] == "20", d
assert d == {
    "hook_name": "mysql_databases", "data_source_name": "mailcow",
    "hostname": None, "port": None, "label": None, "container": None,
    "path": "borgmatic/mysql_databases/localhost/mailcow",
    "size": int(sys.argv[2])}, d
EOF
if [ -w /dev/fuse ] && command -v fusermount3 >/dev/null; then
	mkdir mnt
	must muniment mount repo mnt
	cmp mnt/latest/borgmatic/mysql_databases/localhost/mailcow dump.sql ||
		fail "the mount shows another dump"
	must muniment umount mnt
fi

# the password is seen by nobody
sums mailcow >before
has before "twice"
my -e 'DROP DATABASE mailcow'
must muniment -c c.yaml -v 2 restore --archive latest
has_not "$ERR" "p\"w"
has "$ERR" "--defaults-extra-file=/dev/fd/"
sums mailcow >after
cmp before after || fail "the database is another"

# next to the live one
config root.yaml root ''
must muniment -c root.yaml restore --archive latest --as-database 'neu-Ü `x'
sums 'neu-Ü `x' >after
cmp before after || fail "the new database is another"
sums mailcow >after
cmp before after || fail "the live database has changed"
must_fail 2 muniment -c root.yaml restore --archive latest \
	--as-database mailcow
has "$ERR" "there is a database 'mailcow' already"
must muniment -c c.yaml restore -n --archive latest
has "$OUT" "would drop and load the MySQL database 'mailcow'"

# users who lack rights: one line says what is missing and how to mend it
# MariaDB shows tablespaces to all; here it is asked for something else that
# needs the right which MySQL wants for them
cat >mysql8 <<'EOF'
#!/bin/sh
for word; do
	shift
	word=$(printf %s "$word" |
		sed 's/SELECT COUNT(FILE_NAME)[^;]*/SHOW ENGINE INNODB STATUS/')
	set -- "$@" "$word"
done
exec mariadb "$@"
EOF
chmod +x mysql8
config poor.yaml poor x "mysql_command: $PWD/mysql8"
must_fail 1 muniment -c poor.yaml -v 2 create
has "$ERR" "the user 'poor'@'localhost' has no PROCESS privilege"
has "$ERR" " --no-tablespaces --databases"
has "$ERR" "GRANT EVENT ON \`mailcow\`.* TO 'poor'@'localhost'"
has "$ERR" "GRANT SELECT ON mysql.proc TO 'poor'@'localhost'"
config poor.yaml poor x 'events: false' 'routines: false'
must muniment -c poor.yaml create
has_not "$ERR" GRANT
must muniment restore --archive latest --to-stdout repo
has_not "$OUT" "CREATE EVENT"

# no archive of a dump that fails
count() {
	muniment list --short repo | wc -l
}
n=$(count)
config bad.yaml mailcow wrong 'tls: false' 'password_transport: environment'
must_fail 2 muniment -c bad.yaml -v 2 create
has "$ERR" "running: mysql --user mailcow --socket $MY_SOCKET --skip-ssl"
has "$ERR" "the dump of the MySQL database 'mailcow' on localhost failed"
has "$ERR" "Access denied"
sed -i 's/name: mailcow/name: nowhere/' root.yaml
must_fail 2 muniment -c root.yaml create
has "$ERR" "nowhere"
cat >half <<'EOF'
#!/bin/sh
case "$*" in
*--version*) exec mysqldump "$@";;
esac
mysqldump "$@" | head -c 100000
EOF
cat >killed <<'EOF'
#!/bin/sh
mysqldump "$@" | head -c 100000
kill -KILL $$
EOF
cat >slow <<'EOF'
#!/bin/sh
echo begin
sleep 7773
EOF
chmod +x half killed slow
config half.yaml mailcow "$PASS" "mysql_dump_command: $PWD/half"
must_fail 2 muniment -c half.yaml create
has "$ERR" "'-- Dump completed' is missing"
config half.yaml mailcow "$PASS" "mysql_dump_command: $PWD/killed"
must_fail 2 muniment -c half.yaml create
has "$ERR" "mysqldump: Got errno 32 on write"
config half.yaml mailcow "$PASS" "mysql_dump_command: $PWD/slow" 'timeout: 1'
must_fail 2 muniment -c half.yaml create
has "$ERR" "longer than 1 seconds"
config half.yaml mailcow "$PASS" "mysql_dump_command: no-such-program"
must_fail 2 muniment -c half.yaml create
has "$ERR" "cannot run 'no-such-program'"
eq "$(count)" "$n" "archives after dumps that failed"
[ -z "$(pgrep -f 'sleep 7773')" ] || fail "a dump is still at work"

# names of all kinds, all databases, two repositories
my <<'SQL'
CREATE DATABASE `-a b'c"d`;
CREATE TABLE `-a b'c"d`.t (a INT);
INSERT INTO `-a b'c"d`.t VALUES (7);
SQL
drop_odd() {
	my <<-'SQL'
	DROP DATABASE `-a b'c"d`;
	DROP DATABASE `neu-Ü ``x`;
	SQL
}
seven() {
	eq "$(echo 'SELECT a FROM `-a b'\''c"d`.t' |
		my --skip-column-names)" 7
}
cat >all.yaml <<EOF
source_directories: [$PWD/src]
repositories:
    - path: $PWD/repo
    - path: $PWD/second
archive_name_format: 'all-{now:%Y%m%d%H%M%S%f}'
mariadb_databases:
    - name: all
      socket_path: $MY_SOCKET
      username: root
      format: sql
      skip_names: [mailcow]
EOF
chmod 600 all.yaml
must muniment -c all.yaml --repository "$PWD/second" init -e repokey
must muniment -c all.yaml create
for r in repo second; do
	must muniment list --short $r::latest
	has "$OUT" 'borgmatic/mariadb_databases/localhost/-a b'\''c"d'
	has "$OUT" 'borgmatic/mariadb_databases/localhost/neu-Ü `x'
	has_not "$OUT" localhost/mailcow
done
drop_odd
must_fail 2 muniment -c all.yaml restore --archive latest --database nothing
has "$ERR" "has no dump of 'nothing'"
must muniment -c all.yaml restore --archive latest
seven
sums 'neu-Ü `x' >after
cmp before after || fail "the database of an odd name is another"
sed -i '/format: sql/d' all.yaml
must muniment -c all.yaml create
must muniment list --short repo::latest
has "$OUT" borgmatic/mariadb_databases/localhost/all
drop_odd
must muniment -c all.yaml restore --archive latest --database all
seven

# a restore that fails says what it leaves behind; one that cannot begin
# leaves all as it was
cat >early <<'EOF'
#!/bin/sh
case "$*" in
*--execute*) exec mariadb "$@";;
esac
head -c 300000 | mariadb "$@"
echo "ERROR 1114 (HY000): The table 'mailbox' is full" >&2
exit 1
EOF
chmod +x early
latest=$(muniment list --short repo | head -1)
config half.yaml mailcow "$PASS" "mysql_command: $PWD/early"
must_fail 2 muniment -c half.yaml restore --archive "$latest"
has "$ERR" "is full"
has "$ERR" "the disk of the database server is full"
has "$ERR" "'mailcow' is incomplete"
must_fail 2 muniment -c bad.yaml restore --archive "$latest"
has "$ERR" "nothing was changed"
must muniment -c bad.yaml restore --archive "$latest" --password "$PASS"
sums mailcow >after
cmp before after || fail "it was not mended"
mariadb_stop
must_fail 2 muniment -c c.yaml create
has "$ERR" "failed"
must_fail 2 muniment -c c.yaml restore --archive "$latest"
has "$ERR" "nothing was changed"
mariadb_run
sums mailcow >after
cmp before after || fail "something was changed"
must_fail 3 muniment restore --archive "$latest" repo
has "$ERR" "needs the configuration"
