#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Help, completion, version, and mistakes in the words of the command line.
. "$TOP/tests/lib.sh"

# alone: what is missing, and how to go on
must_fail 3 muniment
has "$ERR" "muniment: no configuration was found"
has "$ERR" "muniment --help"
eq "$(wc -l <"$ERR")" 1 "lines of an error"

must muniment --version
version=$(cat "$OUT")
must muniment -V
eq "$(cat "$OUT")" "$version"
must muniment version
eq "$(cat "$OUT")" "$version"

# help names every action, and each one explains itself with an example
must muniment --help
has "$OUT" "Exit status:"
cp "$OUT" help
must muniment help
cmp help "$OUT"
for action in init create list info extract mount umount diff check delete \
	rename export-tar import-tar help completion version; do
	has help "  $action "
	must muniment help $action
	has "$OUT" "muniment $action"
	cp "$OUT" one
	must muniment $action --help
	cmp one "$OUT"
done
for alias in repo-create rcreate repo-list rlist repo-info rinfo; do
	must muniment $alias --help
done
must muniment help list
has "$OUT" "{archive}"
must_fail 3 muniment help creat
has "$ERR" "did you mean 'create'?"

# several actions in one run; an operand that is called as one
export MUNIMENT_PASSPHRASE=secret
must muniment init r
mkdir -p s/list
echo x >s/list/f
must muniment create r::a s
must muniment create r::b s
must muniment check r list --short r
eq "$(sed 1d "$OUT")" "$(printf 'a\nb')"
cd s
must muniment create ../r::c list
must muniment list --short ../r::c
has "$OUT" list/f
must muniment --repository ../r list check
has "$OUT" "no problems found"
must_fail 3 muniment check ../r list ../r x
must_fail 3 muniment --repository ../r list create
has "$ERR" "nothing to archive"
cd ..
# borgmatic's flags for actions, where no word is one
must muniment --repo r -l --short
eq "$(cat "$OUT")" "$(printf 'a\nb\nc')"
must muniment --repo r -i
has "$OUT" "Repository ID"
must muniment --repo r -k -l --short
eq "$(tail -n 1 "$OUT")" c
# options before the actions, and behind one that does not have them
must muniment --short --repo r check list
eq "$(tail -n 1 "$OUT")" c
must muniment --repo r list check --short
eq "$(head -n 1 "$OUT")" a
must_fail 3 muniment --repo r check --short
has "$ERR" "option '--short' is for the action 'list', which is not in"
unset MUNIMENT_PASSPHRASE

# mistyped words
must_fail 3 muniment lisst
has "$ERR" "unknown action 'lisst': did you mean 'list'?"
must_fail 3 muniment list --fomat x
has "$ERR" "unknown option '--fomat' of 'list': did you mean '--format'?"
must_fail 3 muniment --reposiory x list
has "$ERR" "did you mean '--repository'?"
must_fail 3 muniment list -q
must_fail 3 muniment list --short --short
has "$ERR" "more than once"
must_fail 3 muniment list --last
must_fail 3 muniment list --last x
must_fail 3 muniment -v 3 list
must_fail 3 muniment rename --dry-run r::a b
has "$ERR" "'rename' knows no --dry-run"
must_fail 3 muniment list
has "$ERR" "no repository was named"
must_fail 3 muniment list r::a x --json-lines --format '{foo}'
has "$ERR" "{foo}"
must_fail 3 muniment completion csh
must_fail 3 muniment umount

# completion from the same rows, and the shells can read it
for shell in bash zsh fish; do
	must muniment completion $shell
	cp "$OUT" script.$shell
	has script.$shell files-cache
	has script.$shell strip-components
	! command -v $shell >/dev/null 2>&1 || must $shell -n script.$shell
done
must bash -c '. ./script.bash
	COMP_WORDS=(muniment list --for) COMP_CWORD=2 COMPREPLY=()
	_muniment; echo "${COMPREPLY[*]}"'
eq "$(cat "$OUT")" "--format"

# an answer that does not arrive is a failure
if [ -e /dev/full ]; then
	code=0
	muniment --help >/dev/full 2>"$ERR" || code=$?
	eq $code 2 "status with a full standard output"
	has "$ERR" "cannot write standard output"
fi
code=0
{
	sleep 0.3
	muniment --help 2>"$ERR" || code=$?
	echo $code >code
} | :
eq "$(cat code)" 2 "status when the reader went away"

# verbosity: errors are silent with -2 only
must_fail 3 muniment -v -1 lisst
code=0
muniment -v -2 lisst >"$OUT" 2>"$ERR" || code=$?
eq $code 3
eq "$(cat "$OUT" "$ERR")" "" "what -v -2 says"

# the same in JSON, one object a line
code=0
muniment --log-json --show-rc list nowhere >"$OUT" 2>"$ERR" || code=$?
eq $code 10
python3 - "$ERR" <<'EOF'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert [l["type"] for l in lines] == ["log_message"] * 2, lines
assert lines[0]["levelname"] == "ERROR", lines
assert lines[0]["msgid"] == "Repository.DoesNotExist", lines
assert "rc 10" in lines[1]["message"], lines
EOF
