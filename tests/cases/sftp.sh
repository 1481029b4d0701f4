#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Repositories behind a real OpenSSH server: who is let in, which server is
# trusted, and every action.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
need script
trap sshd_stop EXIT
sshd_start ""

export MUNIMENT_PASSPHRASE=secret
repo=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/r
known=$SSHD_DIR/known
key=$SSHD_DIR/user

one_line() {
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$1"
}

# a server that nobody knows: refused with the line, or asked at a terminal
mv "$known" right
export MUNIMENT_RSH="$SSHD_CMD"
must_fail 2 muniment init "$repo"
one_line "is not known"
has "$ERR" "$(ssh-keygen -lf "$SSHD_DIR/host.pub" | cut -d' ' -f2)"
has "$ERR" "$(cat right)"
[ ! -e "$known" ] || fail "an unknown server was remembered"
(sleep 1; echo maybe; echo no) |
	run_kept 2 script -qec "muniment init $repo" /dev/null
has "$OUT" "is not known"
[ ! -e r ] || fail "a server that was not trusted was used"
(sleep 1; echo yes) | must script -qec "muniment init $repo" /dev/null
has "$OUT" "made the repository"
eq "$(cut -d' ' -f2,3 "$known")" "$(cut -d' ' -f2,3 right)" "what is remembered"
must muniment list "$repo"

# one that shows another key, and names that are hashed
ssh-keygen -q -t ed25519 -N '' -f other
printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" "$(cut -d' ' -f1,2 other.pub)" \
	>"$known"
must_fail 2 muniment list "$repo"
one_line "another key"
must_fail 2 env MUNIMENT_RSH="$SSHD_CMD -o StrictHostKeyChecking=no" \
	muniment list "$repo"
cp right "$known"
ssh-keygen -q -H -f "$known" >/dev/null 2>&1
has_not "$known" 127.0.0.1
must muniment list "$repo"
rm "$known"
must_fail 2 env MUNIMENT_RSH="$SSHD_CMD -o StrictHostKeyChecking=yes" \
	muniment list "$repo"
must env MUNIMENT_RSH="$SSHD_CMD -o StrictHostKeyChecking=accept-new" \
	muniment list "$repo"
must muniment list "$repo"

# keys: of others, with a passphrase, certified
chmod 644 "$key"
must_fail 2 muniment list "$repo"
one_line "can be read by others"
chmod 600 "$key"
must_fail 2 env MUNIMENT_RSH="ssh -F none -i $PWD/other -o \
	UserKnownHostsFile=$known" muniment list "$repo"
one_line "does not let"
cp "$key" locked
cp "$key.pub" locked.pub
ssh-keygen -q -p -N geheim -f locked >/dev/null
# shellcheck disable=SC2090
export MUNIMENT_RSH="ssh -F none -i $PWD/locked -o UserKnownHostsFile=$known"
must_fail 2 muniment list "$repo"
one_line "passphrase"
(sleep 1; echo geheim) | must script -qec "muniment list $repo" /dev/null
ssh-keygen -q -t ed25519 -N '' -f ca
ssh-keygen -q -s ca -I me -n "$SSHD_USER" other.pub
sshd_stop
sshd_start "TrustedUserCAKeys $PWD/ca.pub"
cp right "$known"
must env MUNIMENT_RSH="ssh -F none -i $PWD/other -o \
	UserKnownHostsFile=$known" muniment list "$repo"

# ~/.ssh/config's words, with an Include
cat >conf.more <<END
Host mailhost
	HostName 127.0.0.1
	Port $SSHD_PORT
	User $SSHD_USER
	IdentityFile $key
	UserKnownHostsFile $known
END
echo "Include $PWD/conf.more" >conf
must env MUNIMENT_RSH="ssh -F $PWD/conf" muniment list "mailhost:$PWD/r"
must_fail 3 env MUNIMENT_RSH="ssh -F $PWD/no-such" muniment list mailhost:x
# a command that is run
printf '#!/bin/sh\necho "$@" >%s/said\nexec %s "$@"\n' "$PWD" \
	"$SSHD_CMD" >mine
chmod +x mine
must env MUNIMENT_RSH="$PWD/mine -v" muniment list "$repo"
eq "$(cat said)" "-v -p $SSHD_PORT $SSHD_USER@127.0.0.1 -s sftp"
must_fail 3 env MUNIMENT_RSH=/no/such muniment list "$repo"
must_fail 2 env MUNIMENT_RSH=false muniment list "$repo"
must_fail 2 muniment --rsh "$SSHD_CMD" list ssh://127.0.0.1:1/x

# every action, and the same repository seen from there
export BORG_RSH="$SSHD_CMD"
unset MUNIMENT_RSH
mkdir -p src/sub
head -c 3000000 /dev/urandom >src/big
for i in 1 2 3 4 5 6 7 8 9; do echo "mail $i" >"src/sub/$i"; done
must muniment create "$repo::a" src
echo more >src/sub/10
must muniment create "$SSHD_USER@127.0.0.1:$PWD/r::b" src \
	--rsh "$SSHD_CMD -p $SSHD_PORT"
must muniment list "$repo"
eq "$(wc -l <"$OUT")" 2 "archives"
must muniment list "$PWD/r::b"
must muniment info "$repo"
must muniment diff "$repo::a" b
has "$OUT" sub/10
mkdir out
(cd out && must muniment extract "$repo::b")
same_tree src out/src
must muniment export-tar "$repo::a" - >/dev/null
must muniment rename "$repo::a" c
must muniment delete "$repo::c"
must muniment prune --keep-last 1 "$repo"
must muniment compact "$repo"
must muniment check --verify-data "$repo"
must muniment break-lock "$repo"
must muniment key export "$repo" exported
must muniment check --verify-data r
eq "$(ls r/tmp)" "" "what is left in tmp/"

# what is not there
must_fail 10 muniment list "${repo}x"
one_line "no such folder"
mkdir empty
must_fail 10 muniment list "ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/empty"
must_fail 2 muniment init "ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/src"
one_line "is not empty"

# a server with version 3 only: said, once
sshd_stop
SSHD_SFTP="/usr/lib/openssh/sftp-server -P hardlink,fsync,statvfs,limits"
sshd_start ""
plain=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/plain
must muniment init "$plain"
must muniment create "$plain::a" src
eq "$(grep -c 'durability unconfirmed' "$ERR")" 1 "how often it was said"
must muniment create "$plain::b" src
must muniment check --verify-data "$plain"
must muniment delete "$plain::a"
must muniment check plain
