#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# Repair: a damaged, a missing pack, a lost index; what is lost is named with
# its bytes, the rest is in NAME.repaired, and the next backup of the same
# files heals the originals, also where the file-state cache knows them.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret TZ=UTC
mkdir -p src/mail src/etc
for i in $(seq 60); do
	head -c 20000 /dev/urandom >src/mail/"$i"
done
head -c 12000000 /dev/urandom >src/large
head -c 900 /dev/urandom >src/etc/small
must muniment init -e repokey r
must muniment create r::first src
sleep 1.1	# so that the cache of file states trusts all of them
echo more >src/more
must muniment create r::second src
cp -a r whole

# nothing to do, and nothing done
must muniment repair r
has "$OUT" "nothing to repair"
[ -z "$(ls r/generations)" ] || fail "a generation for nothing"

# the index is gone
rm r/index/*
must_fail 14 muniment check r
must_fail 14 muniment extract --dry-run r::first
must muniment repair r
has "$OUT" "repaired: no archive has lost anything"
must muniment check --verify-data r
must muniment extract --dry-run r::first
must muniment list r
has_not "$OUT" repaired
# and backups go on with it: nothing is stored again
packs=$(find r/data -type f | wc -l)
must muniment create r::third src
[ "$(find r/data -type f | wc -l)" = "$packs" ] ||
	fail "the new index is not used"
# a second repair finds nothing
must muniment repair r
has "$OUT" "nothing to repair"

# a segment that backups rely upon is damaged
f=$(find r/index -type f | head -1)
chmod u+w "$f"
dd if=/dev/urandom of="$f" bs=1k seek=2 count=2 conv=notrunc status=none
must_fail 14 muniment check r
must_fail 1 muniment repair r
must muniment check --verify-data r
must muniment compact r
must muniment check --verify-data r
[ ! -e "$f" ] || fail "the damaged segment is still there"

# a data pack is damaged in its middle
rm -rf r "$HOME/.config/muniment/pins"
cp -a whole r
pack=$(find r/data -type f -size +4M | head -1)
[ -n "$pack" ] || fail "no large pack"
chmod u+w "$pack"
dd if=/dev/urandom of="$pack" bs=1M seek=6 count=1 conv=notrunc status=none
must_fail 14 muniment check r
has "$ERR" "first: src/large: bytes "
has "$ERR" " of 12000000 are lost"
must_fail 14 muniment check --json r
python3 - "$OUT" <<'PY' || fail "check --json"
import json, sys
doc = json.load(open(sys.argv[1]))
assert not doc["sound"] and doc["checked"]["damage"] >= 2, doc
lost = [f for f in doc["findings"] if f.get("path") == "src/large"]
assert {f["archive"] for f in lost} == {"first", "second"}, lost
PY
must_fail 1 muniment repair r
has "$OUT" "2 archives have lost something: 2 files"
must muniment list r
has "$OUT" first.repaired
has "$OUT" second.repaired
must muniment list --format '{health} {path}{NL}' r::first.repaired
has "$OUT" "broken src/large"
has "$OUT" "healthy src/mail/1"
must muniment info r::first.repaired
mkdir out
must_fail 1 muniment extract --destination out r::first.repaired
has "$ERR" "src/large"
cmp -s out/src/mail/60 src/mail/60 || fail "mail/60"
[ "$(stat -c %s out/src/large)" = 12000000 ] || fail "size of large"
cmp -s out/src/large src/large && fail "large cannot be whole"
differ=$(cmp -l out/src/large src/large | grep -c .)
[ "$differ" -lt 11000000 ] ||
	fail "more is lost than had to be"
# a second one does no more than the first
before=$(find r -type f | grep -vc /sessions/)
must_fail 1 muniment repair r
has "$OUT" "0 were written anew"
[ "$(find r -type f | grep -vc /sessions/)" = "$before" ] ||
	fail "the second repair wrote something"
# compaction waits for the originals
must_fail 14 muniment compact r
[ -e "$pack" ] || fail "the damaged pack is gone"

# the next backup heals, though it knows all files
must muniment create --stats r::fourth src
mkdir out2
must muniment extract --destination out2 r::first
cmp -s out2/src/large src/large || fail "not healed"
must muniment check --verify-data r
must muniment repair r
must muniment compact r
[ ! -e "$pack" ] || fail "compaction left the damaged pack"
must muniment check --verify-data r
must muniment extract --dry-run r::second

# packs of folders are missing: the names below are lost, the rest is not
rm -rf r out "$HOME/.config/muniment/pins"
cp -a whole r
find r/meta -type f -delete
must_fail 14 muniment check r
must_fail 1 muniment repair r
must muniment create r::after src
must muniment extract --dry-run r::second
must_fail 14 muniment extract --dry-run r::first
must muniment delete r::first
must muniment compact r
must muniment check --verify-data r

# a generation is damaged
g=$(find r/generations -type f | sort | tail -1)
chmod u+w "$g"
echo nonsense >"$g"
must_fail 14 muniment check r
must_fail 14 muniment create r::no src
must_fail 1 muniment repair r
must muniment create r::yes src
must muniment extract --dry-run r::second
