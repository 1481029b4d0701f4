#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# The restore drill: what it takes, what it finds, what it leaves, and that
# status knows when it was done.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret TZ=UTC
for d in a.example b.example; do
	for u in one two; do
		for box in cur new .Sent/cur; do
			mkdir -p src/vmail/$d/$u/Maildir/$box
			for i in 1 2 3 4; do
				f=src/vmail/$d/$u/Maildir/$box/$i:2,S
				echo "mail $d $u $box $i" >"$f"
			done
		done
	done
done
mkdir -p src/etc src/data src/borgmatic/mysql_databases/localhost
for i in 1 2 3; do
	echo "key = $i" >src/etc/"$i"
	head -c 700000 /dev/urandom >src/data/"$i"
done
echo "a: 1" >src/data/compose.yml
head -c 3000000 /dev/urandom >src/data/huge.json	# too large for one
must muniment init -e repokey r
must muniment create r::one "$PWD/src"

must muniment drill --mails 3 --files 2 --json r
python3 - "$OUT" <<'PY' || fail "drill --json"
import json, sys
d = json.load(open(sys.argv[1]))["drill"]
assert d["mails"] == 6 and d["domains"] == 2, d
assert d["configuration_files"] == 4 and d["other_files"] == 2, d
assert d["good"] and d["as_the_source"] == 12 and d["wrong"] == 0, d
PY
ls -d "$TMPDIR"/muniment-drill* 2>/dev/null && fail "a folder is left"
run_kept 1 muniment status --json --repository r	# no copy of the key
has "$OUT" '"drill"'

# what has changed is counted; what is the same by time and size is not
touch -r src/etc/2 stamp
echo "key = 9" >src/etc/1
must muniment drill --files 0 --mails 0 r
has "$OUT" "1 have changed or gone since"
echo "key = 7" >src/etc/2
touch -r stamp src/etc/2
must_fail 2 muniment drill --files 0 --mails 0 r
has "$ERR" "src/etc/2': the live file has another content"
echo "key = 2" >src/etc/2
touch -r stamp src/etc/2

# as a configured check, when it is due; with the end of each dump
cat >c.yaml <<END
source_directories: [$PWD/src]
repositories: [{path: $PWD/r, label: one}]
archive_name_format: 'a-{now:%Y%m%d%H%M%S%f}'
checks:
    - name: drill
      frequency: 1 month
END
chmod 600 c.yaml
rm -r "$HOME/.local/state/muniment/checks"
must muniment -c c.yaml create
must muniment -c c.yaml check
has "$OUT" "drill: restored from 'a-"
must muniment -c c.yaml -v 1 check
has "$ERR" "no check is due"
must muniment -c c.yaml check --only drill --force
has "$OUT" "of 2 domains"
run_kept 1 muniment -c c.yaml status
has "$OUT" "drill"

# damage is found
find r/data -type f -size +100k >packs
while read -r p; do
	chmod u+w "$p"
	dd if=/dev/urandom of="$p" bs=1k seek=8 conv=notrunc status=none \
		count=$(($(stat -c %s "$p") / 1024 - 8))
done <packs
must_fail 14 muniment drill --files 50 r
ls -d "$TMPDIR"/muniment-drill* 2>/dev/null && fail "a folder is left"
exit 0
