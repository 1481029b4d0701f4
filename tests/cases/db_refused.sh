#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What a database server refuses, and what is refused before it is asked: TLS
# or none, clients that encrypt by default or do not, a DEFINER who is somebody
# else, dumps that are damaged or cut off, and which repository is tried next.
# timeout: 115
. "$TOP/tests/lib.sh"
. "$TOP/tests/mariadb.sh"

need openssl python3
mariadb_need
port=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
net="--skip-networking=0 --bind-address=127.0.0.1 --port=$port"
# shellcheck disable=SC2086
mariadb_start $net
export MUNIMENT_PASSPHRASE=secret
my <<'SQL'
CREATE DATABASE mailcow DEFAULT CHARACTER SET utf8mb4;
CREATE USER any@'%' IDENTIFIED BY 'any';
GRANT ALL ON *.* TO any@'%';
CREATE USER safe@'%' IDENTIFIED BY 'safe' REQUIRE SSL;
GRANT ALL ON *.* TO safe@'%';
CREATE USER mailcow@'%' IDENTIFIED BY 'mailcow';
GRANT ALL ON mailcow.* TO mailcow@'%';
USE mailcow;
CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, raw BLOB);
INSERT INTO mailbox SELECT CONCAT('ü', seq), UNHEX(SHA2(seq, 512))
	FROM seq_1_to_20000;
SQL
sum() {
	my -N mailcow -e 'CHECKSUM TABLE mailbox'
}
sum >before
mkdir src
echo mail >src/mail
# What a client does by default stands in its option files.
printf '[client]\nssl\n' >on
printf '[client]\nskip-ssl\n' >off
printf '[client]\nssl\nssl-verify-server-cert\n' >strict
printf '[client]\nssl\nssl-verify-server-cert\nssl-ca=%s\n' \
	"$PWD/cert.pem" >knows
# config USER CLIENT HOST [LINE...]
config() {
	cat >c.yaml <<-END
	source_directories: [$PWD/src]
	repositories:
	    - {path: $PWD/one, label: one}
	    - {path: $PWD/two, label: two}
	archive_name_format: '{now:%Y%m%d%H%M%S%f}'
	mysql_databases:
	    - name: mailcow
	      hostname: '$3'
	      port: $port
	      username: $1
	      password: $1
	      options: --defaults-extra-file=$PWD/$2
	      list_options: --defaults-extra-file=$PWD/$2
	      restore_options: --defaults-extra-file=$PWD/$2
	END
	shift 3
	for line; do
		echo "      $line" >>c.yaml
	done
	chmod 600 c.yaml
}
near=127.0.0.1
far=0x7f000001		# the same for a resolver
dumps() {
	config "$@"
	must muniment -c c.yaml -v 1 --repository one create
}
# dumps_not TEXT, then as config
dumps_not() {
	text=$1
	shift
	config "$@"
	must_fail 2 muniment -c c.yaml --repository one create
	has "$ERR" "$text"
}
back() {
	my mailcow -e 'DELETE FROM mailbox'
	must muniment -c c.yaml --repository one restore --archive latest
	sum | cmp - before || fail "another database: $*"
}

# --- a server without TLS
config any off $near
must muniment -c c.yaml init -e repokey
dumps any off $near
has_not "$ERR" "none is used"
back "no TLS, and none is wanted"
dumps any strict $near
has "$ERR" "no TLS that the client trusts; none is used"
back "no TLS, a client that wants it"
dumps_not "say 'tls: false' in the entry" any strict $far
has "$ERR" "ERROR 2026"
dumps any strict $far 'tls: false'
back "no TLS, as the entry says"
dumps_not "the entry says 'tls: true', and the server has no TLS" \
	any off $near 'tls: true'
dumps_not "the entry says 'tls: true', and the server has no TLS" \
	any strict $near 'tls: true'
dumps any off $far 'restore_tls: true'
must_fail 2 muniment -c c.yaml --repository one restore --archive latest
has "$ERR" "nothing was changed"
has "$ERR" "the server has no TLS"
sum | cmp - before || fail "something was changed"

# --- and with it
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem \
	-days 2 -subj /CN=$near -addext "subjectAltName=IP:$near" 2>/dev/null
chmod o+r key.pem
mkdir "$MY_DIR/tls"
cp -p key.pem cert.pem "$MY_DIR/tls"
mariadb_stop
# shellcheck disable=SC2086
mariadb_run $net --ssl-cert="$MY_DIR/tls/cert.pem" \
	--ssl-key="$MY_DIR/tls/key.pem"
