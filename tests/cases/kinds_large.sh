#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What is large: a sparse file of 5 GiB, a folder of 200,000 files, paths that
# no system call takes, a tree deeper than a process may open files.
# timeout: 300
. "$TOP/tests/lib.sh"
need_root
need_fuse
need python3

# shellcheck disable=SC3045
ulimit -S -n 1024
export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r
mkdir out m
must muniment mount m

# 5 GiB: it takes the room of its data, everywhere
mkdir sparse
python3 - <<'END'
import os
with open("sparse/disk", "xb") as f:
    size = (5 << 30) + 12345
    f.truncate(size)
    for at in (0, 1 << 30, (5 << 29) + 777, (1 << 32) - 4096, size - 5000):
        f.seek(at)
        f.write(os.urandom(5000))
END
must muniment create --stats ::sparse sparse
stored=$(sed -n 's/.*, \([0-9]*\) stored$/\1/p' "$OUT")
[ "$stored" -lt 100000 ] || fail "$stored bytes stored"
must muniment extract --destination out ::sparse
wait_for 10 test -d m/sparse
must cp -a m/sparse/sparse out/cp
python3 - <<'END'
# The data is where it was, and there is nothing else.
import os

def data(path):
    with open(path, "rb") as f:
        size = os.fstat(f.fileno()).st_size
        at = 0
        while at < size:
            try:
                at = f.seek(at, os.SEEK_DATA)
            except OSError:
                break
            end = f.seek(at, os.SEEK_HOLE)
            f.seek(at)
            yield at, f.read(end - at)
            at = end
    yield size, os.stat(path).st_mtime_ns

want = list(data("sparse/disk"))
assert len(want) == 6 and sum(len(d) for _, d in want[:-1]) < 100000
for path in "out/sparse/disk", "out/cp/disk", "m/sparse/sparse/disk":
    assert list(data(path)) == want, path
with open("m/sparse/sparse/disk", "rb") as f:
    f.seek(2 << 30)
    assert f.read(1 << 20) == bytes(1 << 20)
END
rm -r out/sparse out/cp sparse

# 200,000 files; in memory, where making and removing them takes no time
mkdir mem
mount -t tmpfs -o size=4g tmpfs mem || skip "no tmpfs can be mounted here"
mkdir mem/out
python3 - <<'END'
import os
os.mkdir("mem/many")
for n in range(200000):
    with open(f"mem/many/1795{n * 7919 % 200000:06}.M{n}P1.mail,S=12:2,S",
              "x") as f:
        if n % 10 == 0:
            f.write(f"mail {n}\n")
END
(cd mem && must muniment create ::many many)
must muniment extract --destination mem/out ::many
same_tree mem/many mem/out/many
wait_for 10 test -d m/many
eq "$(find m/many/many -type f | wc -l)" 200000
same_tree mem/many m/many/many
umount mem

# beyond PATH_MAX, and deeper than there are file descriptors
python3 - <<'END'
import os
def down(top, name, levels):
    os.mkdir(top)
    fd = os.open(top, os.O_RDONLY)
    for n in range(levels):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        if n % 100 == 9 or n + 1 == levels:
            f = os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=below)
            os.write(f, b"%d" % n)
            os.close(f)
            if n > 50:
                os.link("file", "link", src_dir_fd=below, dst_dir_fd=below)
        os.close(fd)
        fd = below
    os.close(fd)
os.mkdir("deep")
down("deep/long", "n" * 255, 60)
down("deep/many", "d", 1500)
END
must muniment create ::deep deep
has_not "$ERR" .
must muniment extract --destination out ::deep
has_not "$ERR" .
# shellcheck disable=SC3045
ulimit -n "$(ulimit -H -n)"	# for treesum
same_tree deep out/deep
wait_for 10 test -d m/deep
same_tree deep/many m/deep/deep/many
same_tree deep/long m/deep/deep/long
must muniment umount m
must muniment check
