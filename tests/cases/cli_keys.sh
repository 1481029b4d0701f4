#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Keys: copies on paper and back, passphrases, recovery codes, keys that can
# only add, a new master key; each opens what it should and nothing else.
. "$TOP/tests/lib.sh"
need zbarimg rsvg-convert

one_line() {
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$1"
}

# as PASSPHRASE CMD...
as() {
	as_pass=$1
	shift
	env MUNIMENT_PASSPHRASE="$as_pass" "$@"
}

export MUNIMENT_PASSPHRASE=secret
must muniment init -e repokey-blake2 r
mkdir src
echo letter >src/mail
must muniment create r::one src

# exports need no passphrase; what comes back opens with the old one
must env -u MUNIMENT_PASSPHRASE muniment key export r
cp "$OUT" key.txt
must muniment key export --paper r
cp "$OUT" key.paper
has key.paper "muniment key import --paper $PWD/r"
eq "$(grep -cE '^ *[0-9]+: ([0-9a-f]{6} ?){3}' key.paper)" 40 "lines of paper"
must muniment key export --qr-html r key.html
eq "$(stat -c %a key.html)" 600
must_fail 2 muniment key export r key.html
one_line "nothing is overwritten"
sed -n 's/.*\(<svg.*<\/svg>\).*/\1/p' key.html >key.svg
rsvg-convert -w 1600 -b white key.svg -o key.png
zbarimg --nodbus -q --raw key.png | sed '/^$/d' | cmp - key.txt ||
	fail "the QR code does not hold the key"
