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
[ "$(du -k out/sparse/disk | cut -f1)" -le "$(du -k sparse/disk |
	cut -f1)" ] || fail "the holes are gone"
same_tree -H sparse out/sparse
rm -r out/sparse
must cp -a m/sparse/sparse out/
[ "$(du -k out/sparse/disk | cut -f1)" -le 200 ] ||
	fail "the holes are gone in the mount"
cmp sparse/disk out/sparse/disk
rm -r out/sparse sparse

# 200,000 files
python3 - <<'END'
import os
os.mkdir("many")
for n in range(200000):
    with open(f"many/1795{n * 7919 % 200000:06}.M{n}P1.mail,S=12:2,S",
              "x") as f:
        f.write(f"mail {n}\n")
END
must muniment create ::many many
must muniment extract --destination out ::many
same_tree many out/many
eq "$(find m/many/many -type f | wc -l)" 200000
same_tree many m/many/many
rm -r out/many many &

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
ulimit -n 8192	# for treesum
same_tree deep out/deep
same_tree deep/many m/deep/deep/many
same_tree deep/long m/deep/deep/long
wait
must muniment umount m
must muniment check
