#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Programs that copy, search and read mail see in a mount what they would see
# on a disk.  (Dovecot and overlayfs: dovecot.sh.)
. "$TOP/tests/lib.sh"
need_root
need python3 rsync setfacl setfattr mutt
. "$TOP/tests/mount.sh"

python3 - <<'END'
import os
for d in ("cur", "new", "tmp"):
    os.makedirs("src/Maildir/" + d)
for n in range(30):
    text = "From: a@example.org\nSubject: mail %d\n\nBody %d.\n" % (n, n)
    name = "1795%06d.M%dP1.h,S=%d" % (n, n, len(text))
    name = "new/" + name if n >= 25 else "cur/" + name + ":2,S"
    with open("src/Maildir/" + name, "w") as f:
        f.write(text)
    os.utime(f.name, ns=(10**18, 10**18 + n * 1000003))
os.link("src/Maildir/" + name, "src/linked")
with open("src/sparse", "wb") as f:
    f.write(b"front" * 1000)
    f.seek(5 << 20)
    f.write(b"middle" * 1000)
    f.truncate(9 << 20)
os.symlink("sparse", "src/link")
os.mkfifo("src/fifo")
END
setfattr -n user.seen -v yes src/sparse
setfacl -m u:5000:rw src/linked
setfacl -d -m g:77:rx src/Maildir
chown 5000:5001 src/Maildir/cur src/Maildir/cur/*
# Not now: rsync sets no time again that is right to the second.
find src ! -type f -exec touch -h -d "2024-05-06 07:08:09.123456789" {} +
must muniment create ::a src
mount_at m ::a m

# copies
mkdir out
must cp -a --sparse=auto m/src out/cp
same_tree -H src out/cp
[ "$(stat -c %b out/cp/sparse)" -lt 200 ] || fail "cp made holes to zeros"
must rsync -aHAX m/src/ out/rsync/
same_tree src out/rsync
rsync -aHAXni --checksum --delete src/ m/src/ >"$OUT" ||
	fail "rsync cannot compare"
[ ! -s "$OUT" ] || fail "rsync sees differences: $(cat "$OUT")"
pack() {
	tar -C "$1" --sort=name --xattrs --acls --format=posix \
		--pax-option=delete=atime,delete=ctime,exthdr.name=%d/%f.x \
		-cf - .
}
pack src >want.tar
pack m/src | cmp - want.tar || fail "tar does not see the same"
mkdir out/tar
tar -C m/src --xattrs --acls --sparse -cf - . |
	tar -C out/tar --xattrs --acls -xf -
same_tree src out/tar

# holes, to the byte
python3 - <<'END'
import os
def holes(path):
    fd, at, out = os.open(path, os.O_RDONLY), 0, []
    size = os.fstat(fd).st_size
    while at < size:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        end = os.lseek(fd, at, os.SEEK_HOLE)
        out.append((at, end))
        at = end
    return out
want, got = holes("src/sparse"), holes("m/src/sparse")
assert len(want) == 2 and got == want, (want, got)
END

# one file under two names, found by its number
find m/src -inum "$(stat -c %i m/src/linked)" -printf '%P\n' | sort >got
eq "$(wc -l <got)" 2 "names of one number"
has got linked
has got Maildir/new/

# every byte can be searched, every size is what the name of a mail says
grep -rh '^Body' src/Maildir | sort >want
grep -rh '^Body' m/src/Maildir | sort | cmp - want || fail "grep -r"
find m/src/Maildir -type f -printf '%s %f\n' |
	awk '{ split($2, a, /S=|:/); if (a[2] != $1) exit 1 }' ||
	fail "the size of a mail is not that of its name"
# d_type: no stat is needed to know the kind
python3 - <<'END'
import os
kinds = {e.name: (e.is_dir(follow_symlinks=False), e.is_symlink(),
                  e.is_file(follow_symlinks=False))
         for e in os.scandir("m/src")}
assert kinds == {"Maildir": (1, 0, 0), "link": (0, 1, 0), "fifo": (0, 0, 0),
                 "linked": (0, 0, 1), "sparse": (0, 0, 1)}, kinds
END

# mutt reads it, and copies all mails out
mkdir -p "$HOME/Mail"	# it asks for that
TERM=dumb timeout 20 script -qec "mutt -n -F /dev/null -R -f m/src/Maildir \
	-e 'set confirmcreate=no mbox_type=mbox confirmappend=no' \
	-e 'push \"<tag-pattern>~A<enter><tag-prefix><copy-message>\
$PWD/box<enter><exit>\"'" /dev/null </dev/null >"$OUT" 2>&1 ||
	fail "mutt: $(tail -c 400 "$OUT")"
grep '^Body' box | sort | cmp - want || fail "mutt copied something else"
unmount m
[ ! -s "$LOG" ] || fail "the log: $(cat "$LOG")"
