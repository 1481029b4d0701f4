#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# "muniment serve" behind a real OpenSSH server: named, and as a forced
# command; every action; where it may go; quota and trash.
# timeout: 400
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
trap sshd_stop EXIT
sshd_start ""

export MUNIMENT_PASSPHRASE=secret
at=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD
muniment=$(command -v muniment)

one_line() {
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$1"
}

# key NAME OPTIONS...: a client's key, whose command is forced
key() {
	key_name=$1
	shift
	ssh-keygen -q -t ed25519 -N '' -C "$key_name" -f "$SSHD_DIR/$key_name"
	printf 'command="%s serve %s",restrict %s\n' "$muniment" "$*" \
		"$(cat "$SSHD_DIR/$key_name.pub")" >>"$SSHD_DIR/authorized"
}
# of_json NAME: a number of "checked"
of_json() {
	python3 -c 'import json, sys
print(json.load(sys.stdin)["checked"][sys.argv[1]])' "$1"
}
# as NAME CMD...
as() {
	as_name=$1
	shift
	MUNIMENT_RSH="ssh -F none -i '$SSHD_DIR/$as_name' -o \
		IdentitiesOnly=yes -o UserKnownHostsFile='$SSHD_DIR/known'" \
		"$@"
}

mkdir -p src/sub srv other
head -c 3000000 /dev/urandom >src/big
for i in 1 2 3 4 5 6 7 8 9; do echo "mail $i" >"src/sub/$i"; done

# the program that is named; one that is not there; another
export MUNIMENT_RSH="$SSHD_CMD"
must muniment --remote-path "$muniment" -v 2 init "$at/i"
has "$ERR" "landlock, seccomp"
# the others have a passphrase that is turned into a key more quickly
must fastinit r
repo=$at/r
must muniment --remote-path "$muniment" create "$repo::a" src
eq "$(cat "$ERR")" "" "what it said"
[ -s r/serve/journal ] || fail "no journal: it was not serve"
must muniment --remote-path /no/such/muniment create "$repo::b" src
has "$ERR" "does not answer"
has "$ERR" "hung up, and says: "
must muniment --remote-path echo list "$repo"
eq "$(wc -l <"$OUT")" 2 "archives"
must muniment check --verify-data r

# a command that is run instead of libssh
printf '#!/bin/sh\necho "$@" >%s/said\nexec %s "$@"\n' "$PWD" \
	"$SSHD_CMD" >mine
chmod +x mine
must env MUNIMENT_RSH="$PWD/mine" muniment --remote-path "$muniment" \
	list "$repo"
eq "$(cat said)" "-p $SSHD_PORT $SSHD_USER@127.0.0.1 $muniment serve"
unset MUNIMENT_RSH

# forced: the client asks for sftp and is told; it never leaves its folder
key top --client top --restrict-to-path "$PWD/srv"
repo=$at/srv/x/i
ln -s "$PWD/other" srv/link
must as top muniment init --make-parent-dirs "$repo"
for path in other/r srv/../other/r srv/link/r srvx/r srv/../srv/y r; do
	must_fail 2 as top muniment init "$at/$path"
	grep -q "may not use\|has no '..' here" "$ERR" || fail "said of $path"
done
must_fail 2 as top muniment list "$at/r"
[ ! -e other/r ] || fail "it got out"
must_fail 10 as top muniment list "$at/srv/none"
one_line "no such folder"
must as top muniment init "$repo"
has "$OUT" "already"

# every action
must fastinit srv/x/r
repo=$at/srv/x/r
must as top muniment create "$repo::a" src
echo more >src/sub/10
must as top muniment create --stats "$repo::b" src
grep -q '^Line: .* sent, .* received, [0-9]* round trips' "$OUT" ||
	fail "no figures of the line"
must as top muniment list "$repo"
eq "$(wc -l <"$OUT")" 2 "archives"
must as top muniment list "$repo::b"
must as top muniment info "$repo"
run_kept 1 as top muniment status "$repo"
must as top muniment diff "$repo::a" b
has "$OUT" sub/10
mkdir out
(cd out && must as top muniment extract "$repo::b")
same_tree src out/src
must as top muniment export-tar "$repo::a" - >/dev/null
must as top muniment export-tar "$repo::a" a.tar
must as top muniment import-tar "$repo::t" a.tar
must as top muniment rename "$repo::a" c
must as top muniment delete "$repo::c"
must as top muniment undelete "$repo::c"
must as top muniment delete "$repo::c"
must as top muniment prune --keep-last 1 "$repo"
must as top muniment compact "$repo"
must as top muniment check --verify-data "$repo"
must as top muniment break-lock "$repo"
must muniment check --verify-data srv/x/r
eq "$(ls srv/x/r/tmp)" "" "what is left in tmp/"
has srv/x/r/serve/journal " top put archives/"
has srv/x/r/serve/journal " top delete archives/"
if [ -w /dev/fuse ] && command -v fusermount3 >/dev/null; then
	mkdir m
	must as top muniment create "$repo::m" src
	must as top muniment mount "$repo" m
	same_tree src m/m/src
	must muniment umount m
