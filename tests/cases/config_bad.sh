#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Broken configurations: each gives one line with file, line and what to do,
# exit status 3, and nothing is touched.
. "$TOP/tests/lib.sh"

n=0
# judge LINE TEXT: c.yaml is refused, in this line (-: no line), with this text
judge() {
	n=$((n + 1))
	must_fail 3 muniment -c c.yaml config validate
	eq "$(wc -l <"$ERR")" 1 "lines on stderr of: $2"
	eq "$(wc -c <"$OUT")" 0 "bytes on stdout of: $2"
	has "$ERR" "$2"
	[ "$1" = - ] || has "$ERR" ".yaml, line $1, column "
	# a run ends there, too
	cp "$ERR" said
	must_fail 3 muniment -c c.yaml
	cmp said "$ERR" || fail "a run says something else"
}

# bad LINE TEXT YAML
bad() {
	printf '%s\n' "$3" | sed 1d >c.yaml
	chmod 600 c.yaml
	judge "$1" "$2"
}

# must be the same whoever runs it
export HOME="$PWD" XDG_CONFIG_HOME="$PWD/none"
unset DBPASS NOT_THERE

# --- no YAML ---
bad 4 "'username:' is indented by 8 spaces (as lines 4 to 6 are), deeper than \
'name:' in line 3, which it belongs beside: indent it by 6 spaces" '
repositories: [{path: r}]
mysql_databases:
    - name: mailcow
        username: mailcow
        password: secret
        options: --default-character-set=utf8mb4'
bad 3 "a tab" '
repositories:
    - path: r
	  label: x'
bad 2 "a tab" '
repositories:
	- path: r'
bad 3 "must stand in quotes" '
repositories: [{path: r}]
exclude_patterns:
    - *.pyc'
bad 2 "must stand in quotes" '
repositories: [{path: r}]
encryption_passphrase: @secret'
bad 2 "must stand in quotes" '
repositories: [{path: r}]
encryption_passphrase: %secret'
bad 2 "must stand in quotes" '
repositories: [{path: r}]
log_file: a: b'
bad 2 "never closed" '
repositories: [{path: r}]
log_file: "x'
bad 1 "never closed" '
repositories: [{path: r}
keep_daily: 7'
bad 3 "not indented as those it belongs to" '
repositories:
    - path: r
   keep_daily: 7'
bad 2 "a key without its ':'" '
repositories: [{path: r}]
keep_daily
log_file: x'
bad 2 "'repositories' stands here for the second time, after line 1" '
repositories: [{path: r}]
repositories: [{path: s}]'
bad 4 "'name' stands here for the second time, after line 3" '
repositories: [{path: r}]
mariadb_databases:
    - name: a
      name: b'
bad 2 "a second document" '
repositories: [{path: r}]
---
keep_daily: 7'
bad 1 "keys with values" '
- repositories'
bad - "is empty" '
# nothing
'
printf 'repositories: [{path: "\377"}]\n' >c.yaml
judge 1 "UTF-8"
printf 'repositories: [{path: r}]\nlog_file: a\001b\n' >c.yaml
judge 2 "UTF-8"
bad 2 "is no tag that is known here" '
repositories: [{path: r}]
log_file: !python x'

# --- aliases, depth, size ---
bad 2 "nothing before it is marked with '&dirs'" '
repositories: [{path: r}]
source_directories: *dirs'
bad 2 "nothing before it is marked with '&a'" '
repositories: [{path: r}]
source_directories: &a [*a]'
bad 6 "more than 50000 values" '
a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
repositories: [{path: r}]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]'
bad 2 "nested deeper than 24 levels" '
repositories: [{path: r}]
log_file: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]'
yes 'a: "0123456789012345678901234567890123456789"' | head -c 1100000 >c.yaml
judge - "larger than"
seq 1200 | sed 's/.*/k&: 1/' >c.yaml
judge 1001 "more than 1000 keys"

# --- keys ---
bad 2 "'keep_dayly' is no key that is known here: did you mean 'keep_daily'?" '
repositories: [{path: r}]
keep_dayly: 7'
bad 2 "repositories[0]: 'lable' is no key that is known here: did you mean \
'label'?" '
repositories:
    - {path: r, lable: x}'
bad 3 "'keep_daily' does not belong below this key" '
repositories:
    - path: r
      keep_daily: 7'
