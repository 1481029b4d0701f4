#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# How deep check looks, what it needs for that, and how it goes on where it
# stopped.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret TZ=UTC
mkdir src
for i in 1 2 3 4; do
	head -c 9000000 /dev/urandom >src/"$i"
	[ "$i" != 1 ] || must muniment init -e repokey r
	must muniment create r::"$i" src
done
all=$(find r/data r/meta -type f | wc -l)

must muniment check --level names r
has "$OUT" "checked 0 packs, 4 archives, 0 files"
must muniment check --level index r
has "$OUT" "checked $all packs, 4 archives, 0 files"
must muniment check --level metadata r
has "$OUT" "checked $all packs, 4 archives, 1"
must muniment check --level packs r
must muniment check --level data r
must_fail 3 muniment check --level deep r
must_fail 3 muniment check --level data --verify-data r

# without the key
must env MUNIMENT_PASSPHRASE= muniment check --keyless r </dev/null
has "$OUT" "checked $all packs, 4 archives"
must_fail 3 muniment check --keyless --verify-data r

# a sample, and its worth
must muniment check --sample 50% r
has "$OUT" " of $all packs was read"
has "$OUT" "probability"
must_fail 3 muniment check --sample 0 r
must_fail 3 muniment check --sample 1x r

# in parts: each goes on where the last one stopped
one() {
	must muniment check --repository-only --max-duration 1 --json -v 1 r
	python3 -c 'import json,sys
d = json.load(open(sys.argv[1]))
print(d["checked"]["packs"], int(d["checked"]["complete"]))' "$OUT"
}
state=$HOME/.local/state/muniment/checks
one >parts
while read -r _ complete; do :; done <parts
if [ "$complete" = 1 ]; then		# the machine is fast: as if it were not
	id=$(ls "$state")
	first=$(find r/meta -type f -printf '%f\n' | sort | head -1)
	echo "0/$first 1 0000000000000000" >"$state/$id/repository.position"
	must muniment check --repository-only --max-duration 100 -v 1 r
	has "$OUT" "checked $((all - 1)) packs"
	has "$ERR" "the repository has changed since the last check stopped"
	[ ! -e "$state/$id/repository.position" ] || fail "position is kept"
fi

# rot in each kind of file, found without the key
for kind in data meta index archives; do
	f=$(find r/$kind -type f | sort | head -1)
	cp -p "$f" saved
	chmod u+w "$f"
	printf 'x' | dd of="$f" bs=1 seek=$(($(stat -c %s "$f") / 2)) \
		conv=notrunc status=none
	cmp -s "$f" saved && printf 'y' | dd of="$f" bs=1 conv=notrunc \
		status=none seek=$(($(stat -c %s "$f") / 2))
	must_fail 14 muniment check --keyless r
	has "$ERR" "$(basename "$f")"
	must_fail 14 muniment check r
	cp -p saved "$f"
done
# a pack that is missing, and whose: all levels that look
f=$(find r/data -type f | sort | head -1)
mv "$f" saved
must_fail 14 muniment check --level index r
has "$ERR" "is missing, and the index names it"
must_fail 14 muniment check --archives-only r
has "$ERR" " are lost"
cp -p saved "$f"
must muniment check --verify-data r
