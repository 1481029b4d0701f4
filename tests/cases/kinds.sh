#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Everything a file can be comes back as it was: by extract, by cp and rsync
# out of the mount, and through a tar stream.
# timeout: 180
. "$TOP/tests/lib.sh"
need_root
need_fuse
need python3 setfacl setcap rsync chattr

end() {
	chattr -R -i -a -f flags out* 2>/dev/null || :
}
trap end EXIT
umask 022

cat >make.py <<'END'
import os, random, socket, stat, struct

random.seed(1)
def put(path, data=b"", mode=None):
    with open(path, "xb") as f:
        f.write(data)
    if mode is not None:
        os.chmod(path, mode)
noise = random.randbytes

os.makedirs("k/size")
for size in (0, 1, 2, 64, 255, 256, 257, 4095, 4096, 65535, 511 << 10,
             (512 << 10) - 1, 512 << 10, 513 << 10, 1 << 20, 20 << 20):
    put(f"k/size/noise-{size}", noise(size))
put("k/size/text", b"all work and no play makes jack a dull boy\n" * 99999)
put("k/size/zeroes", bytes(3 << 20))

os.makedirs("k/sparse")
for name, size, parts in (("all", 1 << 20, []), ("odd", 777777, []),
        ("begin", 3 << 20, [0]), ("end", 3 << 20, [(3 << 20) - 4096]),
        ("mid", 30 << 20, [9 << 20, 20 << 20])):
    with open(f"k/sparse/{name}", "xb") as f:
        f.truncate(size)
        for at in parts:
            f.seek(at)
            f.write(noise(4096))

os.makedirs("k/links/a/b")
put("k/links/one", b"linked")
put("k/links/big", noise(700000))
for name in "a/one", "a/b/one", "zone":
    os.link("k/links/one", f"k/links/{name}")
