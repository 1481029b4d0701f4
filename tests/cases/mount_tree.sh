#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What the mount shows is what was archived: every kind of file, name and
# attribute.
. "$TOP/tests/lib.sh"
need_root
need python3 setfacl lsattr
. "$TOP/tests/mount.sh"

python3 - <<'END'
import os, random, socket, stat

os.mkdir("src")
os.chdir("src")
rng = random.Random(1)
def put(name, data=b""):
    with open(name, "wb") as f:
        f.write(data)

# hard links, in one folder and across two, and with attributes
for d in ("one", "two"):
    os.mkdir(d)
put("one/a", b"shared")
for name in ("two/b", "one/c", "last"):
    os.link("one/a", name)
os.setxattr("one/a", "user.of", b"all three")
os.symlink("target", "two/link")
os.link("two/link", "two/link2", follow_symlinks=False)

# kinds
os.mkfifo("fifo", 0o640)
os.mknod("chr", stat.S_IFCHR | 0o600, os.makedev(5, 259))
os.mknod("blk", stat.S_IFBLK | 0o660, os.makedev(259, 70000))
with socket.socket(socket.AF_UNIX) as s:
    s.bind("sock")
os.symlink("a" * 4000, "long")
os.symlink(b"../\xff\n", "odd")
os.mkdir("empty")

# names: every byte, the longest, none that is UTF-8
os.mkdir("names")
for b in range(1, 256):
    if b != ord("/"):
        put(b"names/x" + bytes([b]), bytes([b]))
put("names/" + "n" * 255)
os.mkdir(b"names/" + b"\xc3" * 255)

# attributes: many, large, empty, binary; on a folder and a symlink
put("x")
os.setxattr("x", "user.large", rng.randbytes(3000))
os.setxattr("x", "user.empty", b"")
for n in range(20):
    os.setxattr("x", "user.%d" % n, bytes([n]) * n)
os.setxattr("x", "trusted.t", b"t")
os.setxattr("x", "security.capability",
            bytes.fromhex("0000000200040000000000000000000000000000"))
os.setxattr("one", "user.dir", b"\0\1\2")
os.setxattr("long", "trusted.link", b"l", follow_symlinks=False)

# holes: in front, between, behind, nothing else, more than an entry keeps
def sparse(name, size, *at):
    with open(name, "wb") as f:
        for off in at:
            f.seek(off)
            f.write(rng.randbytes(4096))
        f.truncate(size)
MiB = 1 << 20
sparse("front", 5 * MiB + 4096, 5 * MiB)
sparse("between", 9 * MiB + 4096, 0, 3 * MiB, 9 * MiB)
sparse("behind", 7 * MiB + 17, 0)
sparse("nothing", 3 * MiB)
sparse("comb", 40 * MiB, *range(0, 40 * MiB, MiB))

# sizes around every limit
for n in (0, 1, 127, 128, 129, 4095, 4096, 4097, 131071, 131073, 524287,
          524288, 524289, 3 * MiB, 20 * MiB + 1):
    put("f%d" % n, rng.randbytes(n))

# times
for n, t in enumerate((-1, -60 * 31536000, 0, 4 * 10**9, 2**34 - 1)):
    put("t%d" % n)
    os.utime("t%d" % n, ns=(t * 10**9, t * 10**9 + 123456789))

# owners and modes
put("owned")
os.chown("owned", 5000, 4000000000)
os.chmod("owned", 0o6751)
os.mkdir("sticky")
os.chmod("sticky", 0o1777)
os.mkdir("locked", 0)
put("locked/in", b"s")

# deeper than PATH_MAX
back = os.getcwd()
for n in range(40):
    d = "%02d" % n + "e" * 248
    os.mkdir(d)
    os.chdir(d)
put("bottom", b"deep")
os.chdir(back)

# a folder of some nodes, and one of one
os.mkdir("many")
for n in range(3000):
    put("many/1795%06d.M%dP7,S=%d:2,S" % (n * 37 % 3000, n, n), b"%d" % n)
os.mkdir("few")
for n in range(20):
    put("few/%d" % n, b"x" * n * 40)
END
setfacl -m u:5000:rw,g:77:r,m::rw src/x
setfacl -m u:33:rx -d -m u:5000:rwx src/one
chattr +d src/f4096 2>/dev/null || :	# not on every file system

must muniment create ::all src
mount_at m m
same_tree -H src m/all/src
same_tree -H src m/latest/src		# what the kernel has cached now
unmount m
mount_at m ::all m
echo 3 >/proc/sys/vm/drop_caches
same_tree -H src m/src
flags() {	# those that an archive keeps
	lsattr "$1" | cut -d' ' -f1 | tr -cd d
}
eq "$(flags m/src/f4096)" "$(flags src/f4096)" "flags"

# holes are not blocks
eq "$(stat -c %b m/src/nothing)" 0
eq "$(stat -c %b m/src/front)" 8
eq "$(stat -c %b m/src/comb)" 320
[ "$(stat -c %b m/src/f20971521)" -ge $((20971521 / 512)) ] ||
	fail "blocks that are there are missing"

# numbers: shared by hard links, by nothing else, and the same next time
find m/src -printf '%i %P\n' | sort -k2 >before
eq "$(stat -c %i m/src/one/a m/src/two/b m/src/one/c m/src/last | uniq |
	wc -l)" 1 "numbers of one file"
eq "$(stat -c %h m/src/one/a)" 4
find m/src -links 1 -printf '%i\n' | sort | uniq -d >twice
eq "$(wc -l <twice)" 0 "inode numbers that two files have"
# along a folder they grow, so that who sorts by them reads in its order
find m/src/many -type f -printf '%i %f\n' | sort -n | cut -d' ' -f2 >by_ino
LC_ALL=C sort by_ino | cmp - by_ino || fail "numbers do not grow with names"
unmount m
mount_at m ::all m
find m/src -printf '%i %P\n' | sort -k2 | cmp - before ||
	fail "other inode numbers in the next mount"

# programs that copy; they know no path that is longer than PATH_MAX
rm -rf src/00e* src/sock	# nor does tar know sockets
must muniment create ::shallow src
unmount m
mount_at m ::shallow m
mkdir copies
cp -a m/src copies/cp
same_tree -H src copies/cp
pack() {
	tar -C "$1" --sort=name --acls --format=posix \
		--pax-option=delete=atime,delete=ctime -cf - .
}
pack src >src.tar
pack m/src | cmp - src.tar || fail "tar does not see the same"
eq "$(du -s --apparent-size m/src/f3145728 | cut -f1)" 3072

# the file system itself
eq "$(stat -f -c '%T %l %f' m)" "fuseblk 255 0"
grep -q " $PWD/m ro,nosuid,nodev,.* - fuse.muniment " /proc/self/mountinfo ||
	fail "not mounted as it should be"
eq "$(cat "$LOG")" "" "the log"
unmount m
