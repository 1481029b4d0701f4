#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Restores an archive, with nothing but muniment-format(5) to go by: shares no
code with the program.  It also refuses what the page does not allow.

usage: reader.py REPOSITORY ARCHIVE FOLDER     (passphrase on stdin)"""
import hashlib
import os
import stat
import struct
import sys
from base64 import b64encode
from pathlib import Path

try:
    import zstandard
    from nacl import bindings as sodium
except ImportError as missing:
    print(f"{missing.name} is not installed")
    sys.exit(77)


class Damage(Exception):
    """The repository is not as the page has it."""


def need(truth, what):
    if not truth:
        raise Damage(what)


def H(key, data):
    return hashlib.blake2b(data, digest_size=32, key=key or b"").digest()


def KDF(key, n, context):
    return hashlib.blake2b(
        b"", digest_size=32, key=key, salt=struct.pack("<Q", n) + bytes(8),
        person=context + bytes(8)).digest()


def N(i):
    return struct.pack("<Q", i) + bytes(16)


def open_aead(key, nonce, ad, sealed):
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, ad, nonce,
                                                             key)


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
    need(data[8:16] == b"\0\0\1\0\0\0\0\0" and not any(data[24:32]), "version")


class Repository:
    def __init__(self, path, passphrase):
        self.path, self.passphrase = Path(path), passphrase
        self.secrets, self.packs = {}, {}
        data = (self.path / "REPOSITORY").read_bytes()
        prefix(data, b"R")
        need(len(data) == 256 and data[224:] == H(None, data[:224]), "hash")
        need(data[57:60] == b"\1\1\0" and not any(data[72:224]), "choices")
        self.id = data[32:48]
        slot, = (self.path / "keys").iterdir()
        self.open_bundle(self.open_slot(slot.read_bytes()))

    def open_slot(self, data):
        prefix(data, b"K")
        need(len(data) == 720 and data[32:48] == self.id, "slot")
        kind, _, self.rights, passes, kib = struct.unpack("<BBHII", data[48:60])
        need(kind == 1 and not data[49] and not any(data[60:64]), "slot")
        salt = hashlib.blake2b(data[104:136], digest_size=16).digest()
        secret = sodium.crypto_pwhash_alg(32, self.passphrase, salt, passes,
                                          kib * 1024, 2)
        need(data[688:] == H(KDF(secret, 2, b"slotwrap"), data[:688]), "slot")
        return open_aead(KDF(secret, 1, b"slotwrap"), data[136:160],
                         data[:160], data[160:688])

    def open_bundle(self, data):
        rights, epoch = struct.unpack("<II", data[:8])
        need(rights == self.rights == 7 and epoch == 1, "rights")
        root, self.psk, public, _, master = (
            data[i:i + 32] for i in range(8, 168, 32))
        need(not any(data[168:]), "older masters")
        self.k_id = {t: KDF(root, t, b"objectid") for t in (1, 2, 3)}
        self.k_loc = KDF(root, 1, b"location")
        seed = KDF(master, 1, b"x25519  ")
        self.box_secret = hashlib.sha512(seed).digest()[:32]
        need(sodium.crypto_scalarmult_base(self.box_secret) == public, "box")
        self.box_public = public

    def session(self, r):
        """Keys of a session entry: content, nonce."""
        sid, epoch, _, zero, sealed = (r.take(n) for n in (16, 4, 1, 3, 80))
        need(epoch == b"\1\0\0\0" and not any(zero), "epoch")
        if sid not in self.secrets:
            secret = sodium.crypto_box_seal_open(sealed, self.box_public,
                                                 self.box_secret)
            self.secrets[sid] = tuple(
                H(self.psk, secret + sid + name)
                for name in (b"content ", b"nonce   "))
        return self.secrets[sid]

    def open_header(self, data, kind, name):
        """The file's key, its associated data, counts."""
        prefix(data, kind)
        need(H(None, data[:256]).hex() == name, "name")
        need(data[32:48] == self.id, "repository")
        sodium.crypto_sign_open(data[192:256] + data[:192], data[48:80])
        need(int.from_bytes(data[168:176], "little") == len(data), "size")
        salt, ad = data[80:112], data[32:112]
        label = b"packtabl" if kind == b"P" else b"segmentk"
        key = H(self.k_loc, label + salt)
        return key, ad, open_aead(key, N(0), ad, data[112:136])

    def check_pack(self, data, end, name, objects):
        """For who wants to know more: the pack, and what is in it."""

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
        need(data[80:112] == H(self.k_loc, b"packsalt" + counts + table), "")
        r = Bytes(table)
        keys = [self.session(r) for _ in range(sessions)]
        objects = {}
        for _ in range(n):
            oid, kind, codec = r.take(32), r.u8(), r.u8()
            s, stored, plain = r.le(2), r.le(4), r.le(4)
            objects[oid[:16]] = (end, kind, codec, stored, plain)
            self.packs[oid] = (path, end, kind, codec, stored, plain, keys[s])
            end += stored
        self.check_pack(data, end, path.name, objects)

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
            data = zstandard.ZstdDecompressor().decompress(data, plain)
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
        sodium.crypto_sign_open(data[240:304] + H(None, data[:240] +
                                                  data[304:]), data[64:96])
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
        parts = spread(index, [split_shape(s) for s in shapes])
        for f in range(max(len(p) // 2 for p in parts)):
            rows = [i for i in range(n) if len(parts[i]) // 2 > f]
            columns.append(column(r, rows, columns))
        names = []
        for i in range(n):
            name = b""
            for f, part in enumerate(parts[i]):
                if f % 2:
                    part = b"%0*d" % (part, columns[f // 2][i])
                name += part
            names.append(name)
        need(sum(map(len, names)) == total, "bytes of names")
        need(names == sorted(set(names)), "order of names")
        return names

    def entries(self, ref):
        """All entries of a directory, from its reference."""
        if ref[0] < 2:
            return self.leaf(Bytes(ref[2]), 0) if ref[0] else []
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
            need((part[0]["name"], len(part)) == (names[i], below[i]), "child")
            found += part
        return found

    def leaf(self, r, height):
        need(r.u8() == height, "height")
        n, columns = r.varint(), []
        entries = [{"name": x} for x in self.names(r, n, columns)]
        everyone = range(n)
        index = r.take(n)
        rows = [attribute_row(r) for _ in range(index.count(0))]
        for e, row in zip(entries, spread(index, rows)):
            e.update(row)
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
        if kind < 2:
            return e["inline"] if kind else b""
        if kind == 2:
            return self.object(e["ids"][0], 1)
        if kind == 4:
            return self.list(e["ids"][0], e["height"])
        ids = iter(e["ids"])
        return b"".join(self.piece(p, None if p[0] == 1 else next(ids))
                        for p in e["pieces"])

    def piece(self, p, oid):
        transform, length = p[:2]
        data = bytes(length) if transform == 1 else self.object(oid, 1)
        if transform == 2:
            text, eol = b64encode(data), b"\r\n" if p[3] & 1 else b"\n"
            width = p[2] * 4 or len(text)
            lines = [text[i:i + width] for i in range(0, len(text), width)]
            data = eol.join(lines) + (eol if p[3] & 2 else b"")
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


def spread(index, rows):
    """For each entry its row: 0 is the next new one, k is row k - 1."""
    new = iter(rows)
    return [rows[k - 1] if k else next(new) for k in index]


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
    values, last, same = {}, 0, None
    mode = r.u8() if rows else 0
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
    each, value = r.u8() if rows else 0, None
    for i in rows:
        value = r.le(4) if each or value is None else value
        seconds = entries[i][what]
        entries[i][what] = (seconds - (seconds >> 63 << 64)) * 10**9 + value


def attribute_row(r):
    row = {k: r.varint() for k in ("mode", "uid", "gid", "fsflags")}
    row.update({k: r.u8() for k in ("flags", "kind", "extra")})
    need(not row["extra"] & 2, "large attributes: not known here")
    if row["extra"] & 1:
        row["xattrs"] = attributes(Bytes(r.text()))
    return row


def attributes(r):
    found = {r.text(): r.text() for _ in range(r.varint())}
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
    if e["kind"] == 3:
        return sum(p[0] != 1 for p in e["pieces"])
    return int(e["kind"] in (2, 4))


def restore(repo, path, e, groups):
    mode, group = e["mode"], e["group"]
    if groups.setdefault(group or path, path) != path:
        os.link(groups[group], path, follow_symlinks=False)
        return
    if stat.S_ISDIR(mode):
        os.mkdir(path)
        for below in repo.entries(e["dir"] + tuple(e["ids"])):
            restore(repo, path + b"/" + below["name"], below, groups)
    elif stat.S_ISREG(mode):
        data = repo.content(e)
        need(len(data) == e["size"], "size")
        Path(os.fsdecode(path)).write_bytes(data)
    elif stat.S_ISLNK(mode):
        os.symlink(e["target"], path)
    else:
        os.mknod(path, mode, os.makedev(*e.get("rdev", (0, 0))))
    if os.geteuid() == 0:
        os.chown(path, e["uid"], e["gid"], follow_symlinks=False)
    if not stat.S_ISLNK(mode):
        os.chmod(path, mode & 0o7777)
    for name, value in e.get("xattrs", {}).items():
        os.setxattr(path, name, value, follow_symlinks=False)
    os.utime(path, ns=(e["mtime"], e["mtime"]), follow_symlinks=False)


def main(argv):
    repo = Repository(argv[1], sys.stdin.buffer.readline().rstrip(b"\n"))
    repo.read_packs()
    found = [r for r in map(repo.record, (repo.path / "archives").iterdir())
             if r["name"] == os.fsencode(argv[2])]
    need(len(found) == 1, "no such archive")
    groups = {}
    os.makedirs(argv[3])
    for e in repo.entries(found[0]["root"]):
        restore(repo, os.fsencode(argv[3]) + b"/" + e["name"], e, groups)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
