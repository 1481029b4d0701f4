#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# Parity as users see it: chosen at init or later, rot is read through it,
# named by check, replaced by repair and by parity --repair; without it, it is
# damage.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
export MUNIMENT_CACHE_DIR=/dev/null/none

mkdir s out
head -c 3000000 /dev/urandom >s/big
n=0
while [ $n -lt 100 ]; do
	n=$((n + 1))
	head -c 700 /dev/urandom >s/f$n
done

# rot FILE AT LENGTH: other bytes under the same name
rot() {
	python3 - "$@" <<-'EOF'
	import os, sys
	path, at, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	with open(path, "rb") as f:
	    b = bytearray(f.read())
	for i in range(at, min(at + n, len(b))):
	    b[i] ^= 0xA5
	os.unlink(path)
	with open(path, "wb") as f:
	    f.write(b)
	EOF
}
largest() {
	find "r/$1" -type f -size +8k -printf '%s %p\n' | sort -n |
		tail -n 1 | cut -d' ' -f2
}
extracts() {
	rm -rf out/s
	(cd out && must muniment extract ::a)
	diff -r s out/s || fail "wrong bytes"
}

must_fail 3 muniment init --parity 30%
has "$ERR" "25 %"
must muniment init --parity 3%
must muniment create ::a s
must muniment parity
has "$OUT" "parity of new packs: 3.0 %"
if grep -q "have no parity" "$OUT"; then
	fail "not everything has parity"
fi
must muniment check --verify-data

# 3 % of a pack, the whole head of one of nodes, and the record
pack=$(largest data)
rot "$pack" 5000 90000
for f in r/meta/*/*; do
	rot "$f" 0 900
done
for f in r/archives/*; do
	rot "$f" 100 1000
done
extracts
has "$ERR" "is read by its parity"
must_fail 14 muniment check
# of each pack one sentence, which says what helps
rotten=$(($(find r/meta -type f | wc -l) + 1))
has "$ERR" "its parity mends it, and 'muniment repair' replaces it"
eq "$(grep -c "its parity mends it" "$ERR")" $rotten "packs that it names"
has "$ERR" "is damaged: $rotten findings"
cp -a r rotten
if [ -w /dev/fuse ] && command -v fusermount3 >/dev/null; then
	mkdir m
	must muniment mount m
	cmp s/big m/a/s/big || fail "wrong bytes in the mount"
	must muniment umount m
fi

# as foretold
must_fail 1 muniment parity --repair --dry-run
[ -e "$pack" ] || fail "a dry run removed something"
must_fail 1 muniment parity --repair
has "$OUT" "were replaced"
[ ! -e "$pack" ] || fail "the damaged pack is still there"
extracts
must muniment parity --repair
has "$OUT" "0 packs are damaged"

# or by repair, which removes nothing: the damaged packs go with a compaction
rm -rf r "$HOME/.config/muniment/pins"
mv rotten r
bad=$(find r/data r/meta -type f | wc -l)
must_fail 1 muniment repair
has "$OUT" "$rotten of them were mended by their parity"
has "$OUT" "; 0 had to be put into the index anew"
has "$OUT" "repaired: no archive has lost anything"
[ -e "$pack" ] || fail "repair removed something"
eq "$(find r/data r/meta -type f | wc -l)" $((bad + rotten)) packs
must muniment check --verify-data
has_not "$ERR" "no parity"
extracts
has_not "$ERR" "is read by its parity"
must muniment repair
has "$OUT" "nothing to repair"
must muniment compact
[ ! -e "$pack" ] || fail "the damaged pack is still there"
eq "$(find r/data r/meta -type f | wc -l)" "$bad" packs
must muniment check --verify-data
extracts

# the record is mended in memory as long as it is there, and written anew by
# another name
must muniment list
has "$OUT" a
must muniment rename ::a b
must muniment compact
must muniment check --verify-data
must muniment rename ::b a

# damaged parity is said, and made again
for f in r/parity/*.0; do
	rot "$f" 200 9000
	break
done
must_fail 14 muniment check
has "$ERR" "its parity is damaged"
must muniment parity --fill
has "$OUT" "made parity for 1 of 1"
must muniment check

# without parity it is damage, and stays
rm r/parity/????????????????????????????????*
pack=$(largest data)
cp "$pack" was
rot "$pack" 5000 100
must_fail 14 muniment parity --repair
has "$OUT" "1 packs are damaged: 0 can be mended, 0 were replaced"
[ -e "$pack" ] || fail "a damaged pack was removed"
rm "$pack"
cp was "$pack"
must muniment check -v
has "$ERR" "have no parity"

# chosen later, in a repository that never had any
export MUNIMENT_REPO="$PWD/old"
must muniment init
must muniment create ::a s
[ -z "$(ls old/parity)" ] || fail "parity that nobody asked for"
must_fail 3 muniment parity --fill
has "$ERR" "--set 3%"
must muniment parity --set 5% --fill
must muniment parity --fill
has "$OUT" "made parity for 0 of 0"
pack=$(find old/data -type f -size +2000k)
rot "$pack" 1000000 150000
must_fail 1 muniment parity --repair
must muniment check --verify-data
must muniment parity --set none
must muniment create ::b s
must muniment parity
has "$OUT" "parity of new packs: none"

# from a configuration
cat >c.yaml <<-EOF
source_directories: [$PWD/s]
encryption_passphrase: secret
repositories:
  - path: $PWD/new
    encryption: repokey
    parity: 2.5%
EOF
unset MUNIMENT_REPO
must muniment -c c.yaml init
must muniment parity new
has "$OUT" "2.5 %"
sed -i 's/2.5%/much/' c.yaml
must_fail 3 muniment config validate -c c.yaml
has "$ERR" "parity is a share"
