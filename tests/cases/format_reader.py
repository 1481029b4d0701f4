#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
"""A reader that was written from muniment-format(5) alone, and shares no code
with the program (tests/reader), gets everything back that went into a
repository; every form it meets is the one that the page allows: padding,
checksums, index.  And it restores the golden repository of tests/format, which
today's program reads, too."""
import ctypes
import ctypes.util
import os
import random
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "reader"))
from reader import (Bytes, Damage, H, N, Repository, need,   # noqa: E402
                    open_aead)

MUNIMENT = str(Path(os.environ["BUILD"]).resolve() / "muniment")
PASSPHRASE = b"a reader's passphrase"
ULL = ctypes.c_ulonglong


def library(name):
    found = ctypes.util.find_library(name)
    if not found:
        print(f"lib{name} is not installed")
        sys.exit(77)
    return ctypes.CDLL(found)


class XXH128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


sodium, xxhash = library("sodium"), library("xxhash")
xxhash.XXH3_128bits.restype = XXH128


def stream(key, length):
    out = ctypes.create_string_buffer(max(length, 1))
    sodium.crypto_stream_chacha20(out, ULL(length), bytes(8), key)
    return out.raw[:length]


def xxh3(data):
    h = xxhash.XXH3_128bits(data, ctypes.c_size_t(len(data)))
    return struct.pack(">QQ", h.high, h.low)


def padme(n):
    if n <= 4096:
        return 4096
    e = n.bit_length() - 1
    mask = (1 << (e - e.bit_length())) - 1
    return (n + mask) & ~mask