find "$HOME/.config/muniment/pins" -name '*.exported' >found
eq "$(wc -l <found)" 1 "notes of an export"
cp -r r lost
rm lost/keys/*
must_fail 14 muniment list lost
one_line "no usable key"
for form in key.txt key.paper; do
	must muniment key import lost $form
	has "$OUT" "1 key brought back"
	must muniment list lost
	has "$OUT" one
	must muniment key import --paper lost <$form
	has "$OUT" "nothing to bring back"
	rm lost/keys/*
done
sed 's/^ 17: ./ 17: x/' key.paper >bad.paper
must_fail 3 muniment key import lost bad.paper
one_line "line 17 has a mistake"
head -n 30 key.paper >bad.paper
must_fail 3 muniment key import lost bad.paper
one_line "ends after line"
must_fail 3 muniment key import lost src/mail
eq "$(find lost/keys -type f)" ""
must muniment init other
must_fail 3 muniment key import other key.txt
one_line "another repository"

# a key file: lost, and back from each form
must muniment init -e keyfile k
must muniment key export --paper k k.paper
file=$(echo "$HOME"/.config/muniment/keys/*)
mv "$file" k.key
must_fail 12 muniment list k
has "$ERR" "key import"
for form in k.key k.paper; do
	must muniment key import k $form
	cmp "$file" k.key || fail "the key file is another"
	eq "$(stat -c %a "$file")" 600
	must muniment list k
	rm "$file"
done
must muniment key import k k.key
must env MUNIMENT_NEW_PASSPHRASE=fresh muniment key change-passphrase k
must_fail 12 muniment list k
must as fresh muniment list k
must as fresh muniment key add --recovery k
must as "$(cat "$OUT")" muniment list k

# passphrases
must_fail 12 muniment key change-passphrase r
one_line MUNIMENT_NEW_PASSPHRASE
must_fail 12 env MUNIMENT_NEW_PASSPHRASE= muniment key change-passphrase r
one_line "is empty"
must env MUNIMENT_NEW_PASSPHRASE=better muniment key change-passphrase r
must_fail 12 muniment list r
must as better muniment list r
eq "$(find r/keys -type f | wc -l)" 1 "keys"
export MUNIMENT_PASSPHRASE=better
must env MUNIMENT_NEW_PASSPHRASE=colleague muniment key add --label anna r
must_fail 2 env MUNIMENT_NEW_PASSPHRASE=x muniment key add --label anna r
one_line "is there already"
must as colleague muniment list r
must muniment key list r
eq "$(wc -l <"$OUT")" 2 "keys in the list"
has "$OUT" "init (in use)"
must muniment key list --json r
python3 -c 'import json, sys
k = json.load(sys.stdin)["keys"]
assert [x["label"] for x in k] == ["init", "anna"], k' <"$OUT"
must env MUNIMENT_NEW_PASSPHRASE=s muniment key change-passphrase \
	--label anna --kdf strong r
must muniment key list r
has "$OUT" "strong"
must_fail 2 muniment key remove r nobody
one_line "no key 'nobody'"
must muniment key remove r anna
must_fail 12 as s muniment list r
must_fail 2 muniment key remove r init
one_line "the last key"
must_fail 3 muniment key r
must_fail 3 muniment key exprot r
one_line "'export'"

# a recovery code; a mistyped row is named
must muniment key add --recovery r
cp "$OUT" code
must as "$(cat code)" muniment list r
tr 'a-z\n' 'A-Z-' <code >loud
must env -u MUNIMENT_PASSPHRASE MUNIMENT_PASSPHRASE_FILE=loud muniment list r
sed '3y/aiou/ioua/' code >typo
must_fail 12 as "$(cat typo)" muniment list r
one_line "row 3 of the recovery code"
must_fail 3 env MUNIMENT_NEW_PASSPHRASE="$(cat code)" muniment key \
	change-passphrase r
must as "$(cat code)" env MUNIMENT_NEW_PASSPHRASE=remembered \
	muniment key change-passphrase r
must_fail 12 muniment list r
export MUNIMENT_PASSPHRASE=remembered
must muniment list r

# a key that can only add
must env MUNIMENT_NEW_PASSPHRASE=host muniment key add --role append \
	--label host r
must as host muniment create --stats r::two src
must_fail 2 as host muniment list r
one_line "cannot read"
for act in "extract r::one" "delete r::one" "mount r m" "check r" \
	"diff r::one two" "key add --label more r" "key remove r init"; do
	mkdir -p m
	# shellcheck disable=SC2086
	must_fail 2 as host muniment $act
	grep -qE 'this key|only a key' "$ERR" || fail "$act: $(cat "$ERR")"
done
must muniment list --short r
eq "$(cat "$OUT")" "one
two"
must muniment extract --stdout r::two src/mail
eq "$(cat "$OUT")" letter

# a new master key: the other keys are gone, all data can be read
must muniment rekey r
has "$OUT" "2 other keys were removed"
must_fail 12 as "$(cat code)" muniment list r
must_fail 12 as host muniment create r::three src
echo news >src/news
must muniment create r::four src
must muniment extract --stdout r::one src/mail
eq "$(cat "$OUT")" letter
must muniment extract --stdout r::four src/news
eq "$(cat "$OUT")" news
must muniment check --verify-data r
# who kept an old key reads what was written before, and no more
cp -r r thief
rm thief/keys/*
must muniment key import thief key.txt
export MUNIMENT_PASSPHRASE=secret
must muniment extract --stdout thief::one src/mail
must_fail 12 muniment extract --stdout thief::four src/news

# all of it sealed anew: an old key opens nothing; also after a run that was
# killed; the passphrase is read once
export MUNIMENT_PASSPHRASE=remembered
must muniment key export r new.txt
echo remembered >pass
must env -u MUNIMENT_PASSPHRASE MUNIMENT_PASSPHRASE_FD=3 \
	muniment rekey --full r 3<pass
has "$OUT" "no older key opens"
for n in 0.02 0.1 0.3; do
	timeout -s KILL $n muniment rekey --full r >o 2>&1 || :
done
must muniment rekey --resume r
has "$OUT" "no older key opens"
must muniment check --verify-data r
[ ! -s "$ERR" ] || fail "$(cat "$ERR")"
for a in one two four; do
	must muniment extract --stdout r::$a src/mail
	eq "$(cat "$OUT")" letter
done
must muniment create r::five src
rm -rf thief
cp -r r thief
rm thief/keys/*
must muniment key import thief key.txt
must muniment key import thief new.txt
export MUNIMENT_CACHE_DIR="$PWD/elsewhere"
for p in secret remembered; do
	for a in one four; do
		must_fail 2 as $p muniment extract --stdout thief::$a src/mail
		has "$ERR" "which this key does not have"
		[ ! -s "$OUT" ] || fail "an old key reads"
	done
done
