#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A database as mailcow has it: dumped under write load, dropped, restored,
# every table compared; who sees its password; a dump that is killed; a disk
# that is full when it is restored.  DB_MB: its size; with 200 it takes a
# minute (make db-large).
# timeout: 110
. "$TOP/tests/lib.sh"
. "$TOP/tests/mariadb.sh"

mariadb_need
need_root
DB_MB=${DB_MB:-6}
MY_FS_MB=$((DB_MB * 4 + 220))
mariadb_start
export MUNIMENT_PASSPHRASE=secret
PASS='geheim-Ü"7'\'' $x'
now() {
	date +%s%N
}
# took WHAT SINCE: a figure, for the long form
took() {
	[ -z "${DB_REPORT:-}" ] || echo "$1: $((($(now) - $2) / 1000000)) ms" \
		>>"$DB_REPORT"
}

# --- the schema: what mailcow, its SOGo and its hooks make
my <<'SQL'
CREATE DATABASE mailcow DEFAULT CHARACTER SET utf8mb4;
CREATE USER mailcow@localhost IDENTIFIED BY 'geheim-Ü"7\' $x';
GRANT ALL ON mailcow.* TO mailcow@localhost;
GRANT SELECT ON mysql.proc TO mailcow@localhost;
SQL
MYSQL_PWD=$PASS mariadb --no-defaults --default-character-set=utf8mb4 \
	-u mailcow -S "$MY_SOCKET" mailcow <<'SQL'
CREATE TABLE domain (domain VARCHAR(255) NOT NULL PRIMARY KEY,
	description VARCHAR(255), aliases INT NOT NULL DEFAULT 0,
	maxquota BIGINT NOT NULL DEFAULT 102400, active TINYINT(1) NOT NULL
	DEFAULT 1, created DATETIME(0) NOT NULL DEFAULT NOW(0),
	modified DATETIME ON UPDATE CURRENT_TIMESTAMP) ROW_FORMAT=DYNAMIC;
CREATE TABLE mailbox (username VARCHAR(255) NOT NULL PRIMARY KEY,
	password VARCHAR(255) NOT NULL, name VARCHAR(255), quota BIGINT,
	local_part VARCHAR(255) NOT NULL, domain VARCHAR(255) NOT NULL,
	attributes JSON, custom_attributes JSON NOT NULL DEFAULT ('{}'),
	active TINYINT(1) NOT NULL DEFAULT 1, KEY domain (domain),
	CONSTRAINT fk_d FOREIGN KEY (domain) REFERENCES domain (domain)
	ON DELETE CASCADE) ROW_FORMAT=DYNAMIC;
CREATE TABLE alias (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	address VARCHAR(255) NOT NULL, goto TEXT NOT NULL,
	domain VARCHAR(255) NOT NULL, sogo_visible TINYINT(1) DEFAULT 1,
	length INT AS (CHAR_LENGTH(goto)) STORED, UNIQUE KEY a (address));
CREATE TABLE sender_acl (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	logged_in_as VARCHAR(255) NOT NULL, send_as VARCHAR(255) NOT NULL,
	external TINYINT(1) NOT NULL DEFAULT 0);
CREATE TABLE spamalias (address VARCHAR(255) NOT NULL PRIMARY KEY,
	goto TEXT NOT NULL, validity INT(11));
CREATE TABLE quarantine (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	qid VARCHAR(30) NOT NULL, subject VARCHAR(500), score FLOAT(8,2),
	ip VARCHAR(50), symbols JSON, sender VARCHAR(255), msg LONGTEXT,
	raw LONGBLOB, created DATETIME(0) NOT NULL DEFAULT NOW(0));
CREATE TABLE quota2 (username VARCHAR(255) NOT NULL PRIMARY KEY,
	bytes BIGINT NOT NULL DEFAULT 0, messages BIGINT NOT NULL DEFAULT 0);
