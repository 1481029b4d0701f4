#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
"""A reader that was written from muniment-format(5) alone, and shares no code
with the program, gets everything back that went into a repository; it also
checks that every form it meets is the one that the page allows."""
import ctypes
import ctypes.util
import hashlib
import os
import random
import socket
import stat
import struct
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

MUNIMENT = str(Path(os.environ["BUILD"]).resolve() / "muniment")
PASSPHRASE = b"a reader's passphrase"
ZERO = bytes(32)


def library(name):
    found = ctypes.util.find_library(name)
    if not found:
        print(f"lib{name} is not installed")
        sys.exit(77)
    return ctypes.CDLL(found)


sodium, zstd = library("sodium"), library("zstd")
xxhash = library("xxhash")
zstd.ZSTD_decompress.restype = ctypes.c_size_t
ULL = ctypes.c_ulonglong


class XXH128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


xxhash.XXH3_128bits.restype = XXH128


class Damage(Exception):
    pass


def need(truth, what):
    if not truth:
        raise Damage(what)


# Primitives, as the page's Notation has them.

def H(key, data):
    return hashlib.blake2b(data, digest_size=32, key=key or b"").digest()


def KDF(key, n, context):
    return hashlib.blake2b(
        b"", digest_size=32, key=key, salt=struct.pack("<Q", n) + bytes(8),
        person=context + bytes(8)).digest()


def N(i):
    return struct.pack("<Q", i) + bytes(16)


def open_aead(key, nonce, ad, sealed):
    need(len(sealed) >= 16, "too short to be sealed")
    out = ctypes.create_string_buffer(max(len(sealed) - 16, 1))
    rc = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        out, None, None, sealed, ULL(len(sealed)), ad, ULL(len(ad)), nonce,
        key)
    need(rc == 0, "does not open")
    return out.raw[:len(sealed) - 16]


def stream(key, length):
    out = ctypes.create_string_buffer(max(length, 1))
    sodium.crypto_stream_chacha20(out, ULL(length), bytes(8), key)
    return out.raw[:length]


def check_signature(signature, public, message):
    need(sodium.crypto_sign_verify_detached(
        signature, message, ULL(len(message)), public) == 0, "signature")


def xxh3(data):
    h = xxhash.XXH3_128bits(data, ctypes.c_size_t(len(data)))
    return struct.pack(">QQ", h.high, h.low)


def padme(n):
    if n <= 4096:
        return 4096
    e = n.bit_length() - 1
    mask = (1 << (e - e.bit_length())) - 1
    return (n + mask) & ~mask


