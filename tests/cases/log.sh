#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# What a machine notices of a repository that is not as it was, and what it must
# not take for that.  A machine is a folder of its own with configuration and
# cache.
. "$TOP/tests/lib.sh"

# on MACHINE CMD...
on() {
	on_dir=$PWD/$1
	shift
	env MUNIMENT_CONFIG_DIR="$on_dir/config" \
		MUNIMENT_CACHE_DIR="$on_dir/cache" "$@"
}

# quiet MACHINE...: nothing is wrong, and nothing is said
quiet() {
	for quiet_on; do
		must on "$quiet_on" muniment list r
		[ ! -s "$ERR" ] || fail "$quiet_on: $(cat "$ERR")"
	done
}

# alarm MACHINE TEXT: it is said, the list is shown all the same, and again
alarm() {
	for alarm_nth in 1 2; do
		must_fail 13 on "$1" muniment list r
		has "$ERR" "$2"
		has "$ERR" "log accept"
		[ -s "$OUT" ] || fail "nothing was listed ($alarm_nth)"
	done
}

make() {
	make_on=$1
	shift
	echo "$1" >>src/mail
	must on "$make_on" muniment create "r::$1" src
	[ ! -s "$ERR" ] || fail "$(cat "$ERR")"
}

# record NAME: the file of an archive
record() {
	rm -rf recorder
	on recorder muniment log --json r >json
	python3 - "$1" <<'END'
import hashlib, json, os, sys
log = json.load(open("json"))["log"]
ids = {x["id"] for x in log if x["name"] == sys.argv[1]}
for n in os.listdir("r/archives"):
    p = "r/archives/" + n
    if os.path.isdir(p):
        p += "/" + os.listdir(p)[0]
    d = hashlib.blake2b(open(p, "rb").read(), digest_size=32).hexdigest()
    if d in ids:
        print(n)
END
}

save() {
	rm -rf saved
	cp -a r saved
}

back() {
	rm -rf r
	cp -a saved r
}

export MUNIMENT_PASSPHRASE=secret
mkdir src
must on a muniment init -e repokey r
make a one
make b two
make a three

# --- what is no reason for an alarm ---
quiet a b c
rm -rf a/cache c/config
quiet a c
cp -a a/config older
make b four
must on b muniment delete r::two
must on b muniment compact r
quiet a b
make a five
make b six
must on b muniment delete r::one
must on b muniment compact r
must on b muniment compact r
make a seven
must on b muniment delete r::seven
must on b muniment undelete r::seven
must on a muniment rename r::six sechs
must on a muniment break-lock r
quiet a b c
rm -rf a/config a/cache
mv older a/config
quiet a
make a eight
quiet a b c
# others at work meanwhile
for n in 1 2; do
	(on b muniment create "r::b$n" src && on b muniment delete "r::b$n" &&
	 on b muniment compact --no-wait r) >>b.log 2>&1 || echo failed >>b.log
done &
writer=$!
while kill -0 $writer 2>/dev/null; do
	quiet a
done
wait $writer
has_not b.log failed
must on a muniment check r
must on b muniment prune --keep-last 2 r
must on b muniment compact r
quiet a b c

# --- an older copy in its place ---
save
make a nine
make a ten
make b eleven
quiet a b
must on a muniment log r
state=$(sed -n 's/^State: //p' "$OUT")
back
quiet c
alarm a "went back in time: 3 archives in a row"
has "$ERR" "the newest is 'eleven'"
must_fail 13 on a muniment create r::twelve src
must_fail 13 on a muniment prune --keep-last 1 r
has "$ERR" "pruning would delete for good"
must_fail 13 on a muniment compact r
has "$ERR" "compaction would delete for good"
must_fail 13 on a muniment extract --stdout r::twelve src/mail
cmp "$OUT" src/mail
run_kept 13 on a muniment log r
has "$OUT" "NOT AS IT WAS"
run_kept 13 on a muniment log --json r
python3 -c 'import json, sys
f = json.load(sys.stdin)["findings"]
assert [x["kind"] for x in f] == ["back"] * 3, f' <"$OUT"
run_kept 2 on a muniment status r
has "$OUT" "went back in time"
# a new machine that was told the words
must_fail 13 on new muniment --expect-head "$state" list r
has "$ERR" "--expect-head"
[ ! -s "$OUT" ] || fail "listed all the same"
must_fail 3 on new muniment --expect-head "babab dadad" list r
run_kept 13 on a muniment -n log accept r
has "$OUT" "would be accepted"
alarm a "went back in time"
must on a muniment log accept r
has "$OUT" "accepted: "
quiet a
must on a muniment check r
must on a muniment log r
has "$OUT" "Accepted on this machine:"
must on a muniment prune --keep-last 4 r
must on a muniment log accept r
has "$OUT" "are as this machine has seen them"
must_fail 13 on b muniment list r	# its own decision
must on b muniment log accept r
quiet a b c