CREATE TABLE sasl_log (service VARCHAR(32) NOT NULL, app_password INT,
	username VARCHAR(255) NOT NULL, real_rip VARCHAR(64) NOT NULL,
	datetime DATETIME(6) NOT NULL, PRIMARY KEY (service, real_rip,
	username)) CHARACTER SET latin1;
CREATE TABLE sogo_store (c_folder_id INT NOT NULL, c_name VARCHAR(255)
	NOT NULL DEFAULT '', c_content MEDIUMTEXT NOT NULL, c_bits BIT(12),
	c_set SET('a','b','c'), c_enum ENUM('ä','ö'), c_dec DECIMAL(30,10),
	c_double DOUBLE, c_year YEAR, c_bin VARBINARY(255), c_geo POINT,
	PRIMARY KEY (c_folder_id, c_name));
CREATE TABLE versions (application VARCHAR(100) NOT NULL PRIMARY KEY,
	version VARCHAR(100)) ENGINE=MyISAM;
CREATE TABLE `odd ``name"' ü` (`a b` INT PRIMARY KEY, `select` TEXT)
	COMMENT='it''s "odd" \\ ; -- \n';
CREATE TABLE account (id INT PRIMARY KEY, n BIGINT NOT NULL);
CREATE TABLE booking (id BIGINT AUTO_INCREMENT PRIMARY KEY, n BIGINT,
	src INT, dst INT);
CREATE SEQUENCE ids START WITH 42;
INSERT INTO domain (domain, description) VALUES ('example.org',
	'Grüße 😀'), ('bücher.example', 'a\'b\\c\nUSE `x`;\n-- \0\Z\r');
INSERT INTO mailbox (username, password, name, quota, local_part, domain,
	attributes) SELECT CONCAT('u', seq, '@example.org'),
	CONCAT('{BLF-CRYPT}$2y$10$', MD5(seq)), CONCAT('Ü😀', seq), seq * 7,
	CONCAT('u', seq), 'example.org', JSON_OBJECT('n', seq, 'ü', '"\\')
	FROM seq_1_to_3000;
INSERT INTO alias (address, goto, domain) SELECT username, username, domain
	FROM mailbox;
INSERT INTO sender_acl (logged_in_as, send_as) SELECT username, '*' FROM
	mailbox WHERE quota < 700;
INSERT INTO spamalias VALUES ('x@example.org', 'u1@example.org', 1), ('y',
	'', NULL);
INSERT INTO sogo_store SELECT seq, 'ical', CONCAT('BEGIN:VCALENDAR\r\n',
	REPEAT('ö;\\,', 300)), seq % 4096, 'a,c', 'ö', seq / 7, SQRT(seq),
	2026, UNHEX(MD5(seq)), POINT(seq, 1) FROM seq_1_to_500;
INSERT INTO sasl_log VALUES ('imap', NULL, 'm\xfcller', '::1', NOW(6));
INSERT INTO versions VALUES ('db_schema', '23112026_1200');
INSERT INTO `odd ``name"' ü` VALUES (1, NULL), (2, ''), (3, 'NULL');
INSERT INTO account SELECT seq, 1000 FROM seq_1_to_20;
INSERT INTO quota2 SELECT username, quota, 1 FROM mailbox;
CREATE VIEW grouped_mail_aliases AS SELECT goto, GROUP_CONCAT(address ORDER BY
	address SEPARATOR ' ') AS aliases FROM alias GROUP BY goto;
CREATE SQL SECURITY INVOKER VIEW sogo_view AS SELECT m.username c_uid, m.name
	c_cn, IFNULL(g.aliases, '') aliases FROM mailbox m LEFT JOIN
	grouped_mail_aliases g ON g.goto = m.username;
DELIMITER ;;
CREATE TRIGGER sogo_insert AFTER INSERT ON quota2 FOR EACH ROW BEGIN
	UPDATE domain SET aliases = aliases + 1 WHERE domain = 'none';
END;;
CREATE TRIGGER up BEFORE UPDATE ON spamalias FOR EACH ROW
	SET NEW.goto = CONCAT(NEW.goto, ';ä');;
