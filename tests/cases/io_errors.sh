#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk that is dying: thousands of files that cannot be read are named, all
# others are in the archive.  The disk is a mount of a damaged repository.
. "$TOP/tests/lib.sh"
need_fuse
need python3

export MUNIMENT_PASSPHRASE=secret
mkdir src m
python3 - <<'END'
import os
for n in range(3000):
    with open("src/%s-%04d" % ("f" * 200, n), "xb") as f:
        f.write(os.urandom(1000))
END
must muniment init disk
must muniment create disk::a src
pack=$(find disk/data -type f)
python3 - "$pack" <<'END'
import sys
with open(sys.argv[1], "r+b") as f:
    pack = bytearray(f.read())
    for at in range(300000, len(pack), 500):
        pack[at] ^= 1
    f.seek(0)
    f.write(pack)
END
must muniment mount disk m
bad=0
for file in m/a/src/*; do
	cat "$file" >copy 2>/dev/null || bad=$((bad + 1))
done
{ [ $bad -gt 2000 ] && [ $bad -lt 3000 ]; } || fail "$bad files are bad"

must muniment init r
must_fail 1 muniment create --stats r::a m/a/src
has "$OUT" "Files: $((3000 - bad)) added, 0 changed, 0 unchanged, $bad not read"
eq "$(grep -c 'is not in the archive: cannot read it' "$ERR")" $bad
must muniment umount m
mkdir out
must muniment extract --destination out r::a
eq "$(find out -type f | wc -l)" $((3000 - bad))
for file in out/m/a/src/*; do
	cmp "$file" "src/${file##*/}" || fail "a wrong byte"
done
must muniment check --verify-data r
