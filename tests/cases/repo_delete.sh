#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# Deleting a whole repository: who is asked what, what is left, also of one
# that is damaged, and of one behind a server.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"

export MUNIMENT_PASSPHRASE=secret TZ=UTC
yes=MUNIMENT_DELETE_I_KNOW_WHAT_I_AM_DOING
mkdir -p src
head -c 100000 /dev/urandom >src/a
id_of() {
	muniment info --json "$1" | python3 -c 'import json,sys
print(json.load(sys.stdin)["repository"]["id"])'
}
make_repo() {
	must muniment init -e repokey "$1"
	must muniment create "$1"::one src
}
make_repo r
id=$(id_of r)
cache=$HOME/.cache/muniment
pins=$HOME/.config/muniment/pins
ls -d "$cache/$id"* >/dev/null || fail "no cache to begin with"
ls "$pins/$id"* >/dev/null || fail "no pins to begin with"

# without a terminal only by a word in the environment, and only that word
must_fail 2 muniment repo-delete r </dev/null
has "$ERR" "$yes=YES"
must_fail 2 muniment delete r </dev/null
run_kept 2 env $yes=yes muniment repo-delete r
has "$ERR" "nothing was deleted"
must muniment repo-delete --dry-run r
has "$ERR" "Would delete the repository"
must_fail 12 env $yes=YES MUNIMENT_PASSPHRASE=wrong muniment repo-delete r
must muniment extract --dry-run r::one

# the cache alone
must muniment repo-delete --cache-only r
ls -d "$cache/$id"* >/dev/null 2>&1 && fail "the cache is still there"
must muniment extract --dry-run r::one

# at a terminal
if command -v script >/dev/null; then
	(sleep 1; echo no) |
		run_kept 2 script -qec "muniment repo-delete r" /dev/null
	has "$OUT" "Type 'YES'"
	[ -e r/REPOSITORY ] || fail "deleted after a no"
	(sleep 1; echo YES) | must script -qec "muniment delete r" /dev/null
else
	must env $yes=YES muniment delete r
fi
[ ! -e r ] || fail "the folder is still there"
ls "$pins/$id"* >/dev/null 2>&1 && fail "pins are left"
must_fail 10 muniment list r

# security information is kept when that is asked for; foreign files stay
make_repo r
id=$(id_of r)
echo mine >r/mine
must_fail 1 env BORG_DELETE_I_KNOW_WHAT_I_AM_DOING=YES \
	muniment delete --keep-security-info r
has "$ERR" "something else is in it"
eq "$(ls r)" mine "what is left"
ls "$pins/$id"* >/dev/null || fail "pins are gone"
rm -r r

# the key is lost, a file is damaged
make_repo r
rm r/keys/*
must_fail 14 env $yes=YES muniment repo-delete r
must env $yes=YES muniment repo-delete --force r
[ ! -e r ] || fail "it is still there"

# behind a server
command -v sshd >/dev/null || [ -x /usr/sbin/sshd ] || exit 0
sshd_need
trap sshd_stop EXIT
sshd_start ""
export MUNIMENT_RSH="$SSHD_CMD"
repo=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/far
make_repo "$repo"
must_fail 2 muniment repo-delete "$repo" </dev/null
must env $yes=YES muniment repo-delete "$repo"
[ ! -e far ] || fail "the folder behind the server is still there"
