#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real processes on one repository, MUNIMENT_REPO, which is there and empty:
writers, a collector, deletions and their undoing, a checker, a mount, any of
them stopped for a while or killed.  Whatever was acknowledged and not deleted
is there at the end, is what it was, and nothing had to be done by hand.

usage: tests/collect.py SECONDS [WRITERS]      in a folder of its own

The writers have the same files, and most archives live for a second or two: so
what a backup finds listed is often just being collected, or was put by one that
is about to be killed.  Each writer has a cache of file states per large file,
as there are machines that were away for a while: it knows a file whose content
the repository has lost since.

COLLECT_MOUNT=0: no mount.  COLLECT_KILL: the chance that a backup is killed
(0.1).  COLLECT_LARGE: so many large files (3).  COLLECT_COMMITS: so many at
least, or it fails.  COLLECT_OPTIONS: for every command.  It ends early when
something is wrong."""
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

SECONDS = float(sys.argv[1])
WRITERS = int(sys.argv[2]) if len(sys.argv) > 2 else 4
KILL = float(os.environ.get("COLLECT_KILL", "0.1"))
OPTIONS = os.environ.get("COLLECT_OPTIONS", "").split()
FOLDERS, SMALL, LARGE_BYTES = 24, 12, 6 << 20
LARGE = int(os.environ.get("COLLECT_LARGE", "3"))
MOUNT = Path("m")
# Processes are stopped after so long, at random: what they took lately.
usual = {}
wrong, acknowledged, deleted, touched = [], {}, set(), set()
counts = {"killed": 0, "stopped": 0, "fenced": 0, "undeleted": 0,
          "compacted": 0, "packs removed": 0, "checked": 0, "read": 0}
lock = threading.Lock()
sums = {}           # of each file of the pool
begun = time.monotonic()


def going():
    return time.monotonic() < begun + SECONDS and not wrong


def count(what, n=1):
    with lock:
        counts[what] += n


def say_wrong(what, text):
    with lock:
        at = time.monotonic() - begun
        wrong.append(f"after {at:.0f} s, {what}: {text.strip()[-600:]}")


def run(args, rng, kill=0.0, stop=0.0, folder=".", env=None):
    """None: it was killed; else its status, and what it said."""
    with subprocess.Popen(["muniment", *OPTIONS, *args], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **(env or {})}, text=True,
                          errors="replace") as child:
        dice, killed, at = rng.random(), False, time.monotonic()
        if dice < kill + stop:
            time.sleep(rng.random() * usual.get(args[0], 0.3))
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
        if dice >= kill + stop:
            took = time.monotonic() - at
            usual[args[0]] = 0.9 * usual.get(args[0], took) + 0.1 * took
    return (None, out) if killed else (child.returncode, out)


def names(rng):
    status, out = run(["list", "--short"], rng)
    if status != 0:
        say_wrong("list", out)
    return out.split() if status == 0 else []


def make_pool(rng):
    """Folders of small files, some that a node of its own lists, and large
    files of as many pieces as need a list; two seconds old, if there is time,
    so that caches believe what they see."""
    pool = Path("w0/pool")
    for n in range(FOLDERS):
        (pool / f"d{n}").mkdir(parents=True)
        for k in range(SMALL if n % 3 == 0 else 1 + n % 3):
            (pool / f"d{n}/file{k}").write_bytes(
                rng.randbytes(600 + 900 * ((n + k) % 9)))
    for n in range(LARGE):
        (pool / f"l{n}").mkdir()
        words = [rng.randbytes(24).hex().encode() for _ in range(512)]
        (pool / f"l{n}/large").write_bytes(
            b"\n".join(rng.choices(words, k=LARGE_BYTES // 49)))
    for path in pool.rglob("*"):
        if path.is_file():
            sums[str(path.relative_to("w0"))] = hashlib.sha256(
                path.read_bytes()).hexdigest()
    for who in range(1, WRITERS):
        shutil.copytree(pool, f"w{who}/pool")
    if SECONDS > 10:
        time.sleep(2.1)


def writer(who):
    rng, n = random.Random(who), 0
    while going():
        n += 1
        name, large = f"w{who}-{n}", rng.randrange(LARGE + 1)
        paths = [f"pool/d{k}" for k in rng.sample(range(FOLDERS), 2)]
        if large < LARGE:
            paths.append(f"pool/l{large}")
        status, out = run(["create", f"::{name}", *paths], rng, KILL, 0.1,
                          f"w{who}", {"MUNIMENT_CACHE_DIR": os.path.abspath(
                              f"cache/{who}.{large}")})
        if status == 0:
            with lock:
                acknowledged[name] = {
                    f: s for f, s in sums.items()
                    if os.path.dirname(f) in paths}
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
                          0.1, 0.2)
        if status == 0:
            count("compacted")
            found = re.search(r"(\d+) packs removed", out)
            count("packs removed", int(found[1]) if found else 0)
        elif status is not None:
            say_wrong("compact", out)
        if n % 7 == 0:
            run(["break-lock"], rng)


def delete(rng, some):
    with lock:
        deleted.update(some)
        touched.update(some)
    run(["delete", "::" + some[0], *some[1:]], rng, 0.1, 0.1)


def undelete(rng, name):
    """What a collection was faster with stays deleted."""
    status, _ = run(["undelete", f"::{name}"], rng, 0.1, 0.1)
    if status == 0:
        count("undeleted")
        with lock:
            deleted.discard(name)


def pruner():
    rng = random.Random(200)
    while going():
        time.sleep(rng.random() * 3)
        have = names(rng)
        if not have:
            continue
        some = have if rng.random() < 0.5 else \
            rng.sample(have, (len(have) + 1) // 2)
        delete(rng, some)
        if rng.random() < 0.3:
            undelete(rng, rng.choice(some))


def checker():
    rng = random.Random(300)
    while going():
        time.sleep(rng.random())
        if rng.random() < 0.2:
            status, out = run(["check"], rng, 0.1, 0.1)
            if status:
                say_wrong("check", out)
        have = [n for n in names(rng) if n not in touched]
        if not have:
            continue
        name = rng.choice(have[-8:])
        status, out = run(["extract", "--dry-run", f"::{name}"], rng, 0, 0.1)
        if status == 0:
            count("checked")
        elif name not in touched:
            say_wrong(f"extract {name}", out)


def read_mount(rng):
    """What is listed can be read, unless it was deleted before it was."""
    name = None
    try:
        have = [n for n in os.listdir(MOUNT) if n in acknowledged]
        name = rng.choice(have) if have else None
        for file, value in acknowledged.get(name, {}).items():
            data = (MOUNT / name / file).read_bytes()
            if hashlib.sha256(data).hexdigest() != value:
                say_wrong("mount", f"{name}: {file} is something else")
            count("read")
    except FileNotFoundError:
        if name not in touched:
            say_wrong("mount", f"{name} is not there")
    except OSError as why:
        if why.errno != 107 and name not in touched:    # not connected
            say_wrong("mount", f"{name}: {why}")


def mounter():
    rng = random.Random(400)
    while going():
        with subprocess.Popen(["muniment", *OPTIONS, "mount", "-f",
                               str(MOUNT)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as child:
            until = time.monotonic() + 2 + rng.random() * 4
            while not os.path.ismount(MOUNT) and child.poll() is None:
                time.sleep(0.05)
            while going() and time.monotonic() < until:
                read_mount(rng)
                time.sleep(0.25)
            if rng.random() < 0.5:
                child.kill()
                count("killed")
            subprocess.run(["umount", "-l", str(MOUNT)], check=False,
                           stderr=subprocess.DEVNULL)
            child.wait()


def compare(name, rng):
    """An archive, extracted, against what was saved."""
    out = Path("out")
    out.mkdir()
    status, text = run(["extract", "--destination", str(out), f"::{name}"],
                       rng)
    if status != 0:
        say_wrong(f"extract {name}", text)
        return
    for file, value in acknowledged[name].items():
        data = (out / file).read_bytes()
        if hashlib.sha256(data).hexdigest() != value:
            say_wrong(name, f"{file} is something else")
    shutil.rmtree(out)


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
    for name in rng.sample(left, min(len(left), 30, 2 * int(SECONDS))):
        if not wrong:
            compare(name, rng)
    least = int(os.environ.get("COLLECT_COMMITS", "0"))
    if not wrong and len(acknowledged) < least:
        say_wrong("commits", f"{len(acknowledged)}, not {least}")


def main():
    global begun
    make_pool(random.Random(1))
    MOUNT.mkdir()
    begun = time.monotonic()
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
    took = time.monotonic() - begun
    if not wrong:
        last_look()
    print(f"{len(acknowledged)} commits in {took:.0f} s, {len(deleted)} "
          f"deleted, {counts}")
    for what in wrong[:5]:
        print("WRONG", what)
    if wrong:
        print(f"{len(wrong)} findings", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
