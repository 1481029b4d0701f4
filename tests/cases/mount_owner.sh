#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Owners, and who may read what.
. "$TOP/tests/lib.sh"
need_root
need setpriv setfacl unshare
. "$TOP/tests/mount.sh"

mkdir -p src/d
for f in mine named open group acl d/in; do
	echo $f >src/$f
done
chown 5000:5000 src/mine src/d src/d/in
chmod 600 src/mine
chown mail:mail src/named
chmod 644 src/open
chown 5000:5001 src/group src/acl
chmod 640 src/group
chmod 700 src/d
setfacl -m u:5002:r,g::-,g:5003:r,o::- src/acl	# ls shows rw-r-----
must muniment create ::a src

# as UID:GID COMMAND...
as() {
	as_id=$1
	shift
	setpriv --reuid="${as_id%:*}" --regid="${as_id#*:}" --clear-groups \
		-- "$@"
}
reads() {
	as "$1" cat "$work/m/src/$2" >/dev/null 2>&1 || fail "$1 cannot read $2"
}
reads_not() {
	as "$1" cat "$work/m/src/$2" >/dev/null 2>&1 && fail "$1 can read $2"
	return 0
}
# The folder of this test is root's own.
work=$(mktemp -d /tmp/muniment-test.XXXXXX)
trap 'muniment umount "$work/m" 2>/dev/null || :; rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir "$work/m"
rmdir m
ln -s "$work/m" m
mounted() {
	grep -q " $work/m " /proc/self/mountinfo
}

# for root only, until it is asked for
mount_at m ::a m
as 5000:5000 ls "$work/m/src" >/dev/null 2>&1 && fail "others can see the mount"
unmount m

# permissions are those of the archive, ACLs among them
mount_at m -o allow_other ::a m
reads 5000:5000 mine
reads 5000:5000 d/in
reads_not 5009:5009 mine
reads_not 5009:5009 d/in
reads 5009:5009 open
reads 5009:5001 group
reads_not 5009:5009 group
reads 5002:5009 acl
reads 5009:5003 acl
reads_not 5009:5001 acl
reads_not 5009:5009 acl
unmount m
mount_at m -o allow_other,ignore_permissions ::a m
reads 5009:5009 mine
reads 5009:5009 d/in
unmount m

# another owner, fewer rights
mount_at m -o allow_other,uid=5009,gid=7,umask=0027 ::a m
eq "$(stat -c '%u:%g %a' m/src/mine)" "5009:7 600"
eq "$(stat -c '%u:%g %a' m/src/open)" "5009:7 640"
eq "$(stat -c '%u:%g %a' m/src)" "5009:7 750"
reads 5009:5009 mine
reads_not 5002:5009 acl
unmount m

# by name: where mail has another number, and nobody is called 5000
sed 's/^mail:\([^:]*\):[0-9]*:[0-9]*:/mail:\1:7008:7009:/' /etc/passwd >passwd
sed 's/^mail:\([^:]*\):[0-9]*:/mail:\1:7009:/' /etc/group >group
grep -q ':7008:7009:' passwd || fail "there is no user mail"
elsewhere() {
	unshare -m sh -euc 'mount --make-rprivate /
		mount --bind passwd /etc/passwd
		mount --bind group /etc/group
		muniment mount "$@"
		stat -c "%n %u:%g" m/src/named m/src/mine
		muniment umount m' - "$@"
}
eq "$(elsewhere ::a m | tr '\n' ' ')" \
	"m/src/named 7008:7009 m/src/mine 5000:5000 "
eq "$(elsewhere --numeric-ids ::a m | tr '\n' ' ')" \
	"m/src/named $(stat -c %u:%g src/named) m/src/mine 5000:5000 "