# --- one record is taken away, and comes back ---
make a last
make b later
quiet a b
x=$(record last)
mv "r/archives/$x" gone
alarm a "the archive 'last' of "
has "$ERR" "its record was taken away"
alarm b "the archive 'last' of "
mv gone "r/archives/$x"
quiet a b

# --- a tombstone that is none, that goes away; a record that is played again
echo junk >"r/tombstones/$x"
alarm a "the tombstone of the archive 'last'"
has "$OUT" last
must on a muniment log accept r
[ ! -e "r/tombstones/$x" ] || fail "the false tombstone is still there"
quiet a b
cp -a "r/archives/$x" kept
must on b muniment delete r::last
quiet a
rm -rf "r/tombstones/$x"
alarm b "which was deleted, is back"
quiet a		# to a power cut just after it was put it may be lost
must on a muniment delete r::last
quiet a b
must on b muniment compact r
quiet a
rm -rf "r/tombstones/$x"
cp -a kept "r/archives/$x"
alarm a "which was deleted, is back"
alarm b "which was deleted, is back"
rm -rf "r/archives/$x"
quiet a b

# --- two histories: b works on a copy; later a is shown one record of b's
make b common
quiet a
cp -a r copy
make a mine
mv r real
mv copy r
make b theirs
make b lately
y=$(record lately)
for d in data meta index; do
	cp -a r/$d/. real/$d/
done
cp -a "r/archives/$y" real/archives/
rm -rf r
mv real r
alarm a "the archive 'lately' of "
has "$ERR" "different histories"
must on a muniment log accept r
quiet a
must_fail 13 on b muniment list r
has "$ERR" "'theirs'"

# --- another place, another repository ---
mv r r2
must on a muniment list r2
has "$ERR" "was at $PWD/r before; it is the same one"
must on a muniment list r2
[ ! -s "$ERR" ] || fail "$(cat "$ERR")"
cp -a r2 r3
must_fail 13 on a env BORG_RELOCATED_REPO_ACCESS_IS_OK=no muniment list r3
must on a env BORG_RELOCATED_REPO_ACCESS_IS_OK=yes muniment list r3
[ ! -s "$ERR" ] || fail "$(cat "$ERR")"
must on c muniment init -e repokey r
must_fail 13 on a muniment create r::one src
has "$ERR" "another repository"
eq "$(find r/archives -type f | wc -l)" 0
must_fail 13 on a muniment list r
must on a env MUNIMENT_UNKNOWN_REPO_ACCESS_IS_OK=yes \
	muniment create r::one src
quiet a
must_fail 13 on b muniment list r
must on b muniment log accept r
quiet b

# --- a key that only adds notices it as well, and the words are said ---
must on a env MUNIMENT_NEW_PASSPHRASE=host muniment key add --role append \
	--label host r
save
must on h env MUNIMENT_PASSPHRASE=host muniment create --stats r::two src
state=$(sed -n 's/^State: //p' "$OUT")
must on newer muniment --expect-head "$state" list r
must on newer muniment --expect-head "$(echo "$state" | tr - ' ')" list r
printf 'source_directories: [%s]\nrepositories: [{path: %s}]\n' \
	"$PWD/src" "$PWD/r" >c.yaml
must on b muniment -c c.yaml -v 1 create
grep -E "; state ([a-z]{5}-){7}[a-z]{5}; " "$ERR" >/dev/null ||
	fail "no state in the summary: $(cat "$ERR")"
back
must_fail 13 on h env MUNIMENT_PASSPHRASE=host muniment create r::three src
has "$ERR" "the newest that this machine has seen"
must on fresh muniment list --short r
eq "$(cat "$OUT")" "one
three"
