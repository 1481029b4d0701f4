#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A first backup that dies: what it made known is not stored again.  One that
# is asked to stop keeps what it has as NAME.partial, for the next to build on.
. "$TOP/tests/lib.sh"

need python3
export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r

# 400 MB in 100 files: some seconds of work, each file below a flush
mkdir src
python3 - <<'END'
import random
r = random.Random(1)
for i in range(100):
    with open(f"src/f{i:03}", "wb") as f:
        f.write(r.randbytes(4_000_000))
END

# new NAME: plain bytes that were new, of the archive just made
new() {
	muniment create --json "::$1" src >json
	python3 -c 'import json
print(json.load(open("json"))["archive"]["stats"]["deduplicated_size"])'
}
segments() {
	[ "$(find r/index -type f | wc -l)" -ge "$1" ]
}
files_at_least() {
	[ "$(find r/data -type f | wc -l)" -ge "$1" ]
}

# Killed: no archive, but the next run finds what was listed.
muniment create --checkpoint-interval 1 ::killed src &
pid=$!
wait_for 60 segments 1
kill -9 $pid
wait $pid || :
eq "$(muniment list --short)" "" "archives of a killed run"
eq "$(find r/sessions -type f | wc -l)" 1 "the mark that it left"
size=$(new whole)
[ "$size" -lt 395000000 ] || fail "all of it was stored again: $size"
[ "$size" -gt 0 ] || fail "it was not killed in the middle"
must muniment check --verify-data

# Asked to stop: a partial archive.
rm -r r
must muniment init r
muniment create ::stopped src >out 2>err &
pid=$!
wait_for 60 files_at_least 2
kill -TERM $pid
status=0
wait $pid || status=$?
eq "$status" 2 "status of an interrupted run"
eq "$(muniment list --short --consider-checkpoints)" stopped.partial
size=$(new again)
[ "$size" -lt 395000000 ] || fail "all of it was stored again: $size"
mkdir out1
(cd out1 && must muniment extract ::again)
same_tree src out1/src
eq "$(find r/sessions -type f | wc -l)" 0 "files in sessions/"
must muniment check
