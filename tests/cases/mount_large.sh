#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# A folder of 200,000 entries: complete, every name once, in bounded memory.
. "$TOP/tests/lib.sh"
need python3
. "$TOP/tests/mount.sh"

python3 - <<'END'
import os
os.makedirs("src/cur")
os.chdir("src/cur")
for n in range(200000):
    with open("1795%06d.M%dP1.mail,S=0:2,S" % (n, n * 7919), "w") as f:
        if n % 100 == 0:
            f.write("%d" % n)
END
names() {
	find "$1" -mindepth 1 -printf '%f\n' | LC_ALL=C sort
}
names src/cur >want
must muniment create ::a src
rm -rf src
mount_at m m
names m/a/src/cur | cmp - want || fail "not what was archived"
names m/a/src/cur | cmp - want || fail "not so from the cache"
find m/a/src/cur -type f -size +0 | wc -l >n
eq "$(cat n)" 2000
kib=$(high_water)
[ "$kib" -lt 98304 ] || fail "it took $kib KiB"

# without the kernel's cache, and from the middle of the folder
echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || :
python3 - want <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
class Dirent(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64),
                ("reclen", ctypes.c_ushort), ("type", ctypes.c_ubyte),
                ("name", ctypes.c_char * 256)]
libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.POINTER(Dirent)
libc.telldir.restype = ctypes.c_long
for f in ("readdir", "telldir"):
    getattr(libc, f).argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
d = libc.opendir(b"m/a/src/cur")
at, names = [], []
while True:
    pos = libc.telldir(d)
    e = libc.readdir(d)
    if not e:
        break
    at.append(pos)
    names.append(e.contents.name)
assert len(names) == 200002, len(names)
for n in (0, 1, 2, 77777, 150000, 200001, 5, 199999):
    libc.seekdir(d, at[n])
    for k in range(n, min(n + 500, len(names))):
        assert libc.readdir(d).contents.name == names[k], (n, k)
END

# and what the kernel forgets, the daemon forgets
find m/a -ls >/dev/null
echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || :
names m/a/src/cur | cmp - want || fail "not so a second time"
unmount m
