#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# An ordinary user: own files come back without a word, files of others as
# own ones.
. "$TOP/tests/lib.sh"
need_root
need setpriv python3 setfacl

chmod 755 "$TMPDIR/.." . 2>/dev/null || :
mkdir user
chown nobody:nogroup user
cd user
as_nobody() {
	setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all \
		env HOME="$PWD" XDG_CACHE_HOME="$PWD/c" \
		XDG_CONFIG_HOME="$PWD/k" MUNIMENT_PASSPHRASE=secret \
		MUNIMENT_REPO="$PWD/r" "$@"
}
as_nobody test -x "$(command -v muniment)" ||
	skip "nobody cannot reach the program"
umask 022
must as_nobody muniment init
as_nobody python3 - <<'END'
import os, socket
os.makedirs("src/closed/in")
os.makedirs("src/shared")
for n, mode in enumerate((0o400, 0o444, 0o600, 0o4755, 0o2755, 0o1644)):
    path = f"src/closed/f{n}"
    with open(path, "x") as f:
        f.write(path)
    os.setxattr(path, "user.k", b"v" * 1500)
    os.chmod(path, mode)
    os.utime(path, ns=(n, 1234567890123456789 + n))
with open("src/closed/in/big", "xb") as f:
    f.write(os.urandom(2000000))
os.link("src/closed/f0", "src/closed/in/link")
os.mkfifo("src/fifo")
socket.socket(socket.AF_UNIX).bind("src/sock")
os.symlink("no/where", "src/sym")
os.setxattr("src/closed/in", "user.k", b"d")
END
as_nobody setfacl -m u:1234:r src/closed/f2
as_nobody setfacl -d -m u:1234:r src/shared
as_nobody chmod 500 src/closed src/closed/in
as_nobody chmod 2775 src/shared
must as_nobody muniment create ::own src
eq "$(cat "$ERR")" ""
as_nobody mkdir out
must as_nobody muniment extract --destination out ::own
eq "$(cat "$ERR")" ""
same_tree src out/src

# theirs: nothing is said about owners, and no setuid for the wrong user
mkdir their
echo x >their/f
chmod 4755 their/f
chown 5000:5000 their their/f
mknod their/null c 1 3
must as_nobody muniment create ::their their
must_fail 1 as_nobody muniment extract --destination out ::their
eq "$(wc -l <"$ERR")" 1
has "$ERR" "their/null"
eq "$(stat -c '%U %a' out/their/f)" "nobody 755"

# what cannot be read, and what cannot be entered, is named
as_nobody sh -c 'mkdir src/no; echo x >src/no/x; echo y >src/y
	chmod 0 src/y src/no'
must_fail 1 as_nobody muniment create ::some src
eq "$(wc -l <"$ERR")" 2
has "$ERR" "src/no"
has "$ERR" "src/y"
# root reads them all, and a user gets them back
must env MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r" \
	muniment create ::all src
chown -R nobody:nogroup r
as_nobody mkdir all
must as_nobody muniment extract --destination all ::all
eq "$(cat "$ERR")" ""
same_tree src all/src
