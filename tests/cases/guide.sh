#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The guide for mailcow, followed command by command, with muniment in place
# of borgmatic and of borg, and a local repository.
. "$TOP/tests/lib.sh"

mkdir bin
ln -s "$(command -v muniment)" bin/borgmatic
ln -s "$(command -v muniment)" bin/borg
PATH=$PWD/bin:$PATH
export XDG_CONFIG_HOME="$PWD/config" BORG_PASSPHRASE=something-real-good
etc=$XDG_CONFIG_HOME/borgmatic.d
mkdir -p "$etc" mnt/source/vmail/example.org/anna/Maildir/cur mnt/source/crypt \
	mnt/source/postfix/public mnt/source/postfix/private mnt/source/rspamd
source=$PWD/mnt/source
vmail=$source/vmail/example.org/anna/Maildir/cur
for i in 1 2 3 4 5 6 7 8 9; do
	printf 'Subject: %s\n\nhello\n' $i >"$vmail/176.$i.host:2,S"
done
echo key >mnt/source/crypt/ecprivkey.pem
mkfifo mnt/source/postfix/public/pickup mnt/source/rspamd/rspamd.sock

# the configuration as it is printed: its indentation is no YAML
DBNAME=mailcow DBUSER=mailcow DBPASS=01234567890
write() {
	cat <<EOF >"$etc/config.yaml"
source_directories:
    - $source
repositories:
    - path: $PWD/repo
      label: rsync
exclude_patterns:
    - '$source/postfix/public/'
    - '$source/postfix/private/'
    - '$source/rspamd/rspamd.sock'

keep_hourly: 24
keep_daily: 7
keep_weekly: 4
keep_monthly: 6
$1
EOF
}
write "
mysql_databases:
    - name: $DBNAME
        username: $DBUSER
        password: $DBPASS
        options: --default-character-set=utf8mb4"
must_fail 3 borgmatic init --encryption repokey-blake2
eq "$(cat "$ERR")" "muniment: $etc/config.yaml, line 18, column 9: \
'username:' is indented by 8 spaces (as lines 18 to 20 are), deeper than \
'name:' in line 17, which it belongs beside: indent it by 6 spaces"
[ ! -e repo ] || fail "a broken configuration made a repository"
must_fail 3 borgmatic --stats -v 0
[ ! -e repo ] || fail "a broken configuration made a repository"

# indented as it says; but the heredoc leaves the password to everybody
sed -i 's/^        /      /' "$etc/config.yaml"
chmod 644 "$etc/config.yaml"
must borgmatic config validate
has "$ERR" "every user can read it: chmod 600 it"
chmod 600 "$etc/config.yaml"
must borgmatic config validate
[ ! -s "$ERR" ] || fail "it says: $(cat "$ERR")"

# the same without a database, whose dumps have tests of their own
write ""
must_fail 10 borgmatic --stats -v 0
has "$ERR" "rsync: "
has "$ERR" "there is no repository"

must borgmatic init --encryption repokey-blake2
has "$OUT" "made the repository $PWD/repo"
must borgmatic init --encryption repokey-blake2
has "$OUT" "is a repository already"

# the line of the crontab, as cron would run it
echo "14 * * * * PATH=\$PATH:$PWD/bin $PWD/bin/borgmatic --stats -v 0 2>&1" \
	>"$etc/crontab.txt"
line=$(cut -d' ' -f6- "$etc/crontab.txt")
must env -i HOME="$HOME" PATH=/usr/bin:/bin XDG_CONFIG_HOME="$XDG_CONFIG_HOME" \
	BORG_PASSPHRASE="$BORG_PASSPHRASE" sh -c "$line"
for text in "Repository: $PWD/repo" "Archive name: " "Archive fingerprint: " \
	"Time (start): " "Time (end): " "Number of files: " "This archive:" \
	"All archives:" "Deleted data:"; do
	has "$OUT" "$text"
done
has_not "$OUT" " warning"

must borgmatic list
eq "$(wc -l <"$OUT")" 1 "archives"
name=$(cut -d' ' -f1 "$OUT")
must borgmatic list --archive latest --short
has "$OUT" "${vmail#/}/176.9.host:2,S"
has "$OUT" "${source#/}/postfix/public"
has_not "$OUT" postfix/public/pickup
has_not "$OUT" rspamd.sock
has "$OUT" borgmatic/bootstrap/manifest.json
has "$OUT" "${etc#/}/config.yaml"
has_not "$OUT" crontab.txt

# restoring, as from / in the container
mkdir out
cd out
must borgmatic extract --path "${source#/}" --archive latest
same_tree ".$source/vmail" "$source/vmail"
same_tree ".$source/crypt" "$source/crypt"
[ ! -e ."$etc" ] || fail "more was extracted than --path names"
rm -r ./*
must borgmatic extract --path "${source#/}" --archive "$name"
same_tree ".$source/vmail" "$source/vmail"
must_fail 2 borgmatic extract --path "${source#/}" --archive nonsense
has "$ERR" nonsense
cd ..

# a manual run that says everything
must borgmatic -v 2
has "$ERR" "made the archive"
must borgmatic list
eq "$(wc -l <"$OUT")" 2 "archives"

# with borg, which knows no configuration
must borg list repo
eq "$(wc -l <"$OUT")" 2 "archives"
must_fail 3 borg list
# nothing is ever locked, and breaking the lock hurts nobody
must borg break-lock repo
must borgmatic --stats -v 0
must borg check repo

# the key on paper is all of it: with the passphrase one comes in again
must borg key export --paper repo
cp "$OUT" paper
rm repo/keys/*
must_fail 14 borgmatic list
has "$ERR" "'key import' brings back"
must borg key import repo paper
must borgmatic list
has "$OUT" "$name"
