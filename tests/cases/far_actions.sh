#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Every action of --help with a repository behind ssh: over sftp, and over
# "muniment serve".  An action that is new and not here is a failure.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
need sqlite3
need_fuse
sshd_need
trap 'muniment umount "$PWD/m" 2>/dev/null || :; sshd_stop' EXIT
sshd_start ""
export MUNIMENT_RSH="$SSHD_CMD" MUNIMENT_PASSPHRASE=secret
export MUNIMENT_DELETE_I_KNOW_WHAT_I_AM_DOING=YES
program=$(command -v muniment)

# act ACTION...: it succeeds, and counts
act() {
	acted="$acted $1"
	must muniment "$@"
}

archives() {
	act list --short "$repo"
	tr '\n' ' ' <"$OUT"
}

# rot FILE...: other bytes in the middle
rot() {
	for f; do
		dd if=/dev/urandom of="$f" bs=1 count=40 conv=notrunc \
			seek=$(($(stat -c %s "$f") / 2)) status=none
	done
}

archives_of_all_kinds() {
	act init --parity 3% "$repo"
	act create "$repo::one" src
	echo more >src/more
	act create --stats "$repo::two" src
	has "$OUT" "Duration"
	archives >listed
	eq "$(cat listed)" "one two "
	act list "$repo::two"
	has "$OUT" "src/more"
	act info "$repo::two"
	has "$OUT" "Archive name: two"
	act diff "$repo::one" two
	has "$OUT" "src/more"
	act rename "$repo::two" later
	act export-tar "$repo::later" tar
	act import-tar "$repo::tar" tar
}

read_back() {
	for a in later tar; do
		rm -rf out
		mkdir out
		cd out
		act extract "$repo::$a"
		cd ..
		must same_tree src out/src
	done
	mkdir -p m
	act mount "$repo" m
	must diff -r src m/later/src
	must diff -r src m/latest/src
	act umount m
	act drill "$repo"
	has "$OUT" "restored"
}

remove_and_bring_back() {
	act delete "$repo::later"
	archives >listed
	eq "$(cat listed)" "one tar "
	act undelete "$repo::later"
	archives >listed
	eq "$(cat listed)" "one later tar "
	act prune --keep-last 2 --force "$repo"
	archives >listed
	eq "$(cat listed)" "later tar "
	act compact "$repo"
}

keys() {
	export MUNIMENT_NEW_PASSPHRASE=another
	act key export "$repo" key
	act key list "$repo"
	has "$OUT" init
	act key add --label anna "$repo"
	must env MUNIMENT_PASSPHRASE=another muniment list "$repo"
	act key remove "$repo" anna
	must_fail 12 env MUNIMENT_PASSPHRASE=another muniment list "$repo"
	rm r/keys/*
	must_fail 14 muniment list "$repo"
	act key import "$repo" key
	act rekey "$repo"
	act create "$repo::rekeyed" src
	act key change-passphrase "$repo"
	must_fail 12 muniment list "$repo"
	export MUNIMENT_PASSPHRASE=another
	unset MUNIMENT_NEW_PASSPHRASE
}

damage() {
	act check --verify-data "$repo"
	act parity --fill "$repo"
	# shellcheck disable=SC2046 # names of packs have no spaces
	rot $(find r/data -type f)
	must_fail 14 muniment check "$repo"
	must_fail 1 muniment parity --repair "$repo"
	act check --verify-data "$repo"
	rm r/index/*
	must_fail 14 muniment check "$repo"
	act repair "$repo"
	act check --verify-data "$repo"
	act break-lock "$repo"
	act log "$repo"
	has "$OUT" "rekeyed"
}

# As cron does it, with a database.
configured() {
	sqlite3 mail.db 'CREATE TABLE t (x); INSERT INTO t VALUES (7)'
	cat >c.yaml <<-EOF
	source_directories: [$PWD/src]
	repositories: [{path: "$repo", label: far}]
	keep_secondly: 9
	sqlite_databases: [{name: mail, path: $PWD/mail.db}]
	EOF
	must muniment -c c.yaml
	act status -c c.yaml
	sqlite3 mail.db 'DELETE FROM t'
	act restore -c c.yaml --archive latest
	eq "$(sqlite3 mail.db 'SELECT x FROM t')" 7 "what was restored"
	mkdir back
	act config bootstrap --repository "$repo" --destination back
	must cmp c.yaml "back$PWD/c.yaml"
}

# all KIND
all() {
	acted=
	rm -rf r src out back mail.db key tar
	mkdir -p src/cur
	head -c 3000000 /dev/urandom >src/big
	for i in 1 2 3 4 5 6 7 8 9; do
		echo "mail $i" >"src/cur/$i"
	done
	export MUNIMENT_PASSPHRASE=secret
	repo="ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/r"
	archives_of_all_kinds
	read_back
	remove_and_bring_back
	keys
	damage
	configured
	act repo-delete "$repo"
	[ ! -e r/REPOSITORY ] || fail "it is there after its deletion"
	[ "$1" = sftp ] || acted="$acted serve"
	must muniment --help
	sed -n '/^Actions/,/^$/s/^  \([a-z][a-z-]*\)  .*/\1/p' "$OUT" |
		grep -vxE 'help|completion|version' >actions
	[ "$(wc -l <actions)" -gt 25 ] || fail "--help has no actions"
	while read -r action; do
		[ "$1/$action" != sftp/serve ] || continue
		case " $acted " in
		*" $action "*) ;;
		*) fail "over $1 nobody tried '$action'" ;;
		esac
	done <actions
}

all sftp
[ ! -e r/serve ] || fail "that was not sftp"
MUNIMENT_REMOTE_PATH=$program
export MUNIMENT_REMOTE_PATH
all serve
