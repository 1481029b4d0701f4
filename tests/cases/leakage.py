#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
"""Who has the packs and no key tries to find where objects begin: by the bytes
around the borders (which the test knows), by bytes that come again, by how
well they compress, by distances that come again, by the sizes of the files.

And the tests can find something: each is tried on a pack with a byte of
every object's beginning changed, too."""
import math
import os
import random
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "reader"))
from reader import Repository, need     # noqa: E402

PASSPHRASE = b"secret"
FILES = 4000
HEADER = 256            # it says which repository this is, and who wrote it
AROUND = 24
SIGMAS = 6


def make_mails(folder):
    """Much alike, as letters are: headers that all have, the same bodies."""
    rng = random.Random(3)
    folder.mkdir(parents=True)
    bodies = [rng.randbytes(200).hex() for _ in range(20)]
    for n in range(FILES):
        (folder / f"{1795380469 + n}.M{n}.host,S=1:2,S").write_text(
            "Return-Path: <someone@example.org>\r\n"
            f"Subject: number {n}\r\n\r\n" + rng.choice(bodies) * 3 +
            rng.randbytes(rng.randrange(400)).hex())


def unlike(counts, total, kinds):
    """By how many standard deviations chi-square is from what chance gives."""
    mean = total / kinds
    chi = sum((counts.get(k, 0) - mean) ** 2 / mean for k in range(kinds))
    return abs(chi - (kinds - 1)) / math.sqrt(2 * (kinds - 1))


def look(packs, borders):
    """What is odd, in words."""
    odd = []
    for k in range(-AROUND, AROUND):
        seen = Counter(packs[p][at + k] for p, at in borders)
        by = unlike(seen, len(borders), 256)
        if by > SIGMAS:
            odd.append(f"bytes at {k} from a border ({by:.1f} sigmas)")
        pairs = Counter(packs[p][at + k] ^ packs[p][at + k + 1]
                        for p, at in borders)
        if unlike(pairs, len(borders), 256) > SIGMAS:
            odd.append(f"neighbours at {k} from a border")
    windows, again = set(), 0
    for p, data in packs.items():
        for at in range(HEADER, len(data) - 8):
            if at % 4 == 0 or (p, at) in borders:
                if data[at:at + 8] in windows:
                    again += 1
                windows.add(data[at:at + 8])
    if again:
        odd.append(f"{again} sequences of 8 bytes come again")
    for p, data in packs.items():
        if len(zlib.compress(data, 9)) < len(data):
            odd.append(f"{p} can be compressed")
        if unlike(Counter(data), len(data), 256) > SIGMAS:
            odd.append(f"{p} is not like chance")
    return odd


def main():
    os.environ["MUNIMENT_PASSPHRASE"] = PASSPHRASE.decode()
    make_mails(Path("tree/cur"))
    for argv in (["fastinit", "repo"],
                 ["muniment", "create", "repo::one", "tree"]):
        subprocess.run(argv, check=True)
    repo = Repository("repo", PASSPHRASE)
    repo.read_packs()
    packs = {str(p): p.read_bytes()
             for p in {row[0] for row in repo.packs.values()}}
    borders = {(str(row[0]), row[1]) for row in repo.packs.values()}
    borders = {(p, at) for p, at in borders
               if AROUND < at < len(packs[p]) - AROUND - 1}
    print(f"{len(packs)} packs, {sum(map(len, packs.values()))} bytes, "
          f"{len(borders)} borders")
    need(len(borders) > FILES // 2, "too few objects")
    odd = look(packs, borders)
    print("\n".join(odd))
    marked = {p: bytearray(data) for p, data in packs.items()}
    for p, at in borders:
        marked[p][at] &= 0xfe
    found = look({p: bytes(d) for p, d in marked.items()}, borders)
    need(found, "a bit that is always 0 was not found")
    print("with a mark:", found[0])
    sizes = {len(d) for d in packs.values()}
    for n in sizes:         # Padme: few sizes there are
        e = n.bit_length() - 1
        need(n == 4096 or n % (1 << (e - e.bit_length())) == 0, "a size")
    return 1 if odd else 0


if __name__ == "__main__":
    sys.exit(main())
