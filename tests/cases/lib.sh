#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The shell helpers fail when they should.
. "$TOP/tests/lib.sh"

# fails TEXT CMD...: in a shell of its own, with status 1 and this text
fails() {
	text=$1
	shift
	got=0
	(set +e; "$@") >o 2>&1 || got=$?
	[ $got = 1 ] || { cat o; fail "status $got, expected 1: $*"; }
	has o "$text"
}

must true
must_fail 3 sh -c 'echo why >&2; exit 3'
has "$ERR" why
fails "exit status 1" must false
fails "exit status 0, expected 3" must_fail 3 true
fails "exit status 2, expected 3" must_fail 3 sh -c 'echo why >&2; exit 2'
fails "exit status 139" must_fail 3 sh -c 'kill -SEGV $$'
fails "not the status of a failure" must_fail 139 sh -c 'kill -SEGV $$'
fails "exit status 127" must_fail 3 no-such-command
fails "without a word" must_fail 3 sh -c 'exit 3'
fails "is 'a', expected 'b'" eq a b "letter"
eq a a
fails "no line of" has o nonsense
echo text >t
has_not t nonsense
fails "has 'text'" has_not t text
fails "cannot be read" has_not no-such-file text
fails "never came true" wait_for 1 false
got=0
(need no-such-command) >o || got=$?
eq $got 77 "status of need"

# every difference that a restore can make
mkdir -p a/d
echo one >a/f
ln a/f a/g
ln a/f a/d/h
ln -s f a/l
mkfifo a/p
truncate -s 1M a/hole
setfattr -n user.k -v v a/f
cp -a a b
same_tree a b
same_tree -H a b
differs() {
	fails "differ" same_tree "$@" a b
	rm -r b
	cp -a a b
	same_tree a b
}
echo two >b/f; touch -r a/f b/f; differs
touch b/f; differs
touch -d '2001-02-03 04:05:06.000000007' b/f; differs
chmod 4755 b/f; touch -r a/f b/f; differs
rm b/g; cp -p a/f b/g; setfattr -n user.k -v v b/g; differs
rm b/l; ln -s g b/l; touch -hr a/l b/l; touch -r a b; differs
setfattr -n user.k -v w b/f; differs
setfattr -x user.k b/f; differs
setfattr -n user.m -v w b/d; differs
rm b/p; touch b/p; touch -r a/p b/p; touch -r a b; differs
rm b/p; touch -r a b; differs
touch b/d; differs
touch b; differs
touch b; same_tree -R a b; rm -r b; cp -a a b
fallocate -d -o 0 -l 0 b/hole 2>/dev/null || :
dd if=/dev/zero of=b/hole bs=64k count=1 conv=notrunc status=none
touch -r a/hole b/hole
same_tree a b
differs -H
if command -v setfacl >/dev/null && setfacl -m u:1234:r b/f; then
	differs
fi
if [ "$(id -u)" = 0 ]; then
	chown 12:34 b/f; differs
	chown -h 12:34 b/l; differs
	mknod a/c c 1 3
	cp -a a/c b/c
	touch -r a b
	same_tree a b
	rm b/c; mknod b/c c 1 5; touch -r a/c b/c; touch -r a b; differs
fi
fails "cannot read" same_tree a no-such-folder
