#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Coming over from borg: each archive as a tar stream in, and out of it what
# borg itself extracts.
# timeout: 180
. "$TOP/tests/lib.sh"
need borg mkmail setfattr python3

export BORG_PASSPHRASE=x BORG_BASE_DIR="$PWD/borg-home" TZ=UTC
export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must mkmail --preset xs --seed 7 --out src
[ -n "$(find src -type f | head -n 1)" ] || fail "mkmail made nothing"
mkdir src/odd
ln "$(find src -name '*,S=*' | sort | head -n 1)" src/odd/link
ln -s ../no/where src/odd/dangling
mkfifo src/odd/fifo
truncate -s 3M src/odd/holes
printf x | dd of=src/odd/holes bs=1 seek=2000000 conv=notrunc status=none
: >src/odd/empty
touch -d '2021-02-03 04:05:06.123456789' src/odd/empty
setfattr -n user.k -v "$(printf 'v\nw')" src/odd/empty
chmod 4711 src/odd/empty
echo x >"src/odd/$(printf 'n\374\n')"
[ "$(id -u)" != 0 ] || chown -R 5000:5000 src/odd
must borg init -e repokey-blake2 b
must borg create b::one src
mv src/odd/link src/odd/moved
echo more >src/odd/more
must borg create b::two src
must muniment init r

for archive in one two; do
	mkdir "borg.$archive"
	(cd "borg.$archive" && must borg extract --sparse "../b::$archive")
	borg export-tar "b::$archive" - | must muniment import-tar \
		"::$archive" -
	mkdir out
	must muniment extract --destination out "::$archive"
	eq "$(cat "$ERR")" ""
	# borg 1.2 writes GNU's format: whole seconds, and no attributes
	find "borg.$archive" -exec sh -c 'for file; do touch -h \
		-d "@$(stat -c %Y "$file")" "$file"; done' sh {} +
	setfattr -x user.k "borg.$archive/src/odd/empty"
	same_tree -R "borg.$archive" out
	rm -r out
done
# What came twice is there once, and our own backup finds its contents there.
must muniment create --json ::own src
python3 - "$OUT" <<'END'
import json, sys
stats = json.load(open(sys.argv[1]))["archive"]["stats"]
assert stats["deduplicated_size"] < stats["original_size"] / 20, stats
END
must muniment check --verify-data