class Bytes:
    """A cursor."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "too short")
        self.at += n
        return self.data[self.at - n:self.at]

    def left(self):
        return len(self.data) - self.at

    def le(self, n):
        return int.from_bytes(self.take(n), "little")

    def u8(self):
        return self.le(1)

    def zero(self, n):
        need(not any(self.take(n)), "not zero")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 127) << shift
            if byte < 128:
                need(byte or not shift, "long varint")
                need(value < 1 << 64, "large varint")
                return value
            shift += 7

    def zigzag(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def text(self):
        return self.take(self.varint())

    def texts(self):
        return [self.text() for _ in range(self.varint())]


def prefix(data, kind):
    need(data[:8] == b"\x89MU" + kind + b"\r\n\x1a\n", "magic")
    need(data[8:12] == b"\0\0\1\0" and not any(data[24:32]), "version")
    need(not any(data[12:16]), "features")


class Repository:
    def __init__(self, path):
        self.path = Path(path)
        self.secrets, self.packs, self.index = {}, {}, {}
        data = (self.path / "REPOSITORY").read_bytes()
        prefix(data, b"R")
        need(len(data) == 256 and data[224:] == H(None, data[:224]), "hash")
        need(data[57:60] == b"\1\1\0" and not any(data[72:224]), "choices")
        need(struct.unpack("<III", data[60:72]) ==
             (524288, 1048576, 8388608), "chunks")
        self.id = data[32:48]
        slot, = (self.path / "keys").iterdir()
        self.open_bundle(self.open_slot(slot.read_bytes()))

    def open_slot(self, data):
        prefix(data, b"K")
        need(len(data) == 720 and data[32:48] == self.id, "slot")
        kind, _, self.rights, passes, kib = struct.unpack("<BBHII",
                                                          data[48:60])
        need(kind == 1 and not data[49] and not any(data[60:64]), "slot")
        salt = hashlib.blake2b(data[104:136], digest_size=16).digest()
        out = ctypes.create_string_buffer(32)
        need(sodium.crypto_pwhash(
            out, ULL(32), PASSPHRASE, ULL(len(PASSPHRASE)), salt,
            ULL(passes), ctypes.c_size_t(kib * 1024), 2) == 0, "Argon2id")
        secret = out.raw
        need(data[688:] == H(KDF(secret, 2, b"slotwrap"), data[:688]),
             "commitment")
        return open_aead(KDF(secret, 1, b"slotwrap"), data[136:160],
                         data[:160], data[160:688])

    def open_bundle(self, data):
        rights, epoch = struct.unpack("<II", data[:8])
        need(rights == self.rights == 7 and epoch == 1, "rights")
        root, self.psk, public, _, master = (
            data[i:i + 32] for i in range(8, 168, 32))
        need(not any(data[168:]), "older masters")
        self.k_id = {t: KDF(root, t, b"objectid") for t in (1, 2, 3)}
        self.k_tree = KDF(root, 1, b"tree    ")
        self.k_loc = KDF(root, 1, b"location")
        seed = KDF(master, 1, b"x25519  ")
        self.box_secret = hashlib.sha512(seed).digest()[:32]
        out = ctypes.create_string_buffer(32)
        sodium.crypto_scalarmult_base(out, self.box_secret)
        need(out.raw == public, "box pair")
        self.box_public = public

    def session(self, r):
        """Keys of a session entry: content, nonce."""
        sid, epoch = r.take(16), r.le(4)
        r.take(1)
        r.zero(3)
        sealed = r.take(80)
        need(epoch == 1, "epoch")
        if sid not in self.secrets:
            out = ctypes.create_string_buffer(32)
            need(sodium.crypto_box_seal_open(
                out, sealed, ULL(80), self.box_public, self.box_secret) == 0,
                "session")
            self.secrets[sid] = tuple(
                H(self.psk, out.raw + sid + name)
                for name in (b"content ", b"nonce   "))
        return self.secrets[sid]

    def open_header(self, data, kind, name):
        """The file's key, its associated data, counts."""
        prefix(data, kind)
        need(H(None, data[:256]).hex() == name, "name")
        need(data[32:48] == self.id, "repository")
        check_signature(data[192:256], data[48:80], data[:192])
        need(int.from_bytes(data[168:176], "little") == len(data), "size")
        need(xxh3(data[256:]) == data[176:192], "checksum")
        salt, ad = data[80:112], data[32:112]
        label = b"packtabl" if kind == b"P" else b"segmentk"
        key = H(self.k_loc, label + salt)
        return key, ad, open_aead(key, N(0), ad, data[112:136])

    def check_end(self, data, end):
        need(len(data) == padme(end), "Padme")
        need(data[end:] == stream(H(self.k_loc, b"padding " + data[80:112]),
                                  len(data) - end), "padding")

    def read_packs(self):
        for path in [*self.path.glob("data/*/*"), *self.path.glob("meta/*/*")]:
            need(path.name[:2] == path.parent.name, "place")
            self.read_pack(path, path.parts[-3] == "meta")

    def read_pack(self, path, meta):
        data = path.read_bytes()
        key, ad, counts = self.open_header(data, b"P", path.name)
        n, sessions, kind, zero = struct.unpack("<IHBB", counts)
        need(kind == 1 + meta and zero == 0, "kind")
        end = 256 + sessions * 104 + n * 44 + 16
        need(H(None, data[256:end]) == data[136:168], "table's hash")
        table = open_aead(key, N(1), ad, data[256:end])
        need(data[80:112] == H(self.k_loc, b"packsalt" + counts + table),
             "salt")
        r = Bytes(table)
        keys = [self.session(r) for _ in range(sessions)]
        objects = {}
        for _ in range(n):
            oid, kind, codec = r.take(32), r.u8(), r.u8()
            s, stored, plain = r.le(2), r.le(4), r.le(4)
            objects[oid[:16]] = (end, kind, codec, stored, plain)
            self.packs[oid] = (path, end, kind, codec, stored, plain, keys[s])
            end += stored
        self.check_end(data, end)
        self.index[bytes.fromhex(path.name)] = objects

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

    def object(self, oid, kind):
        path, at, t, codec, stored, plain, keys = self.packs[oid]
        need(t == kind, "type")
        with open(path, "rb") as f:
            f.seek(at)
            sealed = f.read(stored)
        nonce = H(keys[1], oid + struct.pack("<BBII", t, codec, plain,
                                             stored))[:24]
        ad = self.id + oid + struct.pack("<BBI", t, codec, plain)
        data = open_aead(keys[0], nonce, ad, sealed)
        if codec == 1:
            out = ctypes.create_string_buffer(plain)
            need(zstd.ZSTD_decompress(out, ctypes.c_size_t(plain), data,
                                      ctypes.c_size_t(len(data))) == plain,
                 "zstd")
            data = out.raw
        need(len(data) == plain and H(self.k_id[t], data) == oid, "id")
        return data

    def record(self, path):
        data = path.read_bytes()
        prefix(data, b"A")
        sid = bytes.fromhex(path.name)
        need(data[32:64] == self.id + sid and len(data) % 2048 == 0, "record")
        content, nonce = self.session(Bytes(data[96:200]))
        salt = data[200:232]
        h, b = struct.unpack("<II", data[232:240])
        check_signature(data[240:304], data[64:96],
                        H(None, data[:240] + data[304:]))
        need(304 + h + b == len(data), "lengths")
        head = open_aead(H(self.k_loc, b"rechead " + sid + salt), N(0),
                         data[:96], data[304:304 + h])
        body = open_aead(content, H(nonce, b"recbody " + salt)[:24],
                         data[:96], data[304 + h:])
        need(salt == H(nonce, b"recsalt " + head + body), "salt")
        r = Bytes(head)
        r.take(16 + 8 + 32 + 4)
        flags = r.le(4)
        need(flags & ~3 == 0, "flags")
        r.take(56 * r.varint())
        need(not r.left(), "head")
        rec = self.record_body(Bytes(body))
        rec["no_xattrs"] = bool(flags & 2)
        return rec

    def record_body(self, r):
        rec = {k: r.text() for k in
               ("name", "series", "host", "user", "comment", "program")}
        rec["command"], rec["paths"] = r.texts(), r.texts()
        rec["start"], rec["end"], rec["utc"] = r.le(8), r.le(8), r.zigzag()
        rec["root"] = directory(r, r.u8())
        if rec["root"][0] == 2:
            rec["root"] += (r.take(32),)
        rec["stats"] = [r.varint() for _ in range(10)]
        rec["warnings"] = r.texts()
        rec["owners"] = [[(r.varint(), r.text()) for _ in range(r.varint())]
                         for _ in range(2)]
        r.zero(r.left())
        return rec

    # Directories.

    def names(self, r, n, columns):
        total = r.varint()
        index = r.take(n)
        new = index.count(0)
        shared, more = r.take(new), r.take(new)
        shapes, last = [], b""
        for s, m in zip(shared, more):
            last = last[:s] + r.take(m)
            shapes.append(last)
        seen, shape_of = 0, []
        for k in index:
            seen += k == 0
            shape_of.append(seen - 1 if k == 0 else k - 1)
        parts = [split_shape(s) for s in shapes]
        fields = max(len(p) // 2 for p in parts)
        for f in range(fields):
            rows = [i for i in range(n) if len(parts[shape_of[i]]) // 2 > f]
            columns.append(column(r, rows, columns))
        names = []
        for i in range(n):
            name = b""
            for f, part in enumerate(parts[shape_of[i]]):
                if f % 2:
                    part = b"%0*d" % (part, columns[f // 2][i])
                name += part
            names.append(name)
        need(sum(map(len, names)) == total, "bytes of names")
        need(names == sorted(set(names)), "order of names")
        return names

    def entries(self, ref):
        """All entries of a directory, from its reference."""
        if ref[0] == 0:
            return []
        if ref[0] == 1:
            return self.leaf(Bytes(ref[2]), 0)
        return self.node(ref[-1], ref[2])

    def node(self, oid, height):
        r = Bytes(self.object(oid, 2))
        if height == 0:
            return self.leaf(r, 0)
        need(r.u8() == height, "height")
        n, columns = r.varint(), []
        names = self.names(r, n, columns)
        below = column(r, range(n), columns)
        ids = [r.take(32) for _ in range(n)]
        need(not r.left(), "more")
        found = []
        for i in range(n):
            part = self.node(ids[i], height - 1)
            need(part[0]["name"] == names[i] and len(part) == below[i],
                 "child")
            found += part
        return found

    def leaf(self, r, height):
        need(r.u8() == height, "height")
        n, columns = r.varint(), []
        entries = [{"name": x} for x in self.names(r, n, columns)]
        everyone = range(n)
        index, rows, seen = r.take(n), [], 0
        for _ in range(index.count(0)):
            rows.append(attribute_row(r))
        for e, k in zip(entries, index):
            seen += k == 0
            e.update(rows[seen - 1 if k == 0 else k - 1])
        with_size = [i for i in everyone if stat.S_ISREG(entries[i]["mode"])]
        with_atime = [i for i in everyone if entries[i]["flags"] & 4]
        with_ctime = [i for i in everyone if entries[i]["flags"] & 8]
        for what, rows in (("mtime", everyone), ("size", with_size),
                           ("atime", with_atime), ("ctime", with_ctime)):
            columns.append(column(r, rows, columns))
            for i in rows:
                entries[i][what] = columns[-1][i]
            if what == "mtime":
                nanoseconds(r, entries, what, rows)
        nanoseconds(r, entries, "atime", with_atime)
        nanoseconds(r, entries, "ctime", with_ctime)
        for e in entries:
            body(r, e)
        for e in entries:
            e["ids"] = [r.take(32) for _ in range(ids_of(e))]
        need(not r.left(), "more")
        return entries

    # Contents.

    def content(self, e):
        kind = e["kind"]
        if kind == 0:
            return b""
        if kind == 1:
            return e["inline"]
        if kind == 2:
            return self.object(e["ids"][0], 1)
        if kind == 4:
            return self.list(e["ids"][0], e["height"])
        ids = iter(e["ids"])
        return b"".join(self.piece(p, None if p[0] == 1 else next(ids))
                        for p in e["pieces"])

    def piece(self, p, oid):
        transform, length = p[:2]
        if transform == 1:
            return bytes(length)
        data = self.object(oid, 1)
        if transform == 2:
            width, ends = p[2] * 4, p[3]
            eol = b"\r\n" if ends & 1 else b"\n"
            text = b64encode(data)
            lines = [text[i:i + (width or len(text))]
                     for i in range(0, len(text), width or len(text))]
            data = eol.join(lines) + (eol if ends & 2 else b"")
        need(len(data) == length, "length of a piece")
        return data

    def list(self, oid, height):
        r = Bytes(self.object(oid, 3))
        need(r.u8() == height, "height")
        out = []
        for _ in range(r.varint()):
            if height == 0:
                p = piece_body(r)
                out.append(self.piece(p, None if p[0] == 1 else r.take(32)))
            else:
                out.append(self.list(r.take(32), height - 1))
                need(len(out[-1]) == r.varint(), "length of a list")
        need(not r.left(), "more")
        return b"".join(out)


def directory(r, kind):
    """kind, counts, then the leaf or the height (the id is elsewhere)."""
    if kind == 0:
        return 0, (0, 0, 0)
    inside = r.text() if kind == 1 else r.u8()
    return kind, tuple(r.varint() for _ in range(3)), inside


def split_shape(shape):
    """Text, digits at least, text, digits at least, ..., text."""
    parts, text, i = [], b"", 0
    while i < len(shape):
        if shape[i] in b"\0/":
            parts += [text, 0 if shape[i] == 0 else shape[i + 1]]
            i += 1 if shape[i] == 0 else 2
            text = b""
        else:
            text += shape[i:i + 1]
            i += 1
    return parts + [text]


def column(r, rows, columns):
    values = {}
    if not rows:
        return values
    mode, last, same = r.u8(), 0, None
    for n, i in enumerate(rows):
        if mode == 0:
            same = r.varint() if n == 0 else same
            values[i] = same
        elif mode == 1:
            values[i] = r.varint()
        else:
            base = last if mode == 2 else columns[mode - 3].get(i, 0)
            values[i] = last = (base + r.zigzag()) % 2**64
    return values


def nanoseconds(r, entries, what, rows):
    if not rows:
        return
    each, value = r.u8(), None
    for i in rows:
        value = r.le(4) if each or value is None else value
        seconds = entries[i][what]
        seconds -= (seconds >> 63) << 64
        entries[i][what] = seconds * 10**9 + value


def attribute_row(r):
    row = {k: r.varint() for k in ("mode", "uid", "gid", "fsflags")}
    row.update({k: r.u8() for k in ("flags", "kind", "extra")})
    if row["extra"] & 1:
        row["xattrs"] = attributes(Bytes(r.text()))
    if row["extra"] & 2:
        row["xattrs_id"] = r.take(32)
    return row


def attributes(r):
    found = {}
    for _ in range(r.varint()):
        name = r.text()
        found[name] = r.text()
    need(not r.left() and list(found) == sorted(found), "attributes")
    return found


def piece_body(r):
    p = r.u8(), r.varint()
    return p + (r.varint(), r.u8()) if p[0] == 2 else p


def body(r, e):
    e["links"], e["group"] = 1, 0
    if e["extra"] & 4:
        e["links"], e["group"] = r.varint(), r.varint()
    mode, kind = e["mode"], e["kind"]
    if stat.S_ISREG(mode):
        if kind == 1:
            e["inline"] = r.text()
        elif kind == 3:
            e["pieces"] = [piece_body(r) for _ in range(r.u8())]
        elif kind == 4:
            e["height"] = r.u8()
    elif stat.S_ISDIR(mode):
        e["dir"] = directory(r, kind)
    elif stat.S_ISLNK(mode):
        e["target"] = r.text()
    elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        e["rdev"] = r.varint(), r.varint()


def ids_of(e):
    if stat.S_ISDIR(e["mode"]):
        return int(e["kind"] == 2)
    if e["kind"] == 3:
        return sum(p[0] != 1 for p in e["pieces"])
    return int(e["kind"] in (2, 4))


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


def main():
    work = Path.cwd()
    os.environ["MUNIMENT_PASSPHRASE"] = PASSPHRASE.decode()
    sodium.sodium_init()
    make_tree(work / "tree")
    os.chdir(work)
    for argv in (["init", "-e", "repokey", "repo"],
                 ["create", "--comment", "for the reader", "repo::one",
                  "tree"]):
        subprocess.run([MUNIMENT, *argv], check=True)
    repo = Repository("repo")
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
    print(f"{len(repo.packs)} objects, {entries} in the index, {seen}")
    need(entries >= len(repo.packs), "objects that the index does not have")
    for kind in (0, 1, 2, 3, 4, ("dir", 1), ("dir", 2)):
        need(kind in seen, f"the tree has no content of kind {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