CREATE PROCEDURE book(a INT, b INT, x BIGINT) BEGIN
	START TRANSACTION;
	UPDATE account SET n = n - x WHERE id = a;
	INSERT INTO booking (n, src, dst) VALUES (x, a, b);
	UPDATE account SET n = n + x WHERE id = b;
	COMMIT;
END;;
CREATE FUNCTION umlaut(x TEXT CHARACTER SET utf8mb4) RETURNS TEXT
	CHARACTER SET utf8mb4 DETERMINISTIC RETURN CONCAT(x, 'ß😀');;
CREATE EVENT clean_spamalias ON SCHEDULE EVERY 1 DAY DO
	DELETE FROM spamalias WHERE validity < UNIX_TIMESTAMP();;
CREATE EVENT clean_sasl_log ON SCHEDULE EVERY 1 DAY DISABLE DO BEGIN
	DELETE FROM sasl_log WHERE datetime < NOW() - INTERVAL 31 DAY;
END;;
SQL
begun=$(now)
# a message is 24 KB: text that can be compressed, and bytes that cannot
my mailcow -e "INSERT INTO quarantine (qid, subject, score, symbols, msg, raw)
	SELECT LEFT(MD5(seq), 16), CONCAT('Betreff 😀 ', seq), seq / 3,
	JSON_ARRAY('A', seq), CONCAT('Subject: x\r\n\r\n',
	REPEAT(CONCAT(MD5(seq), '\r\n'), 350)), (SELECT GROUP_CONCAT(UNHEX(
	SHA2(CONCAT(seq, ':', x), 512)) SEPARATOR '') FROM (SELECT seq AS x
	FROM seq_1_to_192) t) FROM seq_1_to_$((DB_MB * 42))"
took "making it" "$begun"

# tables DATABASE: a checksum of each
tables() {
	my --skip-column-names "$1" -e "SELECT CONCAT('CHECKSUM TABLE ',
		GROUP_CONCAT('\`', REPLACE(TABLE_NAME, '\`', '\`\`'), '\`'
		ORDER BY TABLE_NAME), ' EXTENDED')
		FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
		AND TABLE_TYPE = 'BASE TABLE'" |
		sed 's/\\n/ /g' | my --skip-column-names "$1" |
		sed "s/^$1\.//"
}
# rest DATABASE: how all of it is made, and what views and routines give
rest() {
	my --skip-column-names "$1" -e "
	SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLUMN_DEFAULT, EXTRA,
		COLLATION_NAME, GENERATION_EXPRESSION FROM
		information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()
		ORDER BY 1, ORDINAL_POSITION;
	SELECT TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME FROM
		information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()
		ORDER BY 1, 2, 3;
	SELECT TABLE_NAME, ENGINE, TABLE_COMMENT FROM
		information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
		ORDER BY 1;
	SELECT TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION,
		ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE
		TRIGGER_SCHEMA = DATABASE() ORDER BY 1;
	SELECT ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_DEFINITION FROM
		information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()
		ORDER BY 1;
	SELECT EVENT_NAME, STATUS, INTERVAL_VALUE, EVENT_DEFINITION FROM
		information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()
		ORDER BY 1;
	SELECT * FROM sogo_view ORDER BY 1;
	SELECT umlaut('x'), HEX(description) FROM domain;
	SELECT HEX(username) FROM sasl_log;
	SELECT NEXT_NOT_CACHED_VALUE FROM ids;"
}
still() {
	grep -v '^account\|^booking'
}

# same FILE WHAT: stdin is that
same() {
	diff "$1" - >&2 || fail "$2"
}

mkdir src
echo mail >src/mail
# config [LINE...]: more of the entry
config() {
	cat >c.yaml <<EOF
source_directories: [$PWD/src]
repositories:
    - {path: $PWD/one, label: one}
    - {path: $PWD/two, label: two}
archive_name_format: '{now:%Y%m%d%H%M%S%f}'
mariadb_databases:
    - name: mailcow
      socket_path: $MY_SOCKET
      username: mailcow
      password: '$(printf %s "$PASS" | sed "s/'/''/g")'
EOF
	for line; do
		echo "      $line" >>c.yaml
	done
	chmod 600 c.yaml
}
config
must muniment -c c.yaml init -e repokey

