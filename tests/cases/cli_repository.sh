#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Making a repository, opening one, and all that can be wrong with it: each
# mistake gets one line, its exit status, and changes nothing.
. "$TOP/tests/lib.sh"

one_line() {
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$1"
}

# no passphrase, an empty one: nothing is made
must_fail 12 muniment init r
one_line "no passphrase"
must_fail 12 env MUNIMENT_PASSPHRASE= muniment init r
one_line "is empty"
[ ! -e r ] || eq "$(find r -name REPOSITORY)" ""

# every source of a passphrase, with borg's names behind ours
export MUNIMENT_PASSPHRASE=secret
must muniment init -e repokey-blake2 r
has "$OUT" "made the repository $PWD/r"
has "$OUT" "keep the passphrase"
find r -type f | sort | xargs cksum >before
must muniment init r
has "$OUT" "is a repository already"
must muniment repo-create --encryption repokey r
find r -type f | sort | xargs cksum | cmp before - || fail "init changed it"
unset MUNIMENT_PASSPHRASE
echo secret >pass
must env MUNIMENT_PASSPHRASE_FILE=pass muniment list r
must env MUNIMENT_PASSCOMMAND='cat "pass"' muniment list r
must env MUNIMENT_PASSPHRASE_FD=3 muniment list r 3<pass
must env BORG_PASSPHRASE=secret muniment list r
must env BORG_PASSCOMMAND="printf %s secret" muniment list r
must env BORG_PASSPHRASE=wrong MUNIMENT_PASSCOMMAND='cat pass' muniment list r
must_fail 12 env MUNIMENT_PASSPHRASE=wrong BORG_PASSPHRASE=secret \
	muniment list r
one_line "the passphrase from MUNIMENT_PASSPHRASE is wrong"
must_fail 12 env MUNIMENT_PASSPHRASE= muniment list r
one_line "is empty"
must_fail 12 muniment list r
one_line "no passphrase"
must_fail 2 env MUNIMENT_PASSCOMMAND=false muniment list r
one_line "the command 'false' failed with status 1"
must_fail 2 env MUNIMENT_PASSCOMMAND=/no/such/command muniment list r
one_line "cannot run '/no/such/command'"
must_fail 3 env MUNIMENT_PASSCOMMAND="cat 'pass" muniment list r
one_line "a quote"
must_fail 2 env MUNIMENT_PASSPHRASE_FILE=nowhere muniment list r
one_line "'nowhere'"
must_fail 3 env MUNIMENT_PASSPHRASE_FD=x muniment list r
must_fail 3 env MUNIMENT_PASSPHRASE="$(head -c 5000 /dev/zero | tr '\0' x)" \
	muniment list r

# modes
export MUNIMENT_PASSPHRASE=secret
for mode in none authenticated authenticated-blake2; do
	must_fail 3 muniment init -e $mode n
	one_line "is refused"
done
must_fail 3 muniment init -e aes n
one_line "unknown encryption mode 'aes'"
must_fail 3 muniment init --append-only n
must_fail 3 muniment init --storage-quota 5G n
[ ! -e n ] || fail "a refused init made something"
must muniment init -e keyfile k
has "$OUT" "$HOME/.config/muniment/keys"
must muniment list k
mv "$HOME/.config/muniment/keys" keys
must_fail 12 muniment list k
mkdir -p "$HOME/.config/muniment"
mv keys "$HOME/.config/muniment/keys"
must muniment list k
must_fail 10 muniment init a/b/c
one_line "a/b"
must muniment init --make-parent-dirs a/b/c
must muniment list a/b/c

# where the repository is named
must muniment list --repository r
must muniment --repository r list
must env MUNIMENT_REPO=r muniment list
must env BORG_REPO=r muniment list
must env MUNIMENT_REPO=r muniment list ::
must env MUNIMENT_REPO=nowhere muniment list r
must muniment list "file://$PWD/r"
must_fail 3 muniment --repository r list k::a
must_fail 3 muniment init r::a

# what is there is no repository
must_fail 10 muniment list nowhere
one_line "nowhere"
mkdir empty full
must_fail 10 muniment list empty
one_line "empty' is not a muniment repository"
echo precious >full/file
must_fail 10 muniment list full
must_fail 2 muniment init full
one_line "full"
eq "$(cat full/file)" precious
echo precious >file
must_fail 10 muniment list file
one_line "file"
must_fail 3 muniment list ''
one_line empty
must_fail 3 muniment list ftp://host/path

# a newer format, and a damaged one, are refused in plain words
cp -r r newer
printf '\377' | dd of=newer/REPOSITORY bs=1 seek=8 conv=notrunc status=none
must_fail 3 muniment list newer
one_line "newer"
cp -r r damaged
printf 'X' | dd of=damaged/REPOSITORY bs=1 seek=40 conv=notrunc status=none
must_fail 14 muniment list damaged
one_line "damaged"
