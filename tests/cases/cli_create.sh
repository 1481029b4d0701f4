#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# create: its options, its output, and what can be wrong with the source.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r

one_line() {
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$1"
}
# names: the archives there are, in one line
names() {
	muniment list --short --consider-checkpoints | tr '\n' ' '
}
paths() {
	muniment list --short "::$1" | tr '\n' ' '
}

mkdir -p src/d src/cache
echo one >src/a
echo two >src/d/b
ln -s a src/l
ln src/a src/h
mkfifo src/f
printf 'Signature: 8a477f597d28d172789f06886806bc55' >src/cache/CACHEDIR.TAG
echo junk >src/cache/junk

# list, filter, stats
must muniment create --list --stats ::a src
has "$ERR" "A src/d/b"
has "$ERR" "s src/l"
has "$ERR" "f src/f"
has "$ERR" "d src/d"
has_not "$OUT" "src/d/b"
for text in "Repository: $PWD/r" "Archive name: a" "Archive fingerprint: " \
	"Time (start): " "Time (end):   " "Duration: " "Number of files: 7" \
	"This archive: " "All archives: " "Deduplicated size"; do
	has "$OUT" "$text"
done
sleep 2.1	# what was changed just before a run is not believed
must muniment create ::b src
must muniment create --list --filter AM ::c src
eq "$(cat "$ERR")" "" "what --filter AM lists when nothing has changed"
must muniment create --list --dry-run ::never src
has "$ERR" "- src/a"
eq "$(names)" "a b c "

# names: taken, not allowed, by placeholders
must_fail 2 muniment create ::a src
one_line "'a'"
must_fail 3 muniment create ::a/b src
one_line "a/b"
must_fail 3 muniment create --name '' src
must_fail 3 muniment create --name "$(printf 'a\377')" src
one_line "UTF-8"
must_fail 3 muniment create --name latest src
must_fail 3 muniment create --name '{hostnme}' src
one_line "did you mean '{hostname}'?"
must muniment create --name 'x-{now:%Y}-{{}}' src
has_not "$ERR" .
case $(names) in
*"x-$(date +%Y)-{} "*) ;;
*) fail "placeholders: $(names)" ;;
esac
must muniment create src
muniment list --short | grep -q "^$(uname -n)-20..-..-..T..:..:..\.......$" ||
	fail "the default name: $(names)"
must muniment --repository r create --archive-name last src
must env -u MUNIMENT_REPO muniment create "$PWD/r::borg" src

# time and comment
must muniment create --timestamp 2020-02-03T04:05:06 --comment 'in {now:%Y}' \
	::old src
eq "$(muniment list -a old --format '{time}|{comment}')" \
	"Mon, 2020-02-03 04:05:06|in $(date +%Y)"
must_fail 3 muniment create --timestamp yesterday ::no src
one_line "yesterday"

# JSON has borg's fields
must muniment create --json ::json src
python3 - "$OUT" <<'EOF'
import json, sys
d = json.load(open(sys.argv[1]))
a = d["archive"]
assert a["name"] == "json" and len(a["id"]) == 64, a
assert a["stats"]["nfiles"] == 7, a
for key in ("original_size", "compressed_size", "deduplicated_size"):
    assert isinstance(a["stats"][key], int), a
for key in ("command_line", "duration", "start", "end"):
    assert key in a, a
assert d["encryption"]["mode"].startswith("repokey"), d
assert d["repository"]["location"].endswith("/r"), d
assert d["cache"]["stats"]["unique_csize"] > 0, d
EOF
must_fail 3 muniment create --json --dry-run ::no src
must muniment --log-json create --list ::json2 src
python3 - "$ERR" <<'EOF'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert {"type": "file_status", "status": "s", "path": "src/l"} in lines
EOF

