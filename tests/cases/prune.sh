#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# prune: borg's lines, its guard rails; the choice of archives in all actions;
# several deletions.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r" TZ=UTC
must fastinit r
mkdir src
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	echo $i >src/$i
done
at() {		# at NAME TIME
	muniment create --timestamp "2026-11-$2" "::$1" src
}
names() {
	muniment list --short "$@" | tr '\n' ' '
}
cp -a r empty
# an older copy takes the place of the repository, and nobody remembers
reset() {
	rm -r r "$HOME/.config/muniment/pins"
	mv "$1" r
}

# borg's lines, of the example in borg's manual
day=1
while [ $day -le 20 ]; do
	d=$(printf %02d $day)
	at "mail-$d-a" "${d}T03:00:00"
	at "mail-$d-b" "${d}T15:00:00"
	day=$((day + 1))
done
cp -a r forty
must muniment prune --dry-run --list --keep-hourly 3 --keep-daily 3 \
	--keep-weekly 1 --keep-monthly 6
sed -E 's/ {10,}[A-Z][a-z]{2}, 2026-.*//' "$ERR" | grep -v Would >kept
cat >want <<'EOF'
Keeping archive (rule: hourly #1):       mail-20-b
Keeping archive (rule: hourly #2):       mail-20-a
Keeping archive (rule: hourly #3):       mail-19-b
Keeping archive (rule: daily #1):        mail-18-b
Keeping archive (rule: daily #2):        mail-17-b
Keeping archive (rule: daily #3):        mail-16-b
Keeping archive (rule: weekly #1):       mail-15-b
Keeping archive (rule: monthly[oldest] #1): mail-01-a
EOF
cmp kept want || fail "not borg's lines: $(cat kept)"
eq "$(grep -c '^Would prune:                             mail-' "$ERR")" 32
eq "$(names | wc -w)" 40 "archives after a dry run"
must muniment prune --list --stats -H 3 -d 3 -w 1 -m 6 --save-space -c 9
has "$ERR" "Pruning archive (32/32):                 mail-01-b"
has "$OUT" "Deleted data:"
eq "$(names)" "mail-01-a mail-15-b mail-16-b mail-17-b mail-18-b mail-19-b \
mail-20-a mail-20-b "
must muniment check

# what to keep has to be said
must_fail 3 muniment prune
has "$ERR" "nothing says what to keep"
must_fail 3 muniment prune --keep-daily 0
must_fail 3 muniment prune --keep-daily x
must_fail 3 muniment prune --keep-within 1
must_fail 3 muniment prune --keep-13weekly 1 --keep-3monthly 1
must_fail 3 muniment prune --keep-daily 1 --older 3x
must_fail 3 muniment prune --keep-daily 1 -a 're:('
must_fail 3 muniment prune --keep-daily 1 ::mail-20-a
must_fail 3 muniment prune --keep-daily 1 --last 3

# no limit keeps all; nothing kept by time keeps the newest of each series
must muniment prune --keep-daily -1
eq "$(names | wc -w)" 7
at old 01T01:00:00
must muniment prune --dry-run --list --keep-within 1H -a old
has "$ERR" "Keeping archive (rule: newest of its series): old"
must muniment prune --dry-run --list --keep-within 1H -a old --force
has "$ERR" "Would prune:                             old"

# most of all days would go
cp -a forty again
reset again
must_fail 2 muniment prune --keep-last 2
has "$ERR" "38 of 40 archives would go, and of 19 of 20 days nothing"
eq "$(names | wc -w)" 40 "archives after a refusal"
must_fail 2 muniment prune --keep-last 2 --dry-run --list
has "$ERR" "Would prune:                             mail-01-a"
must muniment prune --keep-last 2 --force
eq "$(names)" "mail-20-a mail-20-b "

# two series that are pruned as one: the days of each count
cp -a empty again
reset again
for d in 01 02 03 04 05 06; do
	at "mail-$d" "${d}T03:00:00"
	at "web-$d" "${d}T15:00:00"
done
must_fail 2 muniment prune --keep-daily 2
must muniment prune --keep-daily 2 -a 'mail-*'
must muniment prune --keep-daily 2 -a 'web-*'
eq "$(names)" "mail-05 web-05 mail-06 web-06 "

# a pattern that fits nothing
must_fail 2 muniment prune --keep-daily 2 -a 'otherhost-*'
has "$ERR" "none of the 4 archives fits the pattern"
must muniment prune --keep-daily 2 -a 'otherhost-*' --force
must muniment prune --keep-daily 2 -a 'mail-*' --older 1000d
rm -r "$HOME/.config/muniment/pins"
must muniment prune --repository "$PWD/empty" --keep-daily 2 -a 'x-*'

# a change that looks like an accident
cp -a empty again
reset again
for d in 11 12 13 14 15; do
	at "mail-$d" "${d}T03:00:00"
done
mv src full
mkdir src
echo 1 >src/1
at mail-16 16T03:00:00
must_fail 1 muniment prune --list --keep-daily 4
has "$ERR" "the archive 'mail-16' has 1 files where 12 were usual"
has "$ERR" "Keeping archive (rule: suspended):       mail-12"
at mail-17 17T03:00:00
must_fail 1 muniment prune --keep-daily 4
eq "$(names | wc -w)" 7
cp -a r suspended
# the state is taken for right: by itself, in the end ...
at mail-18 18T03:00:00
must_fail 1 muniment prune --keep-daily 4
at mail-20 20T03:00:00
must muniment prune --keep-daily 4
eq "$(names)" "mail-16 mail-17 mail-18 mail-20 "
# ... by the accident's end ...
rm -r src
cp -a suspended again
reset again
mv full src
at mail-18 18T03:00:00
must muniment prune --keep-daily 4
eq "$(names)" "mail-15 mail-16 mail-17 mail-18 "
# ... or by decision, once
rm -r src
reset suspended
mkdir src
must muniment prune --keep-daily 5 --dry-run --force
must_fail 1 muniment prune --keep-daily 5
must muniment prune --keep-daily 5 --force
at mail-18 18T03:00:00
must muniment prune --keep-daily 5
eq "$(names)" "mail-14 mail-15 mail-16 mail-17 mail-18 "
at db 18T04:00:00
muniment create --timestamp 2026-11-18T05:00:00 ::small want
must muniment prune --keep-hourly 3

# all is new, though there is not more: encrypted by somebody
rm -r src
cp -a empty again
reset again
mkdir src
for d in 11 12 13 14; do
	head -c 300000 /dev/urandom >src/new-$d
	at "mail-$d" "${d}T03:00:00"
	[ $d != 11 ] || head -c 2000000 /dev/urandom >src/store
done
must muniment prune --keep-daily 4
head -c 2000000 /dev/urandom >src/store
at mail-15 15T03:00:00
must_fail 1 muniment prune --keep-daily 4
has "$ERR" "in the archive 'mail-15' more than half of all bytes were replaced"
at mail-16 16T03:00:00
must_fail 1 muniment prune --keep-daily 4
at mail-19 19T03:00:00
must muniment prune --keep-daily 4
eq "$(names)" "mail-14 mail-15 mail-16 mail-19 "

# which archives, in all actions
eq "$(names -a 're:mail-1[45]')" "mail-14 mail-15 "
eq "$(names -a 're:mail-1')" ""
eq "$(names -a id:mail-14)" "mail-14 "
eq "$(names -a 'id:mail-*')" ""
eq "$(names -a 'name:sh:mail-1[!4]')" "mail-15 mail-16 mail-19 "
eq "$(names -a 'mail*' -a '*5')" "mail-15 "
eq "$(names -a "host:$(hostname)" | wc -w)" 4
eq "$(names -a host:x)" ""
eq "$(names -a "aid:$(muniment list --last 1 --format '{id}')")" "mail-19 "
eq "$(names --oldest 1d)" "mail-14 mail-15 "
eq "$(names --newest 3d)" "mail-16 mail-19 "
eq "$(names --older 1H | wc -w) $(names --newer 1H | wc -w)" "4 0" ||
	[ "$(date +%s)" -lt 1795000000 ]
eq "$(names --newest 1m --first 2)" "mail-14 mail-15 "
must_fail 3 muniment list --oldest 1
must_fail 3 muniment list -a x -P y
must muniment check --archives-only --last 1
has "$OUT" "1 archives"
must muniment check --archives-only -a 'mail-1[45]'
has "$OUT" "2 archives"
must_fail 3 muniment check --last 1 ::mail-14
must_fail 3 muniment check --last 1 --repository-only
must muniment info -a 'mail-1[45]'
eq "$(grep -c '^Archive name' "$OUT")" 2

# several deletions
must muniment delete --list --dry-run --last 2
has "$ERR" "Would delete archive: mail-19"
must muniment delete --list --stats --save-space -a 'mail-1[45]'
has "$ERR" "Deleting archive: mail-15"
has "$ERR" "(2/2)"
has "$OUT" "All archives:"
eq "$(names)" "mail-16 mail-19 "
rec=$(muniment list --last 1 --format '{id}')
# the newest record, damaged
damaged=
for f in r/archives/*; do
	cp "$f" saved
	printf X | dd of="$f" bs=1 seek=400 conv=notrunc status=none
	rm -rf none
	MUNIMENT_CACHE_DIR=$PWD/none muniment list --short 2>/dev/null |
		grep -q mail-19 ||
		damaged=${f#r/archives/}
	[ -z "$damaged" ] || break
	cp saved "$f"
done
[ -n "$damaged" ] || fail "no record of $rec"
export MUNIMENT_CACHE_DIR="$PWD/none"
must_fail 2 muniment delete "::$damaged"
must_fail 1 muniment delete --force "::$damaged" mail-16
must muniment list
eq "$(cat "$OUT")" ""