# --- who could see the password?  Whatever can be seen of processes, and
# files that others may read.
umask 022
(umask 077 && printf '%s\n' "$PASS" 'geheim-Ü' >secrets)
watch() {
	while [ -e "$TMPDIR/watching" ]; do
		grep -alF -f secrets /proc/[0-9]*/cmdline || :
		sleep 0.02
	done >>seen 2>/dev/null
}
watch_files() {
	while [ -e "$TMPDIR/watching" ]; do
		{
			find "${TMPDIR%/*}" -newer c.yaml -type f -perm /077 \
				! -path "$MY_DIR/*" ! -name "see?" -print0
			find /tmp /dev/shm -maxdepth 1 -newer c.yaml -type f \
				-perm /077 -print0
		} | xargs -0r grep -alF -f secrets || :
		sleep 0.02
	done >>seen 2>/dev/null
}
watching() {
	touch "$TMPDIR/watching"
	: >seen
	watch &
	watcher=$!
	watch_files &
	watcher2=$!
}
seen() {
	rm "$TMPDIR/watching"
	wait $watcher $watcher2
}
watching
cp secrets open-to-all
chmod 644 open-to-all
touch open-to-all
sh -c 'sleep 1; :' "$PASS"
seen
has seen /cmdline
has seen open-to-all
rm open-to-all

# --- under load: what is in the dump is of one moment
load() {
	while [ -e "$TMPDIR/load" ]; do
		cat <<-'SQL'
		CALL book(1 + FLOOR(RAND() * 20), 1 + FLOOR(RAND() * 20),
			FLOOR(RAND() * 9));
		DO SLEEP(0.0005);
		SQL
	done | my mailcow >/dev/null 2>&1 || :
}
tables mailcow | still >before
touch "$TMPDIR/load"
load &
load1=$!
load &
load2=$!
watching
wait_for 10 sh -c "[ \$(echo 'SELECT COUNT(*) FROM booking' |
	mariadb --no-defaults -N -u root -S '$MY_SOCKET' mailcow) -gt 50 ]"
begun=$(now)
must muniment -c c.yaml -v 2 create --stats
took "create, two repositories, under load" "$begun"
[ -z "${DB_REPORT:-}" ] || grep 'Dump of\|Bytes:\|Duration' "$OUT" \
	>>"$DB_REPORT"
eq "$(grep -c 'running:.*mariadb-dump.*--databases' "$ERR")" 1 "dumps made"
has_not "$ERR" "geheim"
rm "$TMPDIR/load"
wait $load1 $load2 || :
my -e 'GRANT ALL ON copy.* TO mailcow@localhost'
must muniment -c c.yaml --repository two -v 2 restore --archive latest \
	--as-database copy
has_not "$ERR" "geheim"
seen
[ ! -s seen ] || fail "the password could be seen: $(sort -u seen)"
tables copy | still | same before "a table at rest is another"
eq "$(my -N copy -e 'SELECT SUM(n) FROM account')" 20000 "all accounts"
my -N copy -e 'SELECT a.id, a.n - 1000 - IFNULL((SELECT SUM(n) FROM booking
	WHERE dst = a.id), 0) + IFNULL((SELECT SUM(n) FROM booking WHERE src =
	a.id), 0) AS d FROM account a HAVING d <> 0' >torn
[ ! -s torn ] || fail "it is not of one moment: $(cat torn)"
[ "$(my -N copy -e 'SELECT COUNT(*) FROM booking')" -gt 50 ] ||
	fail "there was no load"
my -e 'DROP DATABASE copy'

