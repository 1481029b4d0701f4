#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 900
"""The power goes off under a real ext4: its disk is a file of a FUSE mount
under a loop device, which records writes and flushes (tests/tools/logdisk.c).
Of each recorded stretch between two flushes an image is made with all writes
before it and some of those in it, mounted, and looked at: whatever was
acknowledged before is there, the repository is sound, and the next run works.

POWERCUT_IMAGES: so many, spread over the run (short form: 10)."""
import os
import random
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

IMAGES = int(os.environ.get("POWERCUT_IMAGES", "10"))
WORK = Path.cwd()
REPO = "disk/r"


def run(*argv, check=True):
    done = subprocess.run(argv, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check and done.returncode != 0:
        print(f"{' '.join(argv)}: {done.returncode}\n{done.stdout}")
        sys.exit(1)
    return done


def can_mount():
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        return False
    return all(map(shutil.which, ("mkfs.ext4", "losetup", "e2fsck")))


class Disk:
    """The recorded one."""

    def __init__(self):
        run("truncate", "-s", "96M", "image")
        run("mkfs.ext4", "-q", "-m", "0", "image")
        shutil.copyfile("image", "first")
        os.mkdir("fuse")
        os.mkdir("disk")
        self.daemon = subprocess.Popen(["logdisk", "image", "log", "fuse"])
        for _ in range(100):
            if os.path.ismount("fuse"):
                break
            time.sleep(0.05)
        self.loop = run("losetup", "-f", "--show", "fuse/disk").stdout.strip()
        run("mount", "-o", "commit=1", self.loop, "disk")

    def close(self):
        run("umount", "disk")
        run("losetup", "-d", self.loop)
        run("umount", "fuse")
        self.daemon.wait()


def at():
    return os.path.getsize("log")


def history():
    """What was acknowledged, and when: log position, have, have not."""
    rng = random.Random(2)
    done = []
    have, gone = set(), set()

    def act(*argv, new=None, old=None):
        gone.update(old or ())
        have.difference_update(old or ())
        run("muniment", *argv)
        have.update(new or ())
        done.append((at(), set(have), set(gone)))

    os.mkdir("src")
    run("fastinit", REPO)
    done.append((at(), set(), set()))
    for n in range(4):
        for i in range(6):
            Path(f"src/f{(n + i) % 9}").write_bytes(rng.randbytes(60000))
        act("create", f"{REPO}::a{n}", "src", new=[f"a{n}"])
    act("delete", f"{REPO}::a0", old=["a0"])
    act("compact", "--threshold", "1", REPO)
    act("delete", f"{REPO}::a1", old=["a1"])
    act("create", f"{REPO}::b", "src", new=["b"])
    act("compact", "--threshold", "1", REPO)
    act("rekey", "--full", REPO)
    return done


def entries():
    """Of the log: end, offset, bytes (None: a flush)."""
    with open("log", "rb") as f:
        end = 0
        while head := f.read(12):
            off, length = struct.unpack("<QI", head)
            data = f.read(length) if length else None
            end += 12 + length
            yield end, off, data


def stretches():
    """Lists of writes, each ended by a flush that had some."""
    found, now = [], []
    for entry in entries():
        if entry[2] is not None:
            now.append(entry)
        elif now:
            found.append((entry[0], now))
            now = []
    return found


def look(position, done, started):
    """A mounted image."""
    must = [d for d in done if d[0] <= position]
    if not must:
        return
    have, gone = must[-1][1], must[-1][2]
    later = done[len(must)][2] if len(must) < len(done) else gone
    names = set(run("muniment", "list", "--short", REPO).stdout.split())
    lost = have - names - (later - gone)
    back = names & gone
    if lost or back:
        print(f"at {position}: lost {lost}, back {back}")
        sys.exit(1)
    run("muniment", "check", "--verify-data", REPO)
    if started % 3 == 0:
        run("muniment", "create", f"{REPO}::next", "src")
        run("muniment", "compact", REPO)
        run("muniment", "check", "--verify-data", REPO)


def main():
    if not can_mount():
        print("needs root, FUSE, loop devices and e2fsprogs")
        return 77
    os.environ["MUNIMENT_PASSPHRASE"] = "secret"
    try:
        disk = Disk()
    except FileNotFoundError as why:
        print(why)
        return 77
    done = history()
    disk.close()
    rng = random.Random(5)
    parts = stretches()
    first = next(i for i, p in enumerate(parts) if p[0] >= done[0][0])
    wanted = sorted(rng.sample(range(first, len(parts)),
                               min(IMAGES, len(parts) - first)))
    made = 0
    with open("first", "r+b") as image:
        for n, (_, writes) in enumerate(parts):
            if n in wanted:
                shutil.copyfile("first", "cut")
                some = [w for w in writes if rng.random() < rng.choice(
                    (0, 0.3, 0.7, 1))]
                with open("cut", "r+b") as cut:
                    for _, off, data in some:
                        cut.seek(off)
                        cut.write(data if rng.random() < 0.9 else
                                  data[:len(data) // 1024 * 512])
                os.environ["MUNIMENT_CONFIG_DIR"] = str(WORK / f"c{made}")
                run("mount", "-o", "loop", "cut", "disk")
                # So much was flushed when this stretch began.
                look(writes[0][0] - 12 - len(writes[0][2]), done, made)
                run("umount", "disk")
                made += 1
            for _, off, data in writes:
                image.seek(off)
                image.write(data)
            image.flush()
    print(f"{len(parts)} flushes, {made} images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
