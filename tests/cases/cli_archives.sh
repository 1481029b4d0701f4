#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What is done with archives: list, info, extract, diff, tar, rename, delete,
# check.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r
mkdir -p src/d
echo one >src/a
ln src/a src/h
ln -s a src/l
echo two >src/d/b
must muniment create --comment first ::one src
cp -a src was
echo three >>src/d/b
chmod 600 src/a
rm src/l
mkfifo src/f
must muniment create ::two src
must muniment create ::other src/d

one_line() {
	eq "$(wc -l <"$ERR")" 1 "lines of the error"
	has "$ERR" "$1"
}

# list: archives
eq "$(muniment list --short | tr '\n' ' ')" "one two other "
must muniment list
line='one {34}[A-Z][a-z]{2}, [-0-9]{10} [0-9:]{8} \[[0-9a-f]{64}\]'
grep -Eqx "$line" "$OUT" || fail "not borg's line: $(cat "$OUT")"
eq "$(muniment list --short -a 't*')" two
eq "$(muniment list --short -P o | tr '\n' ' ')" "one other "
eq "$(muniment list --short --last 1)" other
eq "$(muniment list --short --sort-by name --first 2 | tr '\n' ' ')" \
	"one other "
must_fail 3 muniment list --sort-by size
must_fail 3 muniment list --first 1 --last 1
must muniment list --json --format '{comment}'
python3 - "$OUT" <<'EOF'
import json, sys
d = json.load(open(sys.argv[1]))
assert [a["name"] for a in d["archives"]] == ["one", "two", "other"], d
assert set(d["archives"][0]) == {"archive", "barchive", "comment", "id",
                                 "name", "start", "time"}, d
assert d["archives"][0]["comment"] == "first", d
assert set(d["repository"]) == {"id", "last_modified", "location"}, d
EOF

# list: files
eq "$(muniment list --short ::one | tr '\n' ' ')" \
	"src src/a src/d src/d/b src/h src/l "
must muniment list ::one
has "$OUT" "src/h link to src/a"
has "$OUT" "src/l -> a"
has "$OUT" "drwx"
eq "$(muniment list --short ::one src/d | tr '\n' ' ')" "src/d src/d/b "
eq "$(muniment list --short ::one -e '*/d' | tr '\n' ' ')" \
	"src src/a src/h src/l "
must_fail 1 muniment list ::one nowhere
one_line "'nowhere' matched nothing"
must muniment list --json-lines ::one
python3 - "$OUT" <<'EOF'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
by = {r["path"]: r for r in rows}
assert by["src/a"]["size"] == 4 and by["src/a"]["type"] == "-", by
assert by["src/h"]["mode"][0] == "h" and by["src/h"]["source"] == "src/a", by
assert by["src/l"]["linktarget"] == "a", by
assert set(by["src"]) == {"type", "mode", "user", "group", "uid", "gid",
    "path", "healthy", "source", "linktarget", "flags", "mtime",
    "size"}, by["src"]
EOF
must_fail 3 muniment list --json ::one
must_fail 3 muniment list --json-lines
must_fail 2 muniment list ::tow
one_line "two"
id=$(muniment list -a two --format '{id}')
eq "$(muniment list --short ::"$(echo "$id" | cut -c1-8)" src/f)" src/f

# info
must muniment info ::one
has "$OUT" "Comment: first"
has "$OUT" "Number of files: 4"
must muniment info
has "$OUT" "Archives: 3"
must muniment info --json ::latest
python3 - "$OUT" <<'EOF'
import json, sys
a = json.load(open(sys.argv[1]))["archives"]
assert len(a) == 1 and a[0]["name"] == "other", a
for key in ("hostname", "username", "comment", "stats", "command_line"):
    assert key in a[0], a
EOF

# extract
mkdir out
must muniment extract --destination out ::one
same_tree was out/src
(mkdir in && cd in && must muniment extract ::one src/d)
same_tree was/d in/src/d
must muniment extract --destination out --strip-components 2 ::one src/d/b
eq "$(cat out/b)" two
mkdir all
must muniment extract --destination all --strip-components all --path src/d/b \
	--archive one