# --- dropped, restored: every table, and all that is none
must muniment -c c.yaml create
tables mailcow >before
rest mailcow >rest-before
eq "$(wc -l <before)" 13 "the number of tables"
my -e 'DROP DATABASE mailcow'
begun=$(now)
must muniment -c c.yaml restore --archive latest
took restore "$begun"
tables mailcow | same before "a table is another"
rest mailcow | same rest-before "views, routines ... are others"

# --- killed in the middle: it waits for a table when that happens
cat >killed <<'EOF'
#!/bin/sh
case "$*" in
*--version*) exec mariadb-dump "$@";;
esac
(sleep 1; kill -KILL $$) >/dev/null 2>&1 &
exec mariadb-dump "$@"
EOF
chmod +x killed
config "mariadb_dump_command: $PWD/killed"
n=$(muniment list --short one | wc -l)
echo 'LOCK TABLES spamalias WRITE; DO SLEEP(3);' | my mailcow &
lock=$!
sleep 0.3
must_fail 2 muniment -c c.yaml --repository one create
has "$ERR" "was ended by signal 9"
wait $lock
eq "$(muniment list --short one | wc -l)" "$n" "archives after a killed dump"

# --- the disk is full: said, with the state; mended by a restore
config
my -e 'DROP DATABASE mailcow'
free=$(df --output=avail -k "$MY_DIR" | tail -1)
fallocate -l $((free - DB_MB * 400))K "$MY_DIR/filler"
must_fail 2 muniment -c c.yaml restore --archive latest
has "$ERR" "ERROR 1"
grep -q "disk of the database server is full\|whether its disk is full" \
	"$ERR" || fail "it does not say that the disk is full: $(cat "$ERR")"
has "$ERR" "'mailcow' is incomplete: restore it again"
rm "$MY_DIR/filler"
must muniment -c c.yaml restore --archive latest
tables mailcow | same before "a table is another, after a full disk"
rest mailcow | same rest-before "not as it was, after a full disk"

# --- the long form: what all that costs, next to the dump into nothing, piped
# into an archive by a shell, and a file of the same size; medians of ROUNDS
[ -n "${DB_REPORT:-}" ] || exit 0
my -N -e 'SET GLOBAL innodb_buffer_pool_size = 1024 * 1024 * 1024'
printf '[client]\nuser=root\nsocket=%s\n' "$MY_SOCKET" >client
cat >dump <<EOF
#!/bin/sh
exec mariadb-dump --defaults-file=$PWD/client --add-drop-database \
	--single-transaction --events --routines --no-tablespaces \
	--databases mailcow
EOF
chmod +x dump
cat >cost.yaml <<EOF
source_directories: [$PWD/src]
repositories: [{path: $PWD/cost}]
mariadb_databases:
    - {name: mailcow, socket_path: $MY_SOCKET, username: root}
EOF
chmod 600 cost.yaml
mkdir as-file
./dump >as-file/mailcow
# one KIND COMMAND...: once, into an empty repository
one() {
	kind=$1
	shift
	rm -rf cost
	muniment init -e repokey cost >/dev/null
	measure m.json "$@" >/dev/null
	echo "{\"kind\": \"$kind\", \"took\": $(cat m.json)}" >>costs
}
for _ in $(seq "${DB_ROUNDS:-5}"); do
	one 'dump into /dev/null' ./dump
	one 'create of its file' muniment create cost::a as-file
	one 'dump | create -' sh -c './dump | muniment create cost::a -'
	one 'create with the hook' muniment -c cost.yaml create
done
python3 - costs >>"$DB_REPORT" <<'EOF'
import json, statistics, sys
rows = {}
for line in open(sys.argv[1]):
    row = json.loads(line)
    assert row["took"]["status"] == 0, row
    rows.setdefault(row["kind"], []).append(row["took"])
def median(took, *keys):
    return statistics.median(sum(t[k] for k in keys) for t in took)
for kind, took in rows.items():
    print(f"{kind}: {median(took, 'wall'):.2f} s, "
          f"{median(took, 'user', 'sys'):.2f} s of CPU, "
          f"{median(took, 'peak_kib') / 1024:.0f} MiB")
EOF
