#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Extract over what is there already, and flags that must wait.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r

mkdir -p src/d/e src/empty secret/deep
echo one >src/a
echo two >src/d/e/f
ln -s a src/l
mkfifo src/p
echo under >secret/deep/file
chmod 750 src/d secret/deep
chmod 700 secret
must muniment create ::t src

# twice over itself
mkdir out
cd out
must muniment extract ::t
must muniment extract ::t
same_tree ../src src
inode=$(stat -c %i src/d)

# folders where files were, files where folders were, links in the way
mkdir ../elsewhere
echo keep >../elsewhere/f
rm -r src/a src/d/e src/l src/p src/empty
mkdir src/a src/l src/p		# empty ones give way
ln -s ../../../elsewhere src/d/e	# never followed
echo file >src/empty
must muniment extract ::t
same_tree ../src src
eq "$(cat ../elsewhere/f)" keep "a file behind a link"
eq "$(stat -c %i src/d)" "$inode" "an existing folder is kept"

# a full folder does not give way, and that is said
rm src/a
mkdir -p src/a/full
must_fail 1 muniment extract ::t
has "$ERR" "src/a"
eq "$(ls src/a)" full "a folder in the way of a file"
eq "$(find . -name '.muniment.*')" "" "temporary names"
rmdir src/a/full
cd ..

# nobody looks into a folder before its own mode is there
if [ "$(id -u)" = 0 ]; then
	mkdir watched
	head -c 20000000 /dev/urandom >secret/large
	must muniment create ::s secret
	cd watched
	muniment extract ::s 2>../err &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		stat -c %a secret 2>/dev/null || :
	done >../modes
	wait $pid || fail "$(cat ../err)"
	cd ..
	eq "$(sort -u modes | tr '\n' ' ')" "700 " "modes of a private folder"
fi

# a hard link to a file that cannot be changed
echo fixed >src/one
ln src/one src/zwei
if chattr +i src/one 2>/dev/null; then
	must muniment create ::i src
	mkdir late
	(cd late && must muniment extract ::i)
	got=$(stat -c %h late/src/one)
	flags=$(lsattr late/src/zwei 2>/dev/null | cut -d' ' -f1)
	chattr -i src/one late/src/one late/src/zwei
	eq "$got" 2 "names of a file that cannot be changed"
	case $flags in
	*i*) ;;
	*) fail "the flag was not set: $flags" ;;
	esac
fi
