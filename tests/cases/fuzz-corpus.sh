#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every fuzz target over its corpus: what once broke stays mended.
# timeout: 300
. "$TOP/tests/lib.sh"

n=0
for src in "$TOP"/tests/fuzz/fuzz_*.c; do
	[ -e "$src" ] || skip "there is no fuzz target"
	name=$(basename "$src" .c)
	corpus=$TOP/tests/fuzz/corpus/${name#fuzz_}
	[ -d "$corpus" ] || fail "$name has no corpus in $corpus"
	must "$BUILD/fuzz/$name" "$corpus"
	[ "$(cat "$OUT")" != "0 inputs" ] || fail "$corpus is empty"
	n=$((n + 1))
done
for dir in "$TOP"/tests/fuzz/corpus/*/; do
	[ -e "$TOP/tests/fuzz/fuzz_$(basename "$dir").c" ] ||
		fail "$dir belongs to no target"
done
echo "$n targets"