bad 4 "'no_owner' is no key" '
repositories: [{path: r}]
mysql_databases:
    - name: a
      no_owner: true'
bad 1 "'repositories' is missing" '
keep_daily: 7'
bad 2 "repositories[0]: 'path' is missing" '
repositories:
    - label: x'
bad 3 "sqlite_databases[0]: 'path' is missing" '
repositories: [{path: r}]
sqlite_databases:
    - name: x'
bad 3 "commands[0]: 'run' is missing" '
repositories: [{path: r}]
commands:
    - before: action'

# --- types and ranges ---
bad 2 "keep_daily: 'seven' is no whole number" '
repositories: [{path: r}]
keep_daily: seven'
bad 2 "keep_daily: '7.5' is no whole number" '
repositories: [{path: r}]
keep_daily: 7.5'
bad 2 "keep_daily: '99999999999999999999' is no whole number" '
repositories: [{path: r}]
keep_daily: 99999999999999999999'
bad 2 "keep_daily: there is no value" '
repositories: [{path: r}]
keep_daily:
keep_weekly: 4'
bad 2 "keep_daily: a single value is wanted, not a list" '
repositories: [{path: r}]
keep_daily: [7]'
bad 2 "source_directories: a list is wanted" '
repositories: [{path: r}]
source_directories: /mnt/source'
bad 3 "source_directories: an empty entry" '
repositories: [{path: r}]
source_directories:
    -
    - /x'
bad 3 "exclude_patterns: a single value is wanted" '
repositories: [{path: r}]
exclude_patterns:
    - a: b'
bad 2 "repositories[0]: an entry here is keys" '
repositories:
    - [r]'
bad 1 "repositories: a list is wanted" '
repositories: {path: r}'
bad 2 "atime: 'maybe' is neither true nor false" '
repositories: [{path: r}]
atime: maybe'
bad 2 "verbosity: 3 is not between -2 and 2" '
repositories: [{path: r}]
verbosity: 3'
bad 2 "compact_threshold: 100 is not between 0 and 99" '
repositories: [{path: r}]
compact_threshold: 100'
bad 2 "umask: '0999' is no octal mode" '
repositories: [{path: r}]
umask: 0999'
bad 2 "mariadb_databases[0].port: 70000 is not between 0 and 65535" '
repositories: [{path: r}]
mariadb_databases: [{name: x, port: 70000}]'
bad 2 "postgresql_databases[0].format: 'zip' is none of: plain, custom, tar, \
directory" '
repositories: [{path: r}]
postgresql_databases: [{name: x, format: zip}]'
bad 2 "mariadb_databases[0].name: 'a/b'" '
repositories: [{path: r}]
mariadb_databases: [{name: a/b}]'
bad 2 "compression: " '
repositories: [{path: r}]
compression: zstd,99'
bad 2 "files_cache: " '
repositories: [{path: r}]
files_cache: sometimes'
bad 2 "archive_name_format: " '
repositories: [{path: r}]
archive_name_format: "{hostnam}-{now}"'
bad 2 "keep_within: " '
repositories: [{path: r}]
keep_within: 3 days'
bad 3 "patterns: " '
repositories: [{path: r}]
patterns:
    - "? what"'
bad 3 "patterns: " '
repositories: [{path: r}]
patterns:
    - "- re:("'
bad 2 "skip_actions: 'prun' is no action: did you mean 'prune'?" '
repositories: [{path: r}]
skip_actions: [prun]'

# --- checks, commands ---
bad 3 "checks[0].name: 'archive' is none of: repository, archives, data" '
repositories: [{path: r}]
checks:
    - name: archive'
bad 2 "checks[0].frequency: '2 fortnights' is no time" '
repositories: [{path: r}]
checks: [{name: data, frequency: 2 fortnights}]'
bad 2 "checks[0].only_run_on: 'Caturday' is no day" '
repositories: [{path: r}]
checks: [{name: data, only_run_on: [Caturday]}]'
bad 3 "a spot check needs count_tolerance_percentage" '
repositories: [{path: r}]
checks:
    - name: spot'
bad 5 "the check could never fail" '
repositories: [{path: r}]
checks:
    - name: spot
      data_sample_percentage: 1
      data_tolerance_percentage: 2
      count_tolerance_percentage: 1'