fi

# one repository only; sftp with that key
key one --restrict-to-repository "$PWD/srv/x/r"
must as one muniment list "$repo"
must_fail 2 as one muniment list "$at/srv/x"
one_line "may not use"
printf 'ls\n' >commands
run_kept 255 as one sh -c "sftp -q -b commands -P $SSHD_PORT -F none -i \
	$SSHD_DIR/one -o UserKnownHostsFile=$SSHD_DIR/known \
	$SSHD_USER@127.0.0.1"

# words that the client asks for change nothing
must_fail 2 as one muniment --remote-path "$muniment serve \
	--restrict-to-path / #" list "$at/r"
one_line "may not use"

# quota: the run ends with 15, others go on; a later one fits again
key small --storage-quota 12M --restrict-to-path "$PWD/srv"
head -c 9000000 /dev/urandom >noise
must fastinit srv/q
must_fail 15 as small muniment create "$at/srv/q::a" src noise
one_line "quota"
must as small muniment create "$at/srv/q::b" src/sub
must_fail 15 as small muniment create "$at/srv/q::c" noise src
must as small muniment delete "$at/srv/q::b"
must as small muniment compact "$at/srv/q"
must as small muniment check srv/q

# trash: what was deleted and collected comes back by copying
key bin --trash-days 7 --restrict-to-path "$PWD/srv"
must fastinit srv/t
must as bin muniment create "$at/srv/t::gone" src
must as bin muniment create "$at/srv/t::stays" src/sub
must as bin muniment delete "$at/srv/t::gone"
must as bin muniment compact --threshold 0 "$at/srv/t"
must_fail 2 as bin muniment undelete "$at/srv/t::gone"
[ -d srv/t/serve/trash ] || fail "nothing in the trash"
old=srv/t/serve/trash/2001-02-03
mkdir -p $old/data
echo x >$old/data/old
must as bin muniment list "$at/srv/t"
[ ! -e $old ] || fail "an old day is still in the trash"
for day in srv/t/serve/trash/*; do
	cp -an "$day/." srv/t/
	for record in "$day"/archives/*; do
		rm "srv/t/tombstones/${record##*/}"
	done
done
must_fail 13 as bin muniment extract "$at/srv/t::gone"
must as bin muniment log accept "$at/srv/t"
back() {
	rm -rf out
	mkdir out
	(cd out && must as bin muniment extract "$at/srv/t::gone")
	same_tree src out/src
}
back
# its packs are condemned: a collection copies what is needed of them
must as bin muniment compact --threshold 0 "$at/srv/t"
back
must env MUNIMENT_CONFIG_DIR="$PWD/new" MUNIMENT_CACHE_DIR="$PWD/new" \
	muniment check --verify-data srv/t

# keys
must as top muniment key export "$repo" exported
must as top env MUNIMENT_NEW_PASSPHRASE=new muniment key add --label l "$repo"
must as top muniment rekey "$repo"
must as top muniment check --verify-data "$repo"

# without a key, the server reads: what comes over the line is little
must as top muniment check --keyless --json "$repo"
cp "$OUT" here
must muniment check --keyless --json srv/x/r
for what in packs segments archives stored_bytes; do
	eq "$(of_json "$what" <here)" "$(of_json "$what" <"$OUT")" "$what"
done
pack=$(find srv/x/r/data -type f | sort | head -1)
size=$(stat -c %s "$pack")
chmod u+w "$pack"
cp "$pack" whole
printf rot | dd of="$pack" bs=1 seek=$((size / 2)) conv=notrunc 2>"$ERR"
must_fail 14 as top muniment check --keyless "$repo"
has "$ERR" "${pack##*/}"
cp whole "$pack"

# the whole repository goes, and its folder stays; not for one who may only
# add; what goes into the trash stays
key adds --append-only --restrict-to-path "$PWD/srv"
export MUNIMENT_DELETE_I_KNOW_WHAT_I_AM_DOING=YES
must_fail 2 as adds muniment repo-delete "$repo"
has "$ERR" "only add backups"
must as top muniment check "$repo"
must as top muniment repo-delete "$repo"
eq "$(ls -A srv/x/r)" "" "what is left"
must_fail 10 as top muniment list "$repo"
run_kept 1 as bin muniment repo-delete "$at/srv/t"
has "$ERR" "keeps what was deleted"
for day in srv/t/serve/trash/*; do
	cp -an "$day/." srv/t/
done
[ -e srv/t/REPOSITORY ] || fail "REPOSITORY is not in the trash"

# not at a terminal, and not with nonsense
must_fail 3 muniment serve --client 'a b' </dev/null
must_fail 3 muniment serve --storage-quota x </dev/null
must_fail 3 muniment serve operand </dev/null
