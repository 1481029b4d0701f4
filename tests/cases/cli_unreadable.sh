#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# As a user who may not do everything: files that cannot be read, a repository
# that cannot be written.
. "$TOP/tests/lib.sh"
need_root
need setpriv

chmod 755 "$TMPDIR/.." . 2>/dev/null || :
mkdir user
chown nobody user
cd user
as_nobody() {
	setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all \
		env HOME="$PWD" XDG_CACHE_HOME="$PWD/c" \
		XDG_CONFIG_HOME="$PWD/k" MUNIMENT_PASSPHRASE=secret "$@"
}
as_nobody true 2>/dev/null || skip "this user cannot become nobody"
as_nobody test -x "$(command -v muniment)" ||
	skip "nobody cannot reach the program"
must as_nobody muniment init r
as_nobody mkdir -p src/locked
as_nobody sh -c 'echo a >src/a; echo b >src/b; echo c >src/locked/c'
chown root src/b
chmod 600 src/b
chown root src/locked
chmod 700 src/locked
must_fail 1 as_nobody muniment create r::a src
has "$ERR" "src/b"
has "$ERR" "src/locked"
eq "$(wc -l <"$ERR")" 2 "lines about what is missing"
must as_nobody muniment list --short r::a
has "$OUT" src/a
has_not "$OUT" src/b
must as_nobody muniment info r::a
has "$OUT" "Missing: "

# a read-only store: it can be read, and says that it cannot be written
must as_nobody muniment create r::b src/a
chown -R root r
chmod -R u=rwX,go=rX r
must_fail 2 as_nobody muniment create r::c src/a
eq "$(wc -l <"$ERR")" 1
has "$ERR" "ermission denied"
must_fail 2 as_nobody muniment delete r::a
must as_nobody muniment list --short r
eq "$(tr '\n' ' ' <"$OUT")" "a b "
must as_nobody muniment extract --stdout r::b src/a
eq "$(cat "$OUT")" a

# over folders of one's own that are read-only or closed
must as_nobody muniment init ro.repo
as_nobody sh -c 'mkdir -p tree/ro/in tree/shut; echo 1 >tree/ro/a
	echo 2 >tree/ro/in/b; echo 3 >tree/shut/c; chmod 555 tree/ro tree/ro/in
	chmod 000 tree/shut; chmod 700 tree/shut; chmod 500 tree/shut'
must as_nobody muniment create ro.repo::a tree
as_nobody sh -c 'chmod 755 tree/ro tree/ro/in; rm tree/ro/in/b
	echo other >tree/ro/a; chmod 555 tree/ro tree/ro/in
	chmod 000 tree/shut'
must as_nobody muniment extract ro.repo::a
eq "$(cat tree/ro/a tree/ro/in/b)" "1
2" "files of read-only folders"
eq "$(stat -c %a tree/ro tree/ro/in tree/shut)" "555
555
500" "modes of the folders"