bad 4 "only a repository check has it" '
repositories: [{path: r}]
checks:
    - name: data
      max_duration: 60'
bad 2 "'disabled' beside other checks" '
repositories: [{path: r}]
checks: [{name: disabled}, {name: data}]'
bad 3 "say when" '
repositories: [{path: r}]
commands:
    - run: [echo]'
bad 2 "'before' and 'after' in one entry" '
repositories: [{path: r}]
commands: [{before: action, after: action, run: [echo]}]'
bad 2 "only 'after' has states" '
repositories: [{path: r}]
commands: [{before: action, states: [fail], run: [echo]}]'
bad 2 "'error' is none of: action, repository, configuration, everything" '
repositories: [{path: r}]
commands: [{before: error, run: [echo]}]'
bad 2 "'backup' is no action" '
repositories: [{path: r}]
commands: [{before: action, when: [backup], run: [echo]}]'

# --- what makes no sense together ---
bad 1 "the list is empty" '
repositories: []'
bad 3 "'r' stands in line 2 already" '
repositories:
    - path: r
    - path: r'
bad 3 "is the label of the one in line 2 already" '
repositories:
    - {path: r, label: x}
    - {path: s, label: x}'
bad 1 "the path is empty" '
repositories: [{path: ""}]'
bad 1 "a repository is a local path or ssh://" '
repositories: [{path: "rclone:x"}]'
bad 2 "'ofsite' is no label or path of the repositories: did you mean \
'offsite'?" '
repositories: [{path: r, label: offsite}]
check_repositories: [ofsite]'
bad 2 "prune would delete everything" '
repositories: [{path: r}]
keep_daily: 0'
bad 2 "match_archives says which archives" '
repositories: [{path: r}]
prefix: x-
match_archives: sh:x-*'
bad 2 "debug_passphrase: refused" '
repositories: [{path: r}]
debug_passphrase: true'

# --- variables, constants, credentials ---
bad 2 "the environment has no variable 'NOT_THERE': set it" '
repositories: [{path: r}]
encryption_passphrase: ${NOT_THERE}'
bad 2 "constants.a: a single value is wanted" '
repositories: [{path: r}]
constants: {a: [1]}'
bad 2 "constants: a mapping" '
repositories: [{path: r}]
constants: [a]'

# --- other files ---
bad 2 "no-such.yaml' cannot be read: No such file or directory" '
repositories: [{path: r}]
<<: !include no-such.yaml'
bad 2 "includes itself" '
repositories: [{path: r}]
<<: !include c.yaml'
echo '<<: !include c.yaml' >b.yaml
bad 1 "includes itself, through others" '
repositories: [{path: r}]
<<: !include b.yaml'
has "$ERR" /b.yaml
bad 2 "merges a mapping" '
repositories: [{path: r}]
<<: x'
bad 3 "'<<' stands here for the second time" '
repositories: [{path: r}]
<<: !include b.yaml
<<: !include b.yaml'
bad 2 "!retain has an effect only where '<<' merges" '
repositories: [{path: r}]
source_directories: !retain [/x]'
bad 2 "!omit has an effect only" '
repositories: [{path: r}]
source_directories: [!omit /x]'
echo 'source_directories: [/a]' >b.yaml
bad 3 "!omit: the included list has no '/x'" '
repositories: [{path: r}]
<<: !include b.yaml
source_directories: [!omit /x]'
printf '%s\n' 'repositories: [{path: r}]' 'keep_daily: x' >b.yaml
bad - "b.yaml, line 2, column 13: keep_daily: 'x'" '
<<: !include b.yaml'

# --- no file at all ---
must_fail 3 muniment -c gone.yaml config validate
has "$ERR" "gone.yaml: there is no such configuration file or folder"
mkdir empty.d
echo x >empty.d/crontab.txt
must_fail 3 muniment -c empty.d config validate
has "$ERR" "no *.yaml or *.yml is in this folder"
if [ "$(id -u)" != 0 ]; then
	chmod 0 c.yaml
	judge - "cannot be read: Permission denied"
fi

# nothing was made anywhere
ls >after
for f in c.yaml b.yaml empty.d after said; do
	sed -i "/^$f\$/d" after
done
eq "$(cat after)" "" "new files"
[ $n -ge 80 ] || fail "only $n configurations were tried"
