#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What a configured run leaves: figures for monitoring, the summary, the state
# that status reads, names in the archive, the configuration itself.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret TZ=UTC
mkdir -p src etc
for i in 1 2 3; do
	echo $i >src/$i
done
config() {
	cat >etc/c.yaml <<END
source_directories: [$PWD/src]
repositories:
    - {path: $PWD/a, label: one}
    - {path: $PWD/b, label: two}
keep_daily: 1
prometheus_file: $PWD/metrics
$1
END
	chmod 600 etc/c.yaml
}
config ''
must muniment -c etc/c.yaml init -e repokey

# figures, about all repositories of the file, also of those that failed
rm -f metrics
must muniment -n -c etc/c.yaml
[ ! -e metrics ] || fail "a dry run wrote a file"
must muniment -c etc/c.yaml -v 1
has "$ERR" "c.yaml: one: created '"
has "$ERR" "pruned 0 archives; compacted, 0 B freed; checked; "
has metrics 'muniment_last_run_exit_status{repository="one"} 0'
has metrics 'muniment_last_run_exit_status{repository="two"} 0'
has metrics 'muniment_newest_archive_files{repository="one"'
mv b away
must_fail 10 muniment -c etc/c.yaml create
has metrics 'muniment_last_run_exit_status{repository="one"} 0'
has metrics 'muniment_last_run_exit_status{repository="two"} 10'
mv away b
# a file that cannot be written is a warning
config "prometheus_file: $PWD/no/such/folder"
sed -i '0,/^prometheus_file/{/^prometheus_file/d}' etc/c.yaml
must_fail 1 muniment -c etc/c.yaml create
has "$ERR" "no/such/folder"

config ''
must muniment -c etc/c.yaml create prune compact check
must muniment -c etc/c.yaml --repository one key export one.key
must muniment -c etc/c.yaml --repository one status
for text in "Last run: done" "Last check of repository: " \
	"Last check of archives: "; do
	has "$OUT" "$text"
done

# the result of a check is an answer: prefixed, in logs, not at -v -1
must muniment -c etc/c.yaml --log-file log check --force
has "$OUT" "one: checked "
has log "one: checked "
must muniment -c etc/c.yaml -v -1 check --force
[ ! -s "$OUT" ] || fail "-v -1 answered"

# names; figures after create only
config "archive_hostname: mail.example
archive_username: vmail
quick_statistics: true
archive_name_format: '{hostname}-{user}-{now:%f}'"
must muniment -c etc/c.yaml --repository one create prune
eq "$(grep -c 'This archive:' "$OUT")" 1 figures
has_not "$OUT" "Deleted data"
must muniment -c etc/c.yaml --repository one list --format \
	'{archive} {hostname} {username}{NL}'
grep -qE '^mail.example-vmail-[0-9]{6} mail.example vmail$' "$OUT" ||
	fail "names: $(cat "$OUT")"

# keys of this machine in a folder of their own
config "borg_keys_directory: $PWD/keys"
rm -rf a b
must muniment -c etc/c.yaml init -e keyfile
eq "$(find keys -type f | wc -l)" 2 keys
must muniment -c etc/c.yaml create
run_kept 1 muniment -c etc/c.yaml status
has_not "$OUT" "cannot be reached"
must_fail 12 muniment list a
must env BORG_KEYS_DIR="$PWD/keys" muniment list a

# the configuration comes back from the archive, below a folder or in place
cp -p etc/c.yaml kept
export MUNIMENT_KEYS_DIR="$PWD/keys"
mkdir back
must muniment --repository a config bootstrap --destination back
cmp kept "back$PWD/etc/c.yaml"
rm etc/c.yaml
must muniment --repository "$PWD/a" config bootstrap
cmp kept etc/c.yaml
eq "$(stat -c %a etc/c.yaml)" 600 mode

# a database that cannot be dumped must not be missing without a word
muniment list --short a >before
config "mysql_databases: [{name: mailcow, hostname: 127.0.0.1, port: 1,
    username: nobody, password: '1'}]"
if muniment -c etc/c.yaml --repository one create prune >o 2>&1; then
	fail "an archive without its database: $(cat o)"
fi
has o mailcow
muniment list --short a >after
cmp before after
