#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real processes on one repository, MUNIMENT_REPO, which is there and empty:
writers, a collector, deletions, a checker, a mount, any of them stopped for a
while or killed.  Whatever was acknowledged and not deleted is there at the
end, is what it was, and nothing had to be done by hand.

usage: tests/collect.py SECONDS [WRITERS]      in a folder of its own

COLLECT_MOUNT=0: no mount.  COLLECT_STOP: the chance that a collection is
stopped for a while (0.2).  It ends early when something is wrong."""
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

SECONDS = float(sys.argv[1])
WRITERS = int(sys.argv[2]) if len(sys.argv) > 2 else 4
FILES, POOL, MOUNT = 6, 40, Path("m")
end = time.monotonic() + SECONDS
wrong, acknowledged, deleted = [], {}, set()
counts = {"killed": 0, "stopped": 0, "fenced": 0,
          "compacted": 0, "packs removed": 0, "checked": 0, "read": 0}
lock = threading.Lock()


def going():
    return time.monotonic() < end and not wrong


def count(what):
    with lock:
        counts[what] += 1


def say_wrong(what, text):
    with lock:
        wrong.append(f"{what}: {text.strip()}")


def run(args, rng, kill=0.0, stop=0.0):
    """None: it was killed; else its status, and what it said."""
    with subprocess.Popen(["muniment", *args], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as child:
        dice, killed = rng.random(), False
        if dice < kill + stop:
            time.sleep(rng.random() * 0.4)
            if child.poll() is None and dice < kill:
                child.kill()
                killed = True
                count("killed")
            elif child.poll() is None:
                child.send_signal(signal.SIGSTOP)
                time.sleep(rng.random() * 1.5)
                child.send_signal(signal.SIGCONT)
                count("stopped")
        out = child.communicate()[0]
    return (None, out) if killed else (child.returncode, out)


def names(rng):
    status, out = run(["list", "--short"], rng)
    if status != 0:
        say_wrong("list", out)
    return out.split() if status == 0 else []


def make_source(folder, rng):
    """A few files that others have, too, and now and then one of its own."""
    for old in folder.iterdir():
        old.unlink()
    for n in rng.sample(range(POOL), FILES):
        os.link(f"pool/{n}", folder / f"file{n}")
    if rng.random() < 0.5:
        (folder / "own").write_bytes(rng.randbytes(20000))
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest()
            for f in folder.iterdir()}


def writer(who):
    rng, folder, n = random.Random(who), Path(f"src{who}"), 0
    folder.mkdir()
    while going():
        n += 1
        sums, name = make_source(folder, rng), f"w{who}-{n}"
        status, out = run(["create", f"::{name}", str(folder)], rng, 0.1, 0.1)
        if status == 0:
            with lock:
                acknowledged[name] = (str(folder), sums)
        elif status is not None and "fenced" in out:
            count("fenced")
        elif status is not None:
            say_wrong(f"create {name}", out)


def collector():
    rng, n = random.Random(100), 0
    while going():
        n += 1
        wait = ["--no-wait"] if n % 4 == 0 else ["--wait", "20"]
        status, out = run(["compact", "-v", "--threshold", "1", *wait], rng,
                          0.1, float(os.environ.get("COLLECT_STOP", "0.2")))
        if status == 0:
            count("compacted")
            found = re.search(r"(\d+) packs removed", out)
            with lock:
                counts["packs removed"] += int(found[1]) if found else 0
        elif status is not None:
            say_wrong("compact", out)
        if n % 7 == 0:
            run(["break-lock"], rng)


def pruner():
    rng = random.Random(200)
    while going():
        time.sleep(rng.random() * 0.4)
        have = names(rng)
        for name in rng.sample(have, min(len(have), 3)):
            with lock:
                deleted.add(name)
            run(["delete", f"::{name}"], rng, 0.1, 0.1)


def checker():
    rng = random.Random(300)
    while going():
        have = [n for n in names(rng) if n not in deleted]
        if not have:
            continue
        name = rng.choice(have)
        status, out = run(["extract", "--dry-run", f"::{name}"], rng, 0, 0.1)
        if status == 0:
            count("checked")
        elif name not in deleted:
            say_wrong(f"extract {name}", out)


def read_mount(rng):
    """What is listed can be read, unless it was deleted before it was."""
    try:
        have = [n for n in os.listdir(MOUNT) if n in acknowledged]
        name = rng.choice(have) if have else None
        folder, sums = acknowledged.get(name, (None, {}))
        for file, value in sums.items():
            data = (MOUNT / name / folder / file).read_bytes()
            if hashlib.sha256(data).hexdigest() != value:
                say_wrong("mount", f"{name}: {file} is something else")
            count("read")
    except FileNotFoundError:
        if name not in deleted:
            say_wrong("mount", f"{name} is not there")
    except OSError as why:
        if why.errno != 107 and name not in deleted:    # not connected
            say_wrong("mount", f"{name}: {why}")


def mounter():
    rng = random.Random(400)
    while going():
        with subprocess.Popen(["muniment", "mount", "-f", str(MOUNT)],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as child:
            until = time.monotonic() + 2 + rng.random() * 4
            while not os.path.ismount(MOUNT) and child.poll() is None:
                time.sleep(0.05)
            while going() and time.monotonic() < until:
                read_mount(rng)
            if rng.random() < 0.5:
                child.kill()
                count("killed")
            subprocess.run(["umount", "-l", str(MOUNT)], check=False,
                           stderr=subprocess.DEVNULL)
            child.wait()


def last_look():
    rng = random.Random(500)
    for args in (["compact", "--no-wait"], ["check", "--verify-data"]):
        status, out = run(args, rng)
        if status != 0:
            say_wrong(" ".join(args), out)
    have = set(names(rng))
    for name in sorted(set(acknowledged) - deleted - have):
        say_wrong(name, "it was acknowledged, and is gone")
    left = sorted(have & set(acknowledged))
    for name in rng.sample(left, min(len(left), 30)):
        folder, sums = acknowledged[name]
        out = Path("out")
        out.mkdir()
        status, text = run(["extract", "--destination", str(out),
                            f"::{name}"], rng)
        if status != 0:
            say_wrong(f"extract {name}", text)
            continue
        for file, value in sums.items():
            data = (out / folder / file).read_bytes()
            if hashlib.sha256(data).hexdigest() != value:
                say_wrong(name, f"{file} is something else")
        subprocess.run(["rm", "-r", str(out)], check=True)


def main():
    rng = random.Random(1)
    Path("pool").mkdir()
    MOUNT.mkdir()
    for n in range(POOL):
        Path(f"pool/{n}").write_bytes(rng.randbytes(3000 * (1 + n % 9)))
    actors = [threading.Thread(target=writer, args=(n,))
              for n in range(WRITERS)]
    actors += [threading.Thread(target=f)
               for f in (collector, pruner, checker)]
    if os.environ.get("COLLECT_MOUNT", "1") != "0":
        actors.append(threading.Thread(target=mounter))
    for a in actors:
        a.start()
    for a in actors:
        a.join()
    if not wrong:
        last_look()
    print(f"{len(acknowledged)} commits, {len(deleted)} deleted, {counts}")
    for what in wrong[:5]:
        print("WRONG", what)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
