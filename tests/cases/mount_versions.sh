#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# -o versions: one tree of all archives, each file a folder of its versions.
. "$TOP/tests/lib.sh"
. "$TOP/tests/mount.sh"

list() {	# FOLDER: what is in it, sorted
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f%y\n' | LC_ALL=C sort |
		tr '\n' ' '
}

mkdir -p src/d/sub src/same
echo 1 >src/mail.eml
echo x >src/.hidden
echo tar >src/a.tar.gz
ln -s one src/link
ln src/mail.eml src/d/hard
echo same >src/same/f
long=$(printf '%0255d' 0)
echo long >"src/$long"
must muniment create --timestamp 2024-01-01T00:00:00 ::one src
echo 2 >src/mail.eml			# new content
touch src/a.tar.gz			# only metadata
ln -sfn two src/link
rm -r src/d/sub
echo now-a-file >src/d/sub
must muniment create --timestamp 2024-01-02T00:00:00 ::two src
rm src/mail.eml				# gone
mkdir src/link.d
mv src/link src/link.d/link
must muniment create --timestamp 2024-01-03T00:00:00 ::three src
echo 1 >src/mail.eml			# as it was first
chmod 600 src/mail.eml
chmod 400 src/same/f
must muniment create --timestamp 2024-01-04T00:00:00 ::four src

must_fail 3 muniment mount -o versions ::one m
has "$ERR" "versions"
mount_at m -o versions m
eq "$(list m)" "srcd "
eq "$(list m/src)" ".hiddend ${long}d a.tar.gzd dd link.dd linkl mail.emld \
samed "
eq "$(list m/src/mail.eml)" "mail.00001.emlf mail.00002.emlf mail.00003.emlf "
eq "$(cat m/src/mail.eml/mail.0000?.eml | tr '\n' ' ')" "1 2 1 "
eq "$(stat -c '%a %F' m/src/mail.eml)" "700 directory"
eq "$(list m/src/a.tar.gz)" "a.tar.00001.gzf "
eq "$(list m/src/.hidden)" ".hidden.00001f "
eq "$(stat -c %Y m/src/a.tar.gz/*)" "$(stat -c %Y src/a.tar.gz)" "newest mtime"
eq "$(readlink m/src/link)" two "newest link"
eq "$(list m/src/d/sub)" "sub.00001f "
eq "$(list m/src/d)" "hardd subd "
eq "$(cat "m/src/$long"/*)" long
eq "$(list "m/src/$long" | wc -c)" 257
eq "$(list m/src/same/f)" "f.00001f "
eq "$(stat -c '%a %h' m/src/same/f/f.00001)" "400 1"
eq "$(stat -c %h m/src/mail.eml/mail.00001.eml)" 2 "links"
eq "$(stat -c %i m/src/mail.eml/mail.00001.eml)" \
	"$(stat -c %i m/src/d/hard/hard.00001)" "one file under two names"
for no in m/src/mail m/src/mail.eml/mail.00000.eml m/src/mail.eml/mail.eml \
	m/src/mail.eml/mail.00004.eml m/one m/latest; do
	[ ! -e "$no" ] || fail "there is $no"
done
has m/.muniment "archives:"
find m -printf '%p %i %y\n' | sort >first
find m -type f -exec cat {} + >/dev/null
eq "$(grep -c . "$LOG")" 0 "lines of the log"

# new and deleted archives, without a remount
echo 5 >src/mail.eml
must muniment create --timestamp 2024-01-05T00:00:00 ::five src
wait_for 5 test -f m/src/mail.eml/mail.00004.eml
eq "$(cat m/src/mail.eml/mail.00004.eml)" 5
must muniment delete ::five
wait_for 5 test ! -e m/src/mail.eml/mail.00004.eml
unmount m
mount_at m -o versions m
find m -printf '%p %i %y\n' | sort | cmp - first || fail "not as before"
unmount m

# only what is asked for, and only some archives
mount_at m -o versions,uid=1234 -a 't*' --path src/link.d \
	--path src/mail.eml m
eq "$(find m -mindepth 1 ! -type d -printf '%P\n' | sort |
	tr '\n' ' ')" "src/link.d/link src/mail.eml/mail.00001.eml "
eq "$(stat -c %u m/src m/src/mail.eml | tr '\n' ' ')" "1234 1234 "
unmount m
mount_at m -o versions --strip-components 1 m
eq "$(cat m/mail.eml/mail.00002.eml)" 2
eq "$(list m)" ".hiddend ${long}d a.tar.gzd dd link.dd linkl mail.emld samed "
unmount m