# which files
must muniment create -e '*/b' --exclude-caches ::no-b src
eq "$(paths no-b)" "src src/a src/d src/f src/h src/l "
must muniment create --exclude-caches --keep-exclude-tags ::tags src
case $(paths tags) in *junk*) fail "a cache was kept" ;; esac
case $(paths tags) in *CACHEDIR.TAG*) ;; *) fail "no tag" ;; esac
must muniment create --pattern '+ src/d/b' --pattern '- src/*' ::only-b src
eq "$(paths only-b)" "src src/d/b "
printf 'R src/d\n' >patterns
must muniment create --patterns-from patterns ::roots
eq "$(muniment list ::roots --format '{path} ' src/d)" "src/d src/d/b "
must_fail 2 muniment create --exclude-from nowhere ::no src
must_fail 3 muniment create --exclude 're:(' ::no src
must_fail 3 muniment create --files-cache sometimes ::no src
must_fail 3 muniment create --compression brotli ::no src
has "$ERR" brotli
# what an option means here is said to who asks, and not to cron every hour
must muniment --info create -C lz4 ::lz4 src
has "$ERR" "lz4"
must muniment --info create --chunker-params 19,23,21,4095 ::params src
has "$ERR" "not used"
must muniment create -C lz4 ::quiet src
has_not "$ERR" "lz4"

# standard input, commands, lists of paths
echo hello | must muniment create --stdin-name in.txt --stdin-user daemon \
	--stdin-mode 0600 ::stdin -
eq "$(muniment list ::stdin)" "$(printf '%s' "-rw------- daemon root          \
6 $(muniment list ::stdin --format '{mtime}') in.txt")"
eq "$(muniment extract --stdout ::stdin)" hello
must muniment create --content-from-command ::cmd -- sh -c 'echo from; echo sh'
eq "$(muniment extract --stdout ::cmd stdin)" "$(printf 'from\nsh')"
must muniment create --content-from-command ::env -- env
eq "$(muniment extract --stdout ::env | grep _PASSPHRASE=)" "" \
	"what a command sees of the passphrase"
before=$(names)
must_fail 2 muniment create --content-from-command ::bad -- \
	sh -c 'echo half; exit 3'
one_line "the command 'sh' failed with status 3"
must_fail 2 muniment create --content-from-command ::bad -- /no/such
must_fail 3 muniment create --content-from-command ::bad
must_fail 3 muniment create ::bad
one_line "nothing to archive"
eq "$(names)" "$before" "archives after failures"
printf 'src/a\0src/d\0' | must muniment create --paths-from-stdin \
	--paths-delimiter '\0' ::listed
eq "$(muniment list ::listed --format '{path} ')" "src/a src/d "
must muniment create --paths-from-command ::listed2 -- printf 'src/d/b\n'
eq "$(muniment list ::listed2 --format '{path} ')" "src/d/b "
must_fail 2 muniment create --paths-from-command ::no -- \
	sh -c 'echo src/a; exit 1'

# sources: one that is missing, all missing, the repository inside
before=$(names)
must_fail 2 muniment create ::none nowhere
has "$ERR" "none of the sources exists"
eq "$(names)" "$before"
must_fail 1 muniment create ::some nowhere src
has "$ERR" "nowhere"
has_not "$ERR" "src/a"
must muniment create ::inside "$PWD"
case $(paths inside) in
*REPOSITORY*) fail "the repository is in its own archive" ;;
*src/d/b*) ;;
*) fail "nothing is in it: $(paths inside)" ;;
esac

# interrupted: what was read is kept, and said
mkdir big
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	head -c 8000000 /dev/urandom >big/$i
done
muniment create ::big big >"$OUT" 2>"$ERR" &
pid=$!
sleep 0.5
kill -INT $pid 2>/dev/null || :
code=0
wait $pid || code=$?
case $code in
0) ;;		# it was faster
2) has "$ERR" "interrupted" ;;
*) run_show; fail "an interrupted create ends with $code" ;;
esac

# A added, M modified in place, U unchanged: and the figures count them so
mkdir letters
echo one >letters/a
echo two >letters/b
sleep 2.1	# what is younger is looked at again
must muniment create ::letters1 letters
echo more >>letters/a
echo new >letters/n
must muniment create --list --stats ::letters2 letters
has "$ERR" "M letters/a"
has "$ERR" "U letters/b"
has "$ERR" "A letters/n"
has "$OUT" "Files: 1 added, 1 changed, 0 gone, 1 unchanged"
