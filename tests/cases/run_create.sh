#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Configured backups: sources, guards, patterns, commands.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret
mkdir -p src/mail src/other
for i in $(seq 120); do
	echo "$i" >src/mail/"$i"
done
echo keep >src/other/keep
echo drop >src/other/drop
config() {
	cat >c.yaml <<EOF
source_directories: [$1]
repositories: [{path: $PWD/r, label: one}]
archive_name_format: 'a-{now:%Y%m%d%H%M%S%f}'
keep_daily: 1
$2
EOF
	chmod 600 c.yaml
}
count() {
	muniment list --short r | wc -l
}

# patterns: in borgmatic's order; globs
config "'$PWD/src/*'" "patterns: ['+ sh:**/keep', '- sh:**/other/*']"
must muniment -c c.yaml init -e repokey
must muniment -c c.yaml create
must muniment list --short r::latest
has "$OUT" "${PWD#/}/src/other/keep"
has_not "$OUT" other/drop
has "$OUT" src/mail/120

# a source that is missing: nothing is made, nothing is pruned
config "$PWD/src, $PWD/nothing" ''
must_fail 3 muniment -c c.yaml create prune
has "$ERR" "c.yaml, line 1"
has "$ERR" "the source '$PWD/nothing' does not exist"
eq "$(count)" 1

# one that is empty, or far smaller: an archive is made, nothing is pruned
config "$PWD/src/mail" ''
must muniment -c c.yaml create prune
eq "$(count)" 1
mv src/mail src/away
mkdir src/mail
must_fail 2 muniment -c c.yaml create prune
has "$ERR" "the source '$PWD/src/mail' is empty"
eq "$(count)" 2
# and again, until it is there or somebody says that it is right
cp src/away/1 src/mail
must_fail 2 muniment -c c.yaml create prune
has "$ERR" "has 1 files, and had 120"
eq "$(count)" 3
must_fail 1 muniment -c c.yaml create --force
must muniment -c c.yaml create
eq "$(count)" 5
rm -r src/mail
mv src/away src/mail

# another configuration takes less of the same source: each has its own
config "$PWD/src" ''
must muniment -c c.yaml create
cp -p c.yaml d.yaml
cat >>d.yaml <<EOF
exclude_patterns: [$PWD/src/mail]
EOF
must_fail 1 muniment -c d.yaml create --force
for c in c d c; do
	must muniment -c $c.yaml create
done
# a source that need not be there, and one that is left out wholly
config "$PWD/src/other, $PWD/nothing" "source_directories_must_exist: false"
must_fail 1 muniment -c c.yaml create
has "$ERR" "'$PWD/nothing' is not in the archive"
config "$PWD/src, $PWD/src/other" "exclude_patterns: [$PWD/src/other]"
must_fail 2 muniment -c c.yaml create prune
has "$ERR" "the source '$PWD/src/other' is not in the archive"

# commands: in their order, also after a failure; 75 is none
config "$PWD/src" "skip_actions: [compact]
before_backup: ['echo old >>$PWD/log']
commands:
    - before: repository
      run: ['echo before {repository_label} >>$PWD/log']
    - after: action
      when: [create]
      states: [finish]
      run: ['echo finish >>$PWD/log']
    - after: action
      when: [create]
      states: [fail]
      run: ['echo fail >>$PWD/log']
    - before: action
      when: [prune]
      run: ['exit \$(cat $PWD/status)']
    - after: everything
      run: ['echo end >>$PWD/log']"
echo 0 >status
must muniment -c c.yaml create prune compact
eq "$(tr '\n' ' ' <log)" "before one old finish end "
rm log
echo 75 >status
before=$(count)
must muniment -c c.yaml create prune
has "$ERR" "asked to leave it out"
eq "$(count)" $((before + 1))
echo 3 >status
must_fail 2 muniment -c c.yaml create prune
has "$ERR" "failed with status 3"
rm log
chmod 000 r/archives
if [ "$(id -u)" != 0 ]; then
	must_fail 2 muniment -c c.yaml create
	eq "$(tr '\n' ' ' <log)" "before one old fail end "
fi
chmod 700 r/archives
# a dry run changes nothing and runs nothing
rm -f log
before=$(count)
must muniment -n -c c.yaml create prune
eq "$(count)" "$before"
[ ! -e log ] || fail "a dry run ran a command"

# one that takes too long is ended, with all that it started; what stands
# after it is run, though what stood before it failed, and knows why
config "$PWD/src" "commands:
    - before: action
      when: [create]
      run: ['(sleep 7773; touch $PWD/late) & sleep 7774']
      timeout: 1 second
    - after: action
      when: [create]
      states: [fail]
      run: ['echo after action >>$PWD/log']
    - after: configuration
      run: ['echo after configuration >>$PWD/log']
    - after: error
      run: ['echo {error} {repository} {configuration_filename} >>$PWD/log',
            'exit 75', 'echo never >>$PWD/log']"
before=$(count)
must_fail 2 muniment -c c.yaml create
has "$ERR" "took longer than 1 second"
eq "$(count)" "$before"
eq "$(head -n 2 log)" "after action
after configuration"
has log "took longer than 1 second"
has log " $PWD/r c.yaml"
has_not log never
if pgrep -f 'sleep 777[34]' >/dev/null; then
	fail "commands were left running"
fi

# the environment of commands has no passphrase
config "$PWD/src" "commands:
    - before: everything
      run: ['env >$PWD/env']"
must muniment -c c.yaml create
has_not env secret

# extra_borg_options are options of the action
config "$PWD/src" "extra_borg_options:
    create: --comment 'two words' --stats --progress
    prune: --list"
must muniment -c c.yaml create prune
has "$OUT" "This archive:"
has "$ERR" "Keeping archive"
must muniment -c c.yaml list --last 1 --format '{comment}{NL}'
eq "$(cat "$OUT")" "two words"
config "$PWD/src" "extra_borg_options: {create: --nonsense}"
before=$(count)
must_fail 3 muniment -c c.yaml create
has "$ERR" "c.yaml, line 5"
has "$ERR" "--nonsense"
eq "$(count)" "$before"
