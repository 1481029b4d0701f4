#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Configured runs: several files, several repositories, labels, retries, one
# at a time, the end of a run by a signal.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret
mkdir -p src etc more
echo one >src/one
config() {
	cat <<EOF
source_directories: [$PWD/src]
repositories:
    - path: $PWD/$1
      label: first
    - path: $PWD/$2
      label: second
archive_name_format: '$3-{now:%Y%m%d%H%M%S%f}'
keep_daily: 3
EOF
}
config a b red >etc/1.yaml
config c d blue >etc/2.yml
echo nonsense >etc/notes.txt
chmod 600 etc/*

must muniment -c etc init --encryption repokey
for r in a b c d; do
	[ -e $r/REPOSITORY ] || fail "no repository $r"
done
count() {
	muniment list --short "$1" | wc -l
}
must muniment -c etc create
eq "$(count a) $(count b) $(count c) $(count d)" "1 1 1 1"

# which: by label, by glob, by path; the operand goes before all
must muniment -c etc --repository second create
eq "$(count a) $(count b) $(count c) $(count d)" "1 2 1 2"
must muniment -c etc --repository 'f*' create
eq "$(count a) $(count b) $(count c) $(count d)" "2 2 2 2"
must muniment -c etc --repository "$PWD/d" create
eq "$(count c) $(count d)" "2 3"
must_fail 3 muniment -c etc --repository third create
has "$ERR" "no configured repository is called 'third'; there is: first, second"
must muniment -c etc/1.yaml create
eq "$(count a) $(count b) $(count c)" "3 3 2"
must muniment -c etc create a::mine src
eq "$(count a) $(count b) $(count c)" "4 3 2"

# one answer for all
must muniment -c etc/1.yaml list --json
python3 -c 'import json, sys
assert [len(r["archives"]) for r in json.load(sys.stdin)] == [3, 3]' <"$OUT" ||
	fail "not an array of two repositories"

# archives: those of the configuration, or those that are named
must muniment -c etc/1.yaml --repository first list --short
has_not "$OUT" mine
eq "$(wc -l <"$OUT")" 3
must muniment -c etc/1.yaml --repository first list --short -a '*'
has "$OUT" mine
must muniment -c etc/1.yaml --repository first list --archive latest --format \
	'{archivename}{NL}'
has_not "$OUT" mine
must_fail 2 muniment -c etc/1.yaml --override 'match_archives=x*' \
	list --archive latest
must muniment -c etc/1.yaml --repository first info --archive mine
has "$OUT" "Archive name: mine"
must muniment --keep-daily 1 -c etc/1.yaml prune --list
has "$ERR" "Pruning archive"
eq "$(count a) $(count b) $(count c)" "2 1 2"

# a file of the configuration that is broken does not keep others from it
echo 'nonsense: 1' >etc/3.yaml
must_fail 3 muniment -c etc create
has "$ERR" "3.yaml, line 1"
eq "$(count a) $(count b) $(count c) $(count d)" "3 2 3 4"
rm etc/3.yaml

# a repository that fails does not keep others from it
mv b b.away
must_fail 10 muniment -c etc create
has "$ERR" "second: "
eq "$(count a) $(count c) $(count d)" "4 4 5"
# and is tried again, at the end, after n times the wait
cat >>etc/1.yaml <<EOF
retries: 1
retry_wait: 1
commands:
    - before: repository
      run:
        - 'echo {repository_label} >>$PWD/order'
    - after: error
      run: ['echo {repository_label} {error} >$PWD/error']
EOF
begin=$(date +%s)
must_fail 10 muniment -c etc/1.yaml create
[ $(($(date +%s) - begin)) -ge 1 ] || fail "no wait between the retries"
eq "$(tr '\n' ' ' <order)" "first second second "
has error "second there is no repository"
# until it is there again
rm order
(sleep 1; mv b.away b) &
must muniment -c etc/1.yaml -v 0 create
wait
has "$ERR" "retry 1 of 1"

# a retry begins anew, with an archive of its own
cat >etc/again.yaml <<EOF
source_directories: [$PWD/src]
repositories: [{path: $PWD/a, label: first}]
retries: 1
commands:
    - before: action
      when: [prune]
      run: ['rm $PWD/again || exit 0; exit 1']
keep_daily: 99
EOF
chmod 600 etc/again.yaml
touch again
before=$(count a)
must muniment -c etc/again.yaml create prune
has "$ERR" "failed with status 1 (retry 1 of 1 comes)"
eq "$(count a)" $((before + 2))
rm etc/again.yaml

# one at a time: waits, or says who is at work
cat >etc/slow.yaml <<EOF
source_directories: [$PWD/src]
repositories: [{path: $PWD/a, label: first}]
commands:
    - before: action
      when: [create]
      run: ['touch $PWD/started; sleep 2']
EOF
chmod 600 etc/slow.yaml
muniment -c etc/slow.yaml create &
pid=$!
wait_for 10 test -e started
must_fail 11 muniment -c etc/1.yaml --repository first --lock-wait 0 create
has "$ERR" "(process $pid)"
must muniment -c etc/1.yaml --repository first list
must muniment -c etc/1.yaml --repository first --lock-wait 60 create
must wait $pid

# a signal ends the run: the rest is left out, commands after it are run
rm started
cat >etc/slow.yaml <<EOF
source_directories: [$PWD/src]
repositories: [{path: $PWD/a}, {path: $PWD/b}]
commands:
    - before: action
      when: [prune]
      run: ['touch $PWD/started; (sleep 7771; touch $PWD/late) & sleep 7772']
    - after: action
      when: [prune]
      states: [fail]
      run: ['echo ended >$PWD/ended']
EOF
muniment -c etc/slow.yaml create prune >o 2>&1 &
pid=$!
wait_for 10 test -e started
before=$(count b)
kill -TERM $pid
got=0
wait $pid || got=$?
eq $got 2 "status after SIGTERM"
has o interrupted
has ended ended
eq "$(count b)" "$before" "archives of the next repository"
if pgrep -f 'sleep 777[12]' >/dev/null; then
	fail "commands were left running"
fi