eq "$(cat all/b)" two
must_fail 3 muniment extract --strip-components all ::one
must_fail 3 muniment extract --strip-components x ::one
eq "$(muniment extract --stdout ::two src/d/b | tail -n 1)" three
mkdir dry
must muniment extract --dry-run --list --destination dry ::one
has "$ERR" src/d/b
eq "$(ls dry)" "" "what a dry run wrote"
must_fail 1 muniment extract --destination dry ::one src/a nowhere
one_line "'nowhere' matched nothing"
eq "$(cat dry/src/a)" one
must_fail 3 muniment extract
must_fail 2 muniment extract ::none
must_fail 2 muniment extract --destination /no/such/folder ::one
if [ -e /dev/full ]; then
	code=0
	muniment extract --stdout ::one src/a >/dev/full 2>"$ERR" || code=$?
	[ $code != 0 ] || fail "what could not be written was not missed"
fi

# diff, in borg's words
must muniment diff --content-only ::one two
has "$OUT" "    +10 B      -4 B src/d/b"
has "$OUT" "removed link        src/l"
has "$OUT" "added fifo          src/f"
must muniment diff --sort ::one two src/a
has "$OUT" "[-rw-r--r-- -> -rw-------]"
must muniment diff --json-lines ::one two
python3 - "$OUT" <<'EOF'
import json, sys
by = {r["path"]: r["changes"] for r in map(json.loads, open(sys.argv[1]))}
assert by["src/f"] == [{"type": "added fifo"}], by
mode = [c for c in by["src/a"] if c["type"] == "mode"]
assert mode == [{"type": "mode", "old_mode": "-rw-r--r--",
                 "new_mode": "-rw-------"}], by
mod = [c for c in by["src/d/b"] if c["type"] == "modified"]
assert set(mod[0]) == {"type", "added", "removed"}, by
EOF
must muniment diff ::one one
eq "$(cat "$OUT")" ""
must_fail 2 muniment diff ::one none
must_fail 3 muniment diff ::one

# tar, there and back
must muniment export-tar ::one one.tar
mkdir t
tar -xpf one.tar -C t
same_tree was t/src
must muniment export-tar --list ::one one.tar.gz src/d
gzip -t one.tar.gz
has "$ERR" src/d/b
eq "$(muniment export-tar ::one - | tar -tf - | wc -l)" 6
must muniment import-tar ::tarred one.tar
mkdir u
must muniment extract --destination u ::tarred
same_tree was u/src
must muniment import-tar --stats ::gz one.tar.gz
has "$OUT" "Archive name: gz"
head -c 1000 one.tar >short.tar
must_fail 14 muniment import-tar ::short short.tar
must_fail 2 muniment import-tar ::none nowhere.tar
head -c 100 one.tar.gz >short.tar.gz
code=0
muniment import-tar ::short short.tar.gz >"$OUT" 2>"$ERR" || code=$?
[ $code != 0 ] || fail "half a file was imported"
must_fail 2 muniment import-tar --tar-filter 'sh -c "cat; exit 5"' ::short \
	one.tar
one_line "the command 'sh' failed with status 5"
must_fail 2 muniment export-tar ::one /no/such/folder/x.tar
must_fail 2 muniment export-tar --tar-filter false ::one x.tar
[ ! -e x.tar ] || fail "a tar file that is not whole has its name"
eq "$(find . -name 'x.tar*')" "" "what a failed export left"
eq "$(muniment list --short | tr '\n' ' ')" "one two other tarred gz "

# rename, delete
must muniment rename ::gz zipped
must_fail 2 muniment rename ::one two
must_fail 3 muniment rename ::one a/b
must_fail 3 muniment rename ::one
eq "$(muniment list --short | sort | tr '\n' ' ')" \
	"one other tarred two zipped "
must muniment delete --dry-run --list -a 't*'
has "$ERR" "Would delete archive: two"
must_fail 2 muniment delete
one_line "a whole repository is deleted only by somebody who says so"
must_fail 3 muniment delete ::one -a 't*'
must_fail 2 muniment delete ::one nowhere
eq "$(muniment list --short | wc -l)" 5 "archives after a delete that failed"
must muniment delete --list --stats ::zipped tarred
has "$ERR" "Deleting archive: zipped"
has "$OUT" "Deleted data:"
must muniment delete -a 'oth*'
eq "$(muniment list --short | tr '\n' ' ')" "one two "
must_fail 2 muniment list ::zipped

# check: whole, then with damage that is named
seq 5000 >big
must muniment create ::big big
must muniment check
has "$OUT" "no problems found"
must muniment check --verify-data ::two
must_fail 3 muniment check --repository-only --archives-only
must_fail 3 muniment check --repository-only --verify-data
pack=$(find r/data -type f | head -n 1)
printf 'XXXX' | dd of="$pack" bs=1 seek=3000 conv=notrunc status=none
must_fail 14 muniment check
has "$ERR" "$(basename "$pack" | cut -c1-16)"
