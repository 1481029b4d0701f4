#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Attacks that others have suffered, and where each is tried here.  Those with a
# dash are below; of the others it is only looked whether the test is there.
. "$TOP/tests/lib.sh"

cat >table <<'END'
a file that parses as a record, a pack, a key	-
an object taken for one of another type	unit/test_format_pack.c test_object
an object under another's id	unit/test_format_pack.c test_wrong_id
a pack of another repository	unit/test_format_pack.c test_foreign
a pack by nobody who has the keys	unit/test_format_pack.c test_forged
an index that lies	unit/test_format_segment.c test_lies
a record of another repository, under another name	-
a record in another's name	unit/test_repo_witness.c test_forged_record
a deletion by a key that adds	unit/test_repo_witness.c test_forged_tomb
wrong content for others to reuse	unit/test_repo_witness.c test_poisoned
two archives of one name	-
an older copy of the repository	cases/log.sh an older copy in its place
an archive taken away, a record played again	cases/log.sh is taken away
two histories	cases/log.sh two histories
another repository in its place	cases/log.sh another repository
every byte changed	unit/test_rot.c main
links in the way of an extraction	cases/extract_edges.sh never followed
names with .. or a slash in a tree	unit/test_format_node.c file_entry("..")
names and links with .. in a tar file	cases/tar_odd.py ../x
lengths that are too large, in every file	cases/fuzz-corpus.sh fuzz
content larger than it says	unit/test_codec_comp.c test_unpack
a key that wants all memory	-
one made for another passphrase hash	unit/test_format_slot.c test_kdf
archives dated in the future, to make others go	-
END
while IFS='	' read -r what where; do
	[ "$where" = - ] && continue
	file=${where%% *}
	grep -qF -e "${where#* }" "$TOP/tests/$file" ||
		fail "'$what': no '${where#* }' in tests/$file"
done <table

export MUNIMENT_PASSPHRASE=secret
must muniment init -e repokey r
must muniment init -e repokey other
mkdir src
echo letter >src/mail
must muniment create r::one src
must muniment create other::theirs src

# --- a file that parses as a record, a pack, a key ---
cp -a r src/copy
must muniment create r::two src
must muniment check --verify-data r
must muniment list --short r
eq "$(cat "$OUT")" "one
two"
must muniment key list r
eq "$(wc -l <"$OUT")" 1
mkdir out
(cd out && muniment extract ../r::two)
same_tree src out/src
rm -r src/copy

# --- a record of another repository, under another name ---
find r/archives -type f >own
while read -r f; do
	cp "$f" r/archives/0123456789abcdef0123456789abcdef
done <own
must_fail 1 muniment list --short r
has "$ERR" "has a wrong name"
eq "$(wc -l <"$OUT")" 2
rm r/archives/0123456789abcdef0123456789abcdef
find other/archives -type f >foreign
while read -r f; do
	cp "$f" r/archives/
done <foreign
must_fail 1 muniment list --short r
has "$ERR" "belongs to another repository"
eq "$(wc -l <"$OUT")" 2
while read -r f; do
	rm "r/archives/${f##*/}"
done <foreign
must muniment list r

# --- two archives of one name: both are there, and each is itself ---
cp -a r twin
echo first >src/mail
must muniment create r::same src
echo second >src/mail
must env MUNIMENT_CONFIG_DIR="$PWD/b" MUNIMENT_CACHE_DIR="$PWD/b" \
	muniment create twin::same src
for d in data meta index archives; do
	cp -a twin/$d/. r/$d/
done
must muniment log --json r
python3 -c 'import json, sys
print("\n".join(x["id"] for x in json.load(sys.stdin)["log"]
                if x["name"] == "same"))' <"$OUT" >ids
eq "$(wc -l <ids)" 2 "archives called 'same'"
while read -r id; do
	must muniment extract --stdout "r::$id" src/mail
	cat "$OUT"
done <ids | sort >both
eq "$(cat both)" "first
second"

# --- a key that wants all memory ---
find r/keys -type f >keys
read -r key <keys
cp "$key" key
chmod u+w "$key"
printf '\377\377\377\377' | dd of="$key" bs=1 seek=56 conv=notrunc 2>/dev/null
must_fail 14 timeout 20 muniment list r
cp key "$key"
must muniment list r

# --- archives dated in the future, to make others go ---
must muniment create --timestamp 2001-02-03T00:00:00 other::old src
must muniment create --timestamp 2001-02-04T00:00:00 other::older src
for n in 1 2 3; do
	must muniment create --timestamp "209$n-01-01T00:00:00" other::f$n src
done
must muniment prune --list --keep-last 2 other
has "$ERR" "its time is yet to come"
must muniment list --short other
eq "$(sort "$OUT" | tr '\n' ' ')" "f1 f2 f3 older theirs "
