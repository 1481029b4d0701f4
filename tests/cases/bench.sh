#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# scripts/bench tells the truth: about a stand-in that works, that fails, that
# restores something else, and that is not there; and it leaves nothing.
. "$TOP/tests/lib.sh"

need python3 zstd tar
[ -x "$BUILD/tools/mkmail" ] || skip "no mkmail was built"

cat >stand-in <<'END'
#!/bin/sh
set -eu
case $1 in
init)
	mkdir "$4"
	;;
create)
	to=${2%%::*}/${2##*::}
	mkdir -p "$to${3%/*}"
	cp -a "$3" "$to$3"
	;;
extract)
	cp -a "${2%%::*}/${2##*::}/." .
	if [ -n "${DAMAGE:-}" ]; then
		find . -name '*S=*' -type f | head -n 1 |
			while read -r f; do echo >>"$f"; done
	fi
	;;
check | compact) ;;
prune)
	[ "$2 $3 $4" = "--force --keep-last 1" ]
	find "$5" -mindepth 1 -maxdepth 1 | sort | head -n -1 | xargs rm -rf
	;;
*)
	echo "first line" >&2
	echo "cannot $1: it is | a stand-in" >&2
	exit 2
	;;
esac
END
chmod +x stand-in

# bench STATUS ARG...: a small run; its table is in $OUT
bench() {
	bench_want=$1
	shift
	run_kept "$bench_want" env -u GROUP BENCH_TOOLS=muniment \
		MUNIMENT="$PWD/stand-in" "$TOP/scripts/bench" \
		--helpers "$BUILD/tools" --mails 60 --bytes 1M --tiny 50 \
		--runs 2 --seed 2 --archives 12 --dir "$PWD/scratch" \
		--json "$PWD/bench.json" "$@"
	[ ! -e scratch ] || fail "the scratch folder was left"
}

# limit WORK LIMIT: "judged" if its verdict follows from the figures, else the
# verdict
limit() {
	python3 - "$1" "$2" <<'END'
import json, sys
row = [r for r in json.load(open("bench.json"))["limits"]
       if r["work"] == sys.argv[1] and r["limit"].startswith(sys.argv[2])][0]
if row["value"] and row["bound"]:
    right = "met" if row["value"] <= row["bound"] else "not met"
    row["verdict"] = "judged" if row["verdict"] == right else "wrong"
print(row["verdict"])
END
}

bench 0 --group "first nothing hour extract" --data "mail tiny"
has "$OUT" "verified"
has_not "$OUT" "FAILED"
has_not "$OUT" "differences"
eq "$(limit 'nothing changed, mail' '2 x find')" judged
eq "$(limit 'stored size of a mail store' 'under restic')" "not measured"
eq "$(limit 'first ls of a mount, mail' '0.1 s')" "not measured"

bench 0 --group "check contents idle free" --data tiny
has_not "$OUT" "FAILED"
has "$OUT" "muniment, metadata"
eq "$(limit 'memory of a compaction' '150 MiB')" "not measured"
has "$OUT" "MiB for 50 files"

bench 1 --group mount --data mail
has "$OUT" "FAILED"
has "$OUT" '2 of 2 runs: status 2: cannot mount: it is \| a stand-in'
eq "$(limit 'first ls of a mount, mail' '0.1 s')" "not measured"

DAMAGE=1 bench 1 --group extract --data mail
has "$OUT" "1 of 2 runs: 3 differences, first: differs vmail"

rm stand-in
bench 0 --group "first extract" --data tiny
grep -q '^| muniment  *| not measured' "$OUT" || fail "no row for the absent"
eq "$(limit 'first backup, tiny' 'not slower')" "not measured"

must_fail 2 "$TOP/scripts/bench" --helpers "$BUILD/tools" --group fast
mkdir scratch && : >scratch/precious
must_fail 1 "$TOP/scripts/bench" --helpers "$BUILD/tools" --dir "$PWD/scratch"
[ -e scratch/precious ] || fail "removed somebody's file"
