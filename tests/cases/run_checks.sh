#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Configured checks: which are due, and what each of them finds.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret TZ=UTC
mkdir -p src
for i in $(seq 40); do
	head -c 2000 /dev/urandom >src/"$i"
done
config() {
	cat >c.yaml <<EOF
source_directories: [$PWD/src]
repositories: [{path: $PWD/r, label: one}]
archive_name_format: 'a-{now:%Y%m%d%H%M%S%f}'
checks:
$1
EOF
	chmod 600 c.yaml
}
config '    - name: repository
      frequency: 2 weeks
    - name: archives
      frequency: always'
must muniment -c c.yaml init -e repokey
must muniment -c c.yaml create
state=$HOME/.local/state/muniment/checks

# first all of them, then what is due
must muniment -c c.yaml check
has "$OUT" "checked 2 packs"
record=$(find "$state" -name repository)
[ -n "$record" ] || fail "no record of the check"
must muniment -c c.yaml check
has "$OUT" "checked 0 packs, 1 archives"
touch -d '13 days ago' "$record"
must muniment -c c.yaml check
has "$OUT" "checked 0 packs"
touch -d '15 days ago' "$record"
must muniment -c c.yaml check
has "$OUT" "checked 2 packs"
must muniment -c c.yaml check --force
has "$OUT" "checked 2 packs, 1 archives"
must muniment -c c.yaml check --only repository -v 1
has "$ERR" "no check is due"
must muniment -c c.yaml check --only repository --force
has "$OUT" "checked 2 packs, 0 archives"
must_fail 3 muniment -c c.yaml check --only nonsense
# what the command line asks for is done at once
must muniment -c c.yaml check --archives-only
has "$OUT" "checked 0 packs, 1 archives"

# on which days
today=$(date +%A)
tomorrow=$(date -d tomorrow +%A)
config "    - name: repository
      only_run_on: [$tomorrow]"
must muniment -c c.yaml -v 1 check
has "$ERR" "no check is due"
config "    - name: repository
      only_run_on: [$today]"
must muniment -c c.yaml check
has "$OUT" "checked 2 packs"
config '    - name: disabled'
must muniment -c c.yaml -v 1 check
has "$ERR" "no check is due"

# only the last archives; not this repository
must muniment -c c.yaml create
config '    - name: archives
check_last: 1'
must muniment -c c.yaml check
has "$OUT" "checked 0 packs, 1 archives"
config '    - name: archives
check_repositories: [one]'
must muniment -c c.yaml check
has "$OUT" "2 archives"

# extract, and spot: content, number
config '    - name: extract
    - name: spot
      count_tolerance_percentage: 10
      data_sample_percentage: 100
      data_tolerance_percentage: 10'
must muniment -c c.yaml create
must muniment -c c.yaml -v 1 check
has "$ERR" "files of 'a-"
has "$ERR" "42 files, 41 of them compared, 0 differ"
echo other >src/1
must muniment -c c.yaml check --only spot
has "$ERR" "src/1' is not in the archive as it is on the disk"
for i in 2 3 4 5; do
	echo other >src/"$i"
done
must_fail 2 muniment -c c.yaml check --only spot
has "$ERR" "5 of 41 files are not in the archive"
must muniment -c c.yaml create
must muniment -c c.yaml check --only spot
rm src/1?
must_fail 2 muniment -c c.yaml check --only spot
has "$ERR" "more than 10 % difference"

# little time: it goes on where it stopped, and damage is found
config '    - name: repository
      max_duration: 1'
pack=$(find r/data -type f -size +60k)
dd if=/dev/urandom of="$pack" bs=1k seek=20 count=30 conv=notrunc status=none
must_fail 14 muniment -c c.yaml check
has "$ERR" "$(basename "$pack")"
config '    - name: extract'
must_fail 14 muniment -c c.yaml check
