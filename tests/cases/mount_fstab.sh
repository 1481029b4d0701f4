#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Through mount(8) and /etc/fstab, with a key file and a passphrase file, as at
# boot: no HOME, no variables, no terminal.
. "$TOP/tests/lib.sh"
need_root
need unshare
. "$TOP/tests/mount.sh"

mkdir src sbin work
echo text >src/f
must muniment create ::a src
export MUNIMENT_CONFIG_DIR="$PWD/config"
must muniment init -e keyfile k
must muniment create k::b src
key=$(find config/keys -type f)
[ -s "$key" ] || fail "no key file"
mv "$key" the.key
unset MUNIMENT_CONFIG_DIR
echo secret >pass
ln -s "$(command -v muniment)" sbin/mount.fuse.muniment
cat >fstab <<END
$PWD/k $PWD/m fuse.muniment noauto,user,_netdev,nofail,x-systemd.automount,\
passphrase_file=$PWD/pass,key_file=$PWD/the.key,uid=65534,allow_other 0 0
END
cat >boot.sh <<'END'
set -eu
mount -t overlay -o "lowerdir=/usr/sbin,upperdir=$1/sbin,workdir=$1/work" \
	overlay /usr/sbin 2>/dev/null || exit 77
mount --bind "$1/fstab" /etc/fstab
mount "$1/m"
cat "$1/m/b/src/f"
stat -c '%u %a' "$1/m/b/src/f"
umount "$1/m"
END
[ -e /etc/fstab ] || : >/etc/fstab
rc=0
env -i PATH="$PATH" unshare -m --propagation private sh boot.sh "$PWD" \
	>"$OUT" 2>"$ERR" </dev/null || rc=$?
[ $rc = 77 ] && skip "no overlay over /usr/sbin"
eq "$rc" 0 "status of mount: $(cat "$ERR")"
eq "$(tr '\n' ' ' <"$OUT")" "text 65534 644 "
must_fail 12 ./sbin/mount.fuse.muniment "$PWD/k" m \
	-o "passphrase_file=$PWD/pass,key_file=$PWD/nothing"
has "$ERR" "$PWD/nothing"
