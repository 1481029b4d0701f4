#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# status: fresh, stale, unreachable, failed; text, JSON, Nagios, Prometheus.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret
mkdir src conf
for i in 1 2 3; do
	echo $i >src/$i
done
touch -d '1 hour ago' src/*
must muniment init -e repokey repo

# nothing there yet: critical, and it says what to do about the key
run_kept 2 muniment status repo
has "$OUT" "CRITICAL: $PWD/repo"
has "$OUT" "! there is no complete archive"
has "$OUT" "muniment key export"
[ ! -s "$ERR" ] || fail "said twice"

# fresh, but no copy of the key: a warning; with one all is well
must muniment create repo::one src
run_kept 1 muniment status repo
has "$OUT" "WARNING: $PWD/repo"
has "$OUT" "one, "
has "$OUT" "Archives: 1"
must muniment key export repo key.txt
must muniment status repo
has "$OUT" "OK: $PWD/repo"
has "$OUT" "Copy of the key: "
must env MUNIMENT_REPO="$PWD/repo" muniment status
has "$OUT" "OK: $PWD/repo"
must muniment --repository repo status

# age: judged per series, against --max-age
must muniment create --timestamp "$(date -u -d '3 days ago' +%FT%T)" \
	repo::old src
must muniment status repo
sleep 2
run_kept 2 muniment status --max-age 1s repo
has "$OUT" "seconds old"
for age in 26h 90min 2d 1w 3600s; do
	must muniment status --max-age $age repo
done
for age in 26 0h 5m h -1h 1.5h ''; do
	must_fail 3 muniment status "--max-age=$age" repo
	has "$ERR" "takes an age such as 26h"
done
must muniment status --series "$(hostname)" repo
run_kept 2 muniment status --series elsewhere repo
has "$OUT" "no complete archive of elsewhere"
must_fail 3 muniment status --json --nagios repo

# Nagios: one line of state and performance data, and a line a problem
must muniment status --nagios repo
grep -qE "^MUNIMENT OK: 1 repository \| '.* age'=[0-9]+s$" "$OUT" ||
	fail "nagios: $(cat "$OUT")"
run_kept 2 muniment status --nagios --max-age 1s repo
head -n 1 "$OUT" | grep -q "^MUNIMENT CRITICAL: $PWD/repo: the newest" ||
	fail "nagios: $(cat "$OUT")"

# JSON
must muniment status --json repo
python3 - "$OUT" <<'END' || fail "JSON"
import json, sys
all = json.load(open(sys.argv[1]))
assert all["status"] == "OK", all
one = all["repositories"][0]
assert one["archives"] == 2 and one["reached"] is True, one
assert one["newest"][0]["name"] == "one" and one["newest"][0]["nfiles"] == 3
assert 0 <= one["newest"][0]["age"] < 600 and one["key_exported"], one
assert one["last_run"] is None and one["problems"] == [], one
END

# Prometheus: every metric has its type, every sample a value
cat >prometheus.py <<'END'
import re, sys
seen = {}
for line in open(sys.argv[1]):
    if line.startswith("#"):
        _, word, name = line.split()[:3]
        assert word in ("HELP", "TYPE"), line
        seen.setdefault(name, 0)
        continue
    m = re.fullmatch(r'(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)+)\} (\S+)\n', line)
    assert m and m[1] in seen, line
    float(m[3])
    seen[m[1]] += 1
for name in sys.argv[2:]:
    assert seen["muniment_" + name], name
END
must muniment status --prometheus repo
cp "$OUT" metrics
must python3 prometheus.py metrics status repository_up archives key_exported \
	newest_archive_timestamp_seconds newest_archive_files
has metrics "muniment_repository_up{repository=\"$PWD/repo\"} 1"
has metrics "muniment_archives{repository=\"$PWD/repo\"} 2"

# not reached: what is known here, and it says so
run_kept 1 env -u MUNIMENT_PASSPHRASE muniment status repo
has "$OUT" "! the repository cannot be reached, this is what was known here"
has "$OUT" "one, "
has "$OUT" "Archives: 2"
must env -u MUNIMENT_PASSPHRASE muniment status --local repo
mv repo away
run_kept 2 muniment status --json repo
has "$OUT" '"reached": false'
has "$OUT" '"name": "one"'
must muniment status --local repo
mv away repo

# what was made without any status in between is known, too
must muniment create repo::two src
must env -u MUNIMENT_PASSPHRASE muniment status --local repo
has "$OUT" "two, "

# damage of what is known is as nothing known
for file in "${XDG_STATE_HOME:-$HOME/.local/state}"/muniment/status/*; do
	printf '{"url": "x", "archives": 3' >"$file"
done
run_kept 2 muniment status --local repo
has "$OUT" "no complete archive"
must muniment status repo

# of a configuration: labels, both repositories, what prune would do
must muniment init -e repokey 'second "r"'
for i in 1 2; do
	must muniment create "second \"r\"::a$i" src
done
cat >conf/c.yaml <<END
source_directories: [$PWD/src]
repositories:
    - {path: $PWD/repo, label: first}
    - {path: '$PWD/second "r"', label: 'se"cond'}
encryption_passphrase: secret
match_archives: '*'
keep_daily: 1
END
chmod 600 conf/c.yaml
run_kept 1 env -u MUNIMENT_PASSPHRASE muniment -c conf/c.yaml status
has "$OUT" "OK: first ($PWD/repo)"
has "$OUT" 'WARNING: se"cond'
has "$OUT" "Next prune: deletes"
must muniment -c conf/c.yaml --repository first status
has "$OUT" "OK: first"
has_not "$OUT" 'se"cond'
must_fail 3 muniment -c conf/c.yaml --repository third status
has "$ERR" "no repository of the configuration is called 'third'"
run_kept 1 muniment -c conf/c.yaml status --prometheus
cp "$OUT" metrics
must python3 prometheus.py metrics status archives
has metrics 'muniment_archives{repository="se\"cond"} 2'
run_kept 1 muniment -c conf/c.yaml status --nagios
has "$OUT" 'MUNIMENT WARNING: se"cond: no copy of the key'

# the last check, from the record that a run leaves
id=$(muniment info repo | sed -n 's/^Repository ID: //p')
checks=${XDG_STATE_HOME:-$HOME/.local/state}/muniment/checks/$id
mkdir -p "$checks"
touch -d '3 days ago' "$checks/repository"
touch -d '7 days ago' "$checks/archives-all"
touch -d '5 days ago' "$checks/archives-0123456789abcdef0123456789abcdef"
touch "$checks/repository.position"
must muniment status repo
has "$OUT" "Last check of repository: "
has "$OUT" "(3 days ago)"
has "$OUT" "Last check of archives: "
has "$OUT" "(5 days ago)"
has_not "$OUT" "(7 days ago)"
