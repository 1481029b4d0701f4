#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# An append-only client is stolen: its ssh key, its key of the repository, its
# passphrase.  The thief reads nothing, and earlier archives stay as they are,
# also where he does not use muniment.
# timeout: 120
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
trap sshd_stop EXIT
sshd_start ""

muniment=$(command -v muniment)
repo=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/r
for name in mail1 mail2; do
	ssh-keygen -q -t ed25519 -N '' -C $name -f "$SSHD_DIR/$name"
	printf 'command="%s serve --append-only --client %s %s",restrict %s\n' \
		"$muniment" $name "--restrict-to-repository $PWD/r" \
		"$(cat "$SSHD_DIR/$name.pub")" >>"$SSHD_DIR/authorized"
done
as() {
	as_name=$1
	shift
	MUNIMENT_PASSPHRASE=append MUNIMENT_RSH="ssh -F none -i \
		'$SSHD_DIR/$as_name' -o IdentitiesOnly=yes \
		-o UserKnownHostsFile='$SSHD_DIR/known'" \
		MUNIMENT_CONFIG_DIR="$PWD/conf.$as_name" \
		MUNIMENT_CACHE_DIR="$PWD/cache.$as_name" "$@"
}

mkdir src
echo "a letter" >src/letter
head -c 2000000 /dev/urandom >src/noise
export MUNIMENT_PASSPHRASE=secret
must fastinit r
must env MUNIMENT_NEW_PASSPHRASE=append muniment key add --role append \
	--label mails r
must muniment create r::admin src

# the client's daily work; nothing of it deletes
for i in 1 2 3; do
	echo "$i" >src/new
	must as mail1 muniment create "$repo::mail1-$i" src
	eq "$(cat "$ERR")" ""
done
must as mail2 muniment create "$repo::mail2-1" src
must muniment list --short r
eq "$(wc -l <"$OUT")" 5 "archives"
eq "$(find r/sessions r/serve/owners -mindepth 1)" "" "sessions that are left"

# the thief with muniment, and the passphrase of another key as well
for act in "list $repo" "extract $repo::mail1-1" "delete $repo::admin" \
	"prune --keep-last 1 $repo" "compact $repo" "break-lock $repo" \
	"key add --label x $repo" "rekey $repo" "check $repo"; do
	# shellcheck disable=SC2086
	must_fail 2 as mail1 env MUNIMENT_NEW_PASSPHRASE=x muniment $act
done
must as mail1 env MUNIMENT_PASSPHRASE=secret muniment list "$repo"
for act in "delete $repo::admin" "prune --keep-last 1 $repo" \
	"key add --label x $repo" "rename $repo::admin other" \
	"rekey $repo"; do
	# shellcheck disable=SC2086
	must_fail 2 as mail1 env MUNIMENT_PASSPHRASE=secret \
		MUNIMENT_NEW_PASSPHRASE=x muniment $act
	has "$ERR" "only add backups"
done
must_fail 2 as mail1 muniment init "ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/n"

# the thief without muniment
find r -type f ! -path '*/serve/*' -exec sha256sum {} + | sort >before
must python3 "$TOP/tests/lib/thief.py" "$PWD/r" ssh -F none \
	-i "$SSHD_DIR/mail1" -o IdentitiesOnly=yes -o \
	UserKnownHostsFile="$SSHD_DIR/known" -p "$SSHD_PORT" \
	"$SSHD_USER@127.0.0.1" "$muniment serve"
find r -type f ! -path '*/serve/*' -exec sha256sum {} + | sort >after
comm -23 before after >lost
eq "$(cat lost)" "" "what is gone or is not what it was"
has r/serve/journal " mail1 refused: "

# everything is there, also after the admin's next collection
for name in admin mail1-1 mail1-2 mail1-3 mail2-1; do
	must muniment extract --stdout "r::$name" src/letter
	eq "$(cat "$OUT")" "a letter"
done
must muniment compact r
must muniment check --verify-data r
must as mail2 muniment create "$repo::mail2-2" src
must muniment extract --stdout r::mail2-2 src/letter
eq "$(cat "$OUT")" "a letter"