os.link("k/links/big", "k/links/a/big")
os.symlink("one", "k/links/sym")
os.link("k/links/sym", "k/links/a/sym", follow_symlinks=False)
os.mkfifo("k/links/fifo")
os.link("k/links/fifo", "k/links/a/fifo")
os.mknod("k/links/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
os.link("k/links/null", "k/links/a/null")
os.symlink("no/such", "k/links/dangling")
os.symlink("t" * 4095, "k/links/long")
os.symlink(b"\xff\n -", "k/links/odd")
os.symlink("..", "k/links/up")
os.symlink("/", "k/links/root")
os.lchown("k/links/dangling", 12, 34)

os.makedirs("k/dev")
os.mkfifo("k/dev/fifo", 0o640)
for n, dev in enumerate([(1, 3), (4, 300), (259, 1048575), (4095, 0)]):
    os.mknod(f"k/dev/c{n}", stat.S_IFCHR | 0o620, os.makedev(*dev))
    os.mknod(f"k/dev/b{n}", stat.S_IFBLK | 0o660, os.makedev(*dev))
os.chdir("k/dev")
socket.socket(socket.AF_UNIX).bind("sock")
os.chdir("../..")

os.makedirs("k/mode")
for mode in [0, 0o7777] + [1 << n for n in range(12)]:
    put(f"k/mode/f{mode:04o}", b"x", mode)
    os.mkdir(f"k/mode/d{mode:04o}")
    put(f"k/mode/d{mode:04o}/in", b"y", mode)
for n, ids in enumerate([(5000, 5000), (0, 12), (3000000, 4000000000)]):
    put(f"k/mode/o{n}", b"z", 0o4755)
    os.chown(f"k/mode/o{n}", *ids)
    os.chmod(f"k/mode/o{n}", 0o6755)
for mode in [0, 0o7777] + [1 << n for n in range(12)]:
    os.chmod(f"k/mode/d{mode:04o}", mode)

os.makedirs("k/attr/dir")
for n, size in enumerate([0, 1, 255, 1000, 1025, 3000]):
    put(f"k/attr/f{n}", b"f")
    os.setxattr(f"k/attr/f{n}", "user.a", noise(size))
put("k/attr/many", b"f")
for n in range(40):
    os.setxattr("k/attr/many", f"user.{n:02}.{'n' * n}", noise(n))
put("k/attr/ro", b"f")
os.setxattr("k/attr/ro", "user.on read-only", b"\0\n=")
os.chmod("k/attr/ro", 0o444)
os.symlink("f0", "k/attr/sym")
os.setxattr("k/attr/sym", "trusted.on-link", b"1", follow_symlinks=False)
os.mkfifo("k/attr/fifo")
os.setxattr("k/attr/fifo", "trusted.on-fifo", b"2")
os.setxattr("k/attr/dir", "user.on-dir", noise(2000))

os.makedirs(b"k/name")
for c in range(1, 256):
    if c not in (ord("/"), ord(".")):
        put(b"k/name/" + bytes([c]), bytes([c]))
for name in (b"-rf", b"--", b" ", b"a\nb", b"...", b"..a", b".hidden", b"*",
             b"\xff" * 255, b"\xc3\xbc" * 127 + b"x", b"a\\b", b"$(x)`y`",
             "\N{SNOWMAN}.\u202e".encode(), b"A", b"a", b"a.", b"a-", b"a0"):
    os.makedirs(b"k/name/dirs/" + name, exist_ok=True)
    put(b"k/name/dirs/" + name + b"/" + name, name)

os.makedirs("k/time")
for n, nsec in enumerate([0, 1, -1, -1500000000, 999999999,
        -2**31 * 10**9, 2**31 * 10**9 + 5, 2**32 * 10**9 + 123456789,
        1234567890 * 10**9 + 987654321, 15000000000 * 10**9]):
    put(f"k/time/{n}", b"t")
    os.utime(f"k/time/{n}", ns=(nsec, nsec))
    os.mkdir(f"k/time/d{n}")
    os.symlink("x", f"k/time/l{n}")
    os.utime(f"k/time/l{n}", ns=(nsec, nsec), follow_symlinks=False)
    os.utime(f"k/time/d{n}", ns=(nsec, nsec))
END
python3 make.py
setcap cap_net_bind_service=+ep k/attr/f1
setfacl -m u:1234:rw-,g:55:r--,m:rwx k/attr/f2
setfacl -d -m u:1234:rwx,g:55:r-x k/attr/dir
echo below >k/attr/dir/below
getfacl -c k/attr/dir/below 2>/dev/null | grep -q user:1234 ||
	skip "this file system has no ACLs"
setcap -v cap_net_bind_service=+ep k/attr/f1 >/dev/null

# flags have a folder of their own: cp could not copy from it
mkdir -p flags/dir
echo frozen >flags/i
ln flags/i flags/dir/i
echo log >flags/a
echo both >flags/d
chattr +i flags/i
chattr +a flags/a
chattr +d +A flags/d
echo in >flags/dir/in
chattr +i flags/dir
touch -d '2001-02-03 04:05:06.7' flags
flags() {
	(cd "$1" && lsattr -aR . | grep -v '^$' | awk '
		/:$/ { print; next }
		{ gsub(/[^iaAd]/, "", $1); print $1, $2 }' | sort)
}
flags flags >flags.was
grep -q '^i ./dir/i' flags.was || skip "this file system has no flags"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r
must muniment create ::a k flags
has_not "$ERR" .
mkdir out m copy
must muniment extract --destination out ::a
has_not "$ERR" .
same_tree -H k out/k
same_tree flags out/flags
flags out/flags | cmp flags.was - || fail "flags of files"

# over what is there: the same once more, also over other things
find out/k/size -type f | while read -r file; do echo other >"$file"; done
rm out/k/links/one
mkdir out/k/links/one
ln -sf /etc/passwd out/k/mode/o0
chattr -R -i -a -f out/flags || :
must muniment extract --destination out ::a
same_tree -H k out/k
same_tree flags out/flags
end
rm -r out

must muniment mount m
same_tree k m/a/k
same_tree flags m/a/flags
must cp -a m/a/k copy/cp
same_tree k copy/cp
must rsync -aHAXS m/a/k/ copy/rsync
same_tree k copy/rsync
rm -r copy
must muniment umount m

# through a tar stream
muniment export-tar ::a - >a.tar
must muniment import-tar ::b a.tar
mkdir out
must muniment extract --destination out ::b
same_tree -H k out/k
same_tree flags out/flags
flags out/flags | cmp flags.was - || fail "flags of files through tar"
end
rm -r out
mkdir tar
tar -xpf a.tar -C tar --xattrs --xattrs-include='*' --acls \
	--exclude k/dev/sock --exclude flags 2>"$ERR" || fail "$(cat "$ERR")"
rm k/dev/sock
touch -r tar/k/dev k/dev
same_tree k tar/k
must muniment check --verify-data
