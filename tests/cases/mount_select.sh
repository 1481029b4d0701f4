#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A part of the repository: some archives, some paths, without their first
# components.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

mkdir -p src/a/cur src/a/new src/b/cur src/b/deep/x src/b/deep/y
for f in a/top a/cur/1 a/cur/2 a/new/3 b/cur/1 b/cur/4 b/deep/x/5 \
	b/deep/y/6; do
	echo "$f" >src/$f
done
ln src/a/top src/b/hard
for n in 1 2 3 4 5; do
	must muniment create "::mail-$n" src
	must muniment create "::web-$n" src/b
done

# names FOLDER: all that is in it, in one line
names() {
	(cd "$1" && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort |
		tr '\n' ' ')
}
# see "NAMES " ARGS...: of archive mail-1 with these arguments
see() {
	see_want=$1
	shift
	mount_at m ::mail-1 m "$@"
	eq "$(names m)" "$see_want" "what is shown with $*"
	unmount m
}

# roots LATEST "NAMES " ARGS...: of the repository
roots() {
	latest=$1
	roots_want=$2
	shift 2
	mount_at m m "$@"
	find m -mindepth 1 -maxdepth 1 -type d ! -name by-date \
		-printf '%f\n' | sort | tr '\n' ' ' >found
	eq "$(cat found)" "$roots_want" "archives with $*"
	eq "$(readlink m/latest)" "$latest"
	unmount m
}
roots web-1 "mail-1 web-1 " --first 2
roots web-5 "mail-5 web-5 " --last 2
roots web-5 "web-1 web-2 web-3 web-4 web-5 " -a 'web-*'
roots mail-5 "mail-4 mail-5 " -a 'mail-*' --last 2

# paths
see "src src/a src/a/cur src/a/cur/1 src/a/cur/2 " src/a/cur
see "src src/b src/b/deep src/b/deep/x src/b/deep/x/5 " src/b/deep/x/5
see "src src/a src/a/new src/a/new/3 src/a/top src/b src/b/hard " \
	-e 'src/*/cur' -e src/b/deep
see "src src/a src/a/top " --pattern=+src/a/top --pattern=-src/b \
	--pattern='-src/a/*'

# components; those of the same name come together, the first of two files
# is shown
see "a a/cur a/cur/1 a/cur/2 a/new a/new/3 a/top b b/cur b/cur/1 b/cur/4 \
b/deep b/deep/x b/deep/x/5 b/deep/y b/deep/y/6 b/hard " --strip-components 1
see "cur cur/1 cur/2 cur/4 deep deep/x deep/x/5 deep/y deep/y/6 hard new \
new/3 top " --strip-components 2
see "1 2 3 4 x x/5 y y/6 " --strip-components 3
see "5 6 " --strip-components 4
see "" --strip-components 9
see "1 4 x x/5 y y/6 " --strip-components 3 src/b
see "cur cur/4 top " --strip-components 2 \
	--pattern=+src/b/cur/4 --pattern=+src/a/top --pattern='-src/*/*'

mount_at m ::mail-1 m --strip-components 2
eq "$(cat m/cur/1)" a/cur/1
eq "$(cat m/cur/4)" b/cur/4
eq "$(cat m/deep/x/5)" b/deep/x/5
eq "$(stat -c %i m/top)" "$(stat -c %i m/hard)"
eq "$(find m -type f -printf '%i\n' | sort -u | wc -l)" 7 "different files"
for f in m/cur/2 m/new/3; do
	[ -f $f ] || fail "no $f"
done
[ ! -e m/cur/3 ] || fail "there is no cur/3"
unmount m
mount_at m "$PWD/r" m --strip-components 2 src/a
eq "$(names m/mail-2)" "cur cur/1 cur/2 new new/3 top "
[ ! -e m/mail-2/deep ] || fail "a path that was not asked for, by name"
eq "$(cat m/mail-2/cur/2)" a/cur/2
unmount m