class Checked(Repository):
    """With what a reader need not look at."""

    def __init__(self, path, passphrase):
        self.index = {}
        super().__init__(path, passphrase)

    def open_header(self, data, kind, name):
        need(xxh3(data[256:]) == data[176:192], "checksum")
        return super().open_header(data, kind, name)

    def check_end(self, data, end):
        need(len(data) == padme(end), "Padme")
        need(data[end:] == stream(H(self.k_loc, b"padding " + data[80:112]),
                                  len(data) - end), "padding")

    def check_pack(self, data, end, name, objects):
        self.check_end(data, end)
        self.index[bytes.fromhex(name)] = objects

    def read_segments(self):
        """Every entry must be what the packs say."""
        entries = 0
        for path in (self.path / "index").iterdir():
            kind, generation, tier, name = path.name.split("-")
            data = path.read_bytes()
            key, ad, counts = self.open_header(data, b"I", name)
            n, length = struct.unpack("<II", counts)
            front = open_aead(key, N(1), ad, data[256:256 + length + 16])
            at, plain = 256 + length + 16, b""
            for i in range((n + 2047) // 2048):
                size = min(2048, n - i * 2048) * 32 + 16
                plain += open_aead(key, N(2 + i), ad, data[at:at + size])
                at += size
            self.check_end(data, at)
            need(data[80:112] == H(
                self.k_loc, b"segmsalt" + counts + H(self.k_loc, plain) +
                front), "salt")
            r = Bytes(front)
            need("?sb"[r.u8()] == kind and r.u8() == int(tier, 16), "name")
            sessions = r.le(2)
            need(r.le(4) == int(generation, 16), "name")
            blocks = r.le(4)
            packs = []
            for _ in range(r.le(4)):
                packs.append(r.take(32))
                r.take(5)
                r.zero(3)
            r.take(sessions * 104)
            fence = r.take((n + 2047) // 2048 * 8)
            filter_bits = r.take(blocks * 64)
            need(not r.left() and blocks == -(-n * 12 // 512), "front")
            entries += self.check_entries(plain, packs, fence, filter_bits)
        return entries

    def check_entries(self, plain, packs, fence, filter_bits):
        blocks, last = len(filter_bits) // 64, b""
        for i in range(0, len(plain), 32):
            p = plain[i:i + 32]
            need(last < p[:16], "order")
            last = p[:16]
            pack, off = packs[int.from_bytes(p[16:19], "little")], p[21:25]
            need(self.index[pack][p[:16]] == (
                int.from_bytes(off, "little"), p[31] >> 4, p[31] & 15,
                int.from_bytes(p[25:28], "little") + 17,
                int.from_bytes(p[28:31], "little") + 1), "entry")
            if i % 65536 == 0:
                need(fence[i // 65536 * 8:][:8] == p[:8], "fence")
            h1, h2 = struct.unpack("<QQ", p[:16])
            at = ((h1 >> 32) * blocks >> 32) * 64
            for bit in [h2 >> 9 * k & 511 for k in range(7)] + [h1 & 511]:
                need(filter_bits[at + bit // 8] >> bit % 8 & 1, "filter")
        return len(plain) // 32


# A tree with one of everything, and the comparison.

def make_tree(top):
    rng = random.Random(1)
    box = top / "Maildir" / "cur"
    box.mkdir(parents=True)
    t = 1795380469
    for _ in range(700):
        t += rng.randrange(900)
        size = rng.randrange(20, 4000)
        name = (f"{t}.M{rng.randrange(10**6)}P{rng.randrange(100, 32768)}"
                f".3a2f1b4c5d6e,S={size},W={size + 9}:2,{'RS'[:1 + t % 2]}")
        (box / name).write_bytes(rng.randbytes(size // 2) * 2)
        os.utime(box / name, ns=(0, t * 10**9 + rng.randrange(10**9)))
    odd = top / "odd"
    odd.mkdir(mode=0o1750)
    for name in (b"0001", b"0002", b"10", b"9", b"a" * 255, b"\xff\x01 x",
                 b"12a", b"v1.22.333", b"x" + b".77" * 20):
        (Path(os.fsdecode(os.fsencode(odd) + b"/" + name))).write_bytes(name)
    (odd / "empty").touch()
    (odd / "link").symlink_to("../nowhere")
    os.link(odd / "9", odd / "9-again")
    os.mkfifo(odd / "fifo", 0o640)
    with socket.socket(socket.AF_UNIX) as s:
        os.chdir(odd)
        s.bind("socket")
    os.utime(odd / "10", ns=(0, -1500000000))
    for name in (odd / "12a", odd):
        try:
            os.setxattr(name, "user.one", b"\0\1")
            os.setxattr(name, "user.two", b"")
        except OSError:
            pass
    big = top / "big"
    big.mkdir()
    (big / "object").write_bytes(rng.randbytes(400000))
    (big / "pieces").write_bytes(rng.randbytes(3 << 20))
    (big / "list").write_bytes(rng.randbytes(80 << 20))
    with open(big / "sparse", "wb") as f:
        f.seek(5 << 20)
        f.write(b"end")
        f.truncate(9 << 20)
    for n in range(40):
        deep = top / "small" / str(n) / "a" / "b"
        deep.mkdir(parents=True)
        (deep / "file").write_text(str(n))


def compare(repo, path, e, seen):
    st = os.lstat(path)
    need(st.st_mode == e["mode"], "mode")
    need((st.st_uid, st.st_gid) == (e["uid"], e["gid"]), "owner")
    need(e["flags"] == 0 and st.st_mtime_ns == e["mtime"], "mtime")
    if not stat.S_ISLNK(st.st_mode):
        want = {os.fsencode(x): os.getxattr(path, x)
                for x in os.listxattr(path)}
        need(e.get("xattrs", {}) == want, "attributes")
    if stat.S_ISLNK(st.st_mode):
        need(os.readlink(path) == e["target"], "target")
    if not stat.S_ISDIR(st.st_mode):
        need(e["links"] == st.st_nlink, "links")
        need((e["group"] != 0) == (st.st_nlink > 1), "group")
    if stat.S_ISREG(st.st_mode):
        need(e["size"] == st.st_size, "size")
        with open(path, "rb") as f:
            need(f.read() == repo.content(e), "content")
        seen[e["kind"]] = seen.get(e["kind"], 0) + 1
        return 1, st.st_size
    if not stat.S_ISDIR(st.st_mode):
        return 1, 0
    return compare_dir(repo, path, e["dir"] + tuple(e["ids"]), seen)


def compare_dir(repo, path, ref, seen):
    entries = repo.entries(ref)
    need([e["name"] for e in entries] == sorted(os.listdir(path)), "listing")
    files = size = 0
    for e in entries:
        here = path + b"/" + e["name"]
        try:
            more = compare(repo, here, e, seen)
        except Damage as why:
            raise Damage(f"{os.fsdecode(here)}: {why}") from why
        files, size = files + more[0], size + more[1]
    need(ref[1] == (len(entries), files, size), f"counts of {path}")
    seen["dir", ref[0]] = seen.get(("dir", ref[0]), 0) + 1
    return files, size


def golden(work):
    """Made by an earlier program; neither it nor the list ever changes."""
    tar = TOP / "format" / "golden.tar.xz"
    sums = (TOP / "format" / "golden.sums").read_text()
    subprocess.run(["tar", "-xJf", str(tar), "-C", str(work)], check=True)
    subprocess.run([str(TOP / "reader" / "reader.py"), "golden", "golden",
                    "by-reader"], input=PASSPHRASE + b"\n", check=True)
    (work / "by-program").mkdir()
    subprocess.run([MUNIMENT, "extract", "--destination", "by-program",
                    "golden::golden"], check=True)
    subprocess.run([MUNIMENT, "check", "--verify-data", "golden"], check=True)
    for where in ("by-reader", "by-program"):
        have = subprocess.run(
            ["treesum", "-RO", f"{where}/golden-tree"], check=True,
            text=True, stdout=subprocess.PIPE).stdout
        if have != sums:
            Path("have").write_text(have)
            subprocess.run(["diff", str(TOP / "format" / "golden.sums"),
                            "have"], check=False)
            raise Damage(f"{where}: not the golden tree")


def main():
    work = Path.cwd()
    os.environ["MUNIMENT_PASSPHRASE"] = PASSPHRASE.decode()
    make_tree(work / "tree")
    os.chdir(work)
    for argv in (["init", "-e", "repokey", "repo"],
                 ["create", "--comment", "for the reader", "repo::one",
                  "tree"]):
        subprocess.run([MUNIMENT, *argv], check=True)
    repo = Checked("repo", PASSPHRASE)
    repo.read_packs()
    entries = repo.read_segments()
    path, = (repo.path / "archives").iterdir()
    rec = repo.record(path)
    need(rec["name"] == b"one" and rec["comment"] == b"for the reader" and
         not rec["warnings"], "record")
    need(rec["no_xattrs"] == (not os.listxattr("tree/odd")), "flags")
    top, = repo.entries(rec["root"])
    need(top["name"] == b"tree", "root")
    seen = {}
    compare(repo, os.fsencode(work / "tree"), top, seen)
    golden(work)
    print(f"{len(repo.packs)} objects, {entries} in the index, {seen}")
    need(entries >= len(repo.packs), "objects that the index does not have")
    for kind in (0, 1, 2, 3, 4, ("dir", 1), ("dir", 2)):
        need(kind in seen, f"the tree has no content of kind {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
