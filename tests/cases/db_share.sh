#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# One dump for all repositories of a run: read for the others from the archive
# that has it, and made anew where that cannot be.
# timeout: 115
. "$TOP/tests/lib.sh"

need sqlite3
export MUNIMENT_PASSPHRASE=secret
mkdir src
echo mail >src/mail
sqlite3 a.db "CREATE TABLE t (x BLOB)"
sqlite3 a.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	LIMIT 1500) INSERT INTO t SELECT randomblob(1000) FROM n"
# It says when it is called.
cat >dumper <<'EOF'
#!/bin/sh
echo made >>"${0%/*}/made"
exec sqlite3 "$@"
EOF
chmod +x dumper
# config [LINE...]: more of it
repos="    - {path: $PWD/one, label: one}
    - {path: $PWD/two, label: two}
    - {path: $PWD/three, label: three}"
config() {
	cat >c.yaml <<EOF
source_directories: [$PWD/src]
repositories:
$repos
archive_name_format: '{now:%Y%m%d%H%M%S%f}'
sqlite_databases:
    - {name: a, path: $PWD/a.db, sqlite_command: $PWD/dumper}
    - {name: b, path: $PWD/a.db, sqlite_command: $PWD/dumper}
EOF
	for line; do
		echo "$line" >>c.yaml
	done
	chmod 600 c.yaml
	rm -f made
}
made() {
	eq "$(wc -l <made)" "$1" "the number of dumps"
}
dump=borgmatic/sqlite_databases/localhost/b
# one REPOSITORY: hash and time of its latest dump
one() {
	muniment extract --stdout "$1::latest" "$dump" | sha256sum
	muniment list --format '{mtime} {size}{NL}' "$1::latest" "$dump"
}
same() {
	one one >of-one
	for r in two three; do
		one $r | cmp - of-one || fail "$r has another dump than one"
	done
}
config
must muniment -c c.yaml init -e repokey
must muniment -c c.yaml create --stats
made 2
same
eq "$(sqlite3 a.db .dump | sha256sum)" "$(head -1 of-one)" "the dump"
eq "$(grep -c "Dump of SQLite database 'b' .*: began" "$OUT")" 3
eq "$(grep -c "Dump of .*, taken from $PWD/one\$" "$OUT")" 4

# the others need no server
config 'commands:' "    - {after: repository, run: ['rm -f $PWD/a.db']}"
cp a.db kept.db
must muniment -c c.yaml create
made 2
same
cp kept.db a.db

# the next run has a dump of its own
sqlite3 a.db "DELETE FROM t WHERE rowid = 1"
config
must muniment -c c.yaml create
made 2
same
eq "$(sqlite3 a.db .dump | sha256sum)" "$(head -1 of-one)" "the next dump"

# what is in an archive that has gone away is dumped anew
config 'commands:' \
	"    - {after: repository, run: ['mv $PWD/one $PWD/away || :']}"
must muniment -c c.yaml -v 1 create
has "$ERR" "two: dumps are made anew, because those in the archive"
made 4
mv away one
one two >of-two
one three | cmp - of-two || fail "three has another dump than two"

# nor is what is damaged there taken: it is found in the middle of the dump
cat >damage <<'EOF'
#!/bin/sh
[ "$1" = one ] || exit 0
cd "${0%/*}/one/data" && find . -type f -newer ../../c.yaml |
	while read -r f; do
		chmod u+w "$f"
		dd if=/dev/zero of="$f" bs=1k seek=200 count=1 conv=notrunc
	done
EOF
chmod +x damage
sqlite3 a.db 'UPDATE t SET x = randomblob(1000)'
config 'commands:' "    - after: repository" \
	"      run: ['$PWD/damage {repository_label} >/dev/null 2>&1']"
must muniment -c c.yaml -v 1 create
has "$ERR" "is dumped anew, because the dump in another repository"
made 4
one two >of-two
eq "$(sqlite3 a.db .dump | sha256sum)" "$(head -1 of-two)" "the dump of two"
one three | cmp - of-two || fail "three has another dump than two"
must_fail 14 muniment extract --stdout one::latest "$dump"

# a retry has a dump of its own
cat >once <<'EOF'
#!/bin/sh
[ "$1" != two ] || [ -e "${0%/*}/was" ] || { touch "${0%/*}/was"; exit 1; }
EOF
chmod +x once
sqlite3 a.db 'UPDATE t SET x = randomblob(1000)'
config 'retries: 1' 'commands:' "    - before: repository" \
	"      run: ['$PWD/once {repository_label}']"
must muniment -c c.yaml create
made 4

# a passphrase from a file descriptor, which is read once, is for all
sqlite3 a.db 'UPDATE t SET x = randomblob(1000)'
config
echo secret >pass
must env -u MUNIMENT_PASSPHRASE MUNIMENT_PASSPHRASE_FD=3 \
	muniment -c c.yaml create 3<pass
made 2
same

# --- one repository here, others behind ssh
. "$TOP/tests/sshd.sh"
sshd_need
sshd_start
export MUNIMENT_RSH="$SSHD_CMD"
far=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/far
# over ORDER...: a run with these
over() {
	repos=
	for r; do
		repos="$repos    - {path: '$r'}
"
	done
	sqlite3 a.db 'UPDATE t SET x = randomblob(1000)'
	config
	must muniment -c c.yaml create --stats
	made 2
	sqlite3 a.db .dump >want
	for r; do
		muniment extract --stdout "$r::latest" "$dump" | cmp - want ||
			fail "$r has another dump"
	done
}
must muniment init -e repokey "$far"
must muniment init -e repokey "${far}2"
over "$PWD/one" "$far"
eq "$(grep -c ", taken from $PWD/one\$" "$OUT")" 2 "from here"
over "$far" "$PWD/one"
eq "$(grep -c ", taken from $far\$" "$OUT")" 2 "from afar"
# the one that is here is read for those after it
over "$far" "$PWD/one" "${far}2"
eq "$(grep -c ", taken from $far\$" "$OUT")" 2 "from afar, for one"
eq "$(grep -c ", taken from $PWD/one\$" "$OUT")" 2 "from here, for the rest"
sshd_stop