dumps_not "Access denied for user 'safe'" safe off $near
dumps safe on $near
back "TLS by default"
dumps safe off $far 'tls: true'
back "TLS, as the entry says"
dumps safe knows $near
back "a certificate that is looked at"
dumps_not "mend the server's certificate" safe strict $far
dumps_not "or none that the client trusts" safe strict $near 'tls: true'
dumps_not "Access denied for user 'safe'" safe on $near 'tls: false'
dumps safe on $near 'restore_tls: false'
must_fail 2 muniment -c c.yaml --repository one restore --archive latest
has "$ERR" "nothing was changed"
dumps any off $near 'restore_tls: true'
back "TLS for a restore"
# Programs of MySQL have other options, and its server says what it wants: this
# one answers as they do.
cat >theirs <<'EOT'
#!/bin/sh
case "$*" in
--version) echo "mysql  Ver 8.0.36 for Linux on x86_64";;
*)
	echo "ERROR 3159 (HY000): Connections using insecure transport are \
prohibited while --require_secure_transport=ON." >&2
	exit 1;;
esac
EOT
chmod +x theirs
for tls in true=REQUIRED false=DISABLED; do
	config any off $near "tls: ${tls%=*}" "mysql_command: $PWD/theirs"
	must_fail 2 muniment -c c.yaml -v 2 --repository one create
	has "$ERR" " --ssl-mode=${tls#*=} "
	has "$ERR" "encrypted connections only: say 'tls: true'"
done

# --- one client is asked for all that can be dumped
cat >client <<'EOT'
#!/bin/sh
echo asked >>"${0%/*}/asked"
exec mariadb "$@"
EOT
chmod +x client
dumps any off $near "mysql_command: $PWD/client"
eq "$(wc -l <asked)" 1 "clients that were asked"

# --- a DEFINER who is somebody else
my mailcow -e 'CREATE TRIGGER t BEFORE INSERT ON mailbox FOR EACH ROW
	SET NEW.username = NEW.username'
dumps any off $near
config mailcow off $near
must_fail 2 muniment -c c.yaml --repository one restore --archive latest
has "$ERR" "ERROR 1227"
has "$ERR" "(its DEFINER)"
has "$ERR" "GRANT SET USER ON *.*"
has "$ERR" "'mailcow' is incomplete"
my -e "GRANT SET USER ON *.* TO mailcow@'%'"
back "after the GRANT"

# --- the first repository that can be read is used, and only that
config any off $near
must muniment -c c.yaml create --name both
rm -f asked
cat >client <<'EOT'
#!/bin/sh
case "$*" in
*--execute*) exec mariadb "$@";;
esac
echo asked >>"${0%/*}/asked"
exit 3
EOT
config any off $near "mysql_command: $PWD/client"
must_fail 2 muniment -c c.yaml -v 1 restore --archive both
eq "$(wc -l <asked)" 1 "clients that were to load"
has "$ERR" "nothing is restored from this repository"
echo 'retries: 1' >>c.yaml
must_fail 2 muniment -c c.yaml -v 1 restore --archive both
eq "$(wc -l <asked)" 3 "clients that were to load, with a retry"
config any off $near
find one/data -type f | while read -r f; do
	chmod u+w "$f"
	dd if=/dev/zero of="$f" bs=1k seek=200 count=1 conv=notrunc 2>/dev/null
done
sum | cmp - before || fail "something was changed"
must_fail 14 muniment -c c.yaml --repository one restore --archive both
has "$ERR" "nothing was changed"
sum | cmp - before || fail "a damaged dump changed something"
my mailcow -e 'DELETE FROM mailbox'
must_fail 14 muniment -c c.yaml restore --archive both
sum | cmp - before || fail "it was not restored from the other repository"

# --- a dump that was cut off before it was archived
must muniment restore --archive both --to-stdout two
mkdir -p cut/borgmatic/mysql_databases/$near:"$port"
head -c 100000 "$OUT" >cut/borgmatic/mysql_databases/$near:"$port"/mailcow
tar -C cut -cf cut.tar .
must muniment import-tar two::cut cut.tar
must_fail 14 muniment -c c.yaml --repository two restore --archive cut
has "$ERR" "nothing was changed"
has "$ERR" "'-- Dump completed' is missing (--to-stdout gives"
sum | cmp - before || fail "half a dump changed something"
must muniment restore --archive cut --to-stdout two
eq "$(wc -c <"$OUT")" 100000
