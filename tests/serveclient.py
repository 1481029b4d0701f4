# SPDX-License-Identifier: BSD-2-Clause
"""A client of "muniment serve" that was written from muniment-protocol(5) and
shares no code with the program: for tests that do what no client of ours does.
"""
import struct
import subprocess

KINDS = ["root", "keys", "data", "meta", "index", "archives", "tombstones",
         "sessions", "generations", "pins", "parity", "reserve"]
HELLO, PUT, DATA, STOP, GET, STAT, LIST, DELETE, SYNC, SPACE, SCRUB, PING, \
    UNMAKE = range(1, 14)
WELCOME, STATUS, BYTES, FAIL, SIZES, NAMES, ROOM, FOUND, HAVE = range(65, 74)
CODES = ["ok", "noent", "exist", "corrupt", "busy", "full", "denied", "nomem",
         "config", "io", "norepo"]


class Closed(Exception):
    """The server has hung up."""


def name_of(kind, name):
    n = name.encode()
    return bytes([KINDS.index(kind) if isinstance(kind, str) else kind,
                  len(n)]) + n


def text(s):
    return struct.pack("<H", len(s)) + s


class Client:
    def __init__(self, argv):
        # pylint: disable=consider-using-with
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        self.id = 0

    def raw(self, data):
        try:
            self.p.stdin.write(data)
            self.p.stdin.flush()
        except BrokenPipeError as e:
            raise Closed from e

    def frame(self, kind, body=b"", ident=0, flags=0, item=0):
        self.raw(struct.pack("<IBBHII", len(body), kind, flags, item, ident,
                             0) + body)

    def read(self, n):
        data = self.p.stdout.read(n)
        if len(data) < n:
            raise Closed
        return data

    def answer(self):
        n, kind, flags, item, ident, zero = struct.unpack(
            "<IBBHII", self.read(16))
        assert zero == 0
        return kind, flags, item, ident, self.read(n)

    def hello(self, path, flags=0, oldest=1, newest=1, must=0):
        self.frame(HELLO, b"MUSERVE\n" + struct.pack(
            "<HHIII", oldest, newest, must, 0, flags)
            + text(path.encode()) + text(b"a test"))
        kind, _, _, _, body = self.answer()
        assert kind == WELCOME and body[:8] == b"MUSERVE\n"
        code, version, features, rights, confined, n = struct.unpack(
            "<HHIIIH", body[8:26])
        assert features == 0 and n == len(body) - 26
        self.rights, self.confined, self.version = rights, confined, version
        return CODES[code], body[26:].decode()

    def ask(self, kind, body=b"", more=()):
        """Every frame but the last, and the end: (code, words, frames)."""
        self.id += 1
        ident = self.id
        self.frame(kind, body, ident)
        for data in more:
            self.frame(DATA, data, ident)
        frames = []
        while True:
            t, flags, item, got, body = self.answer()
            assert got == ident, (got, ident)
            if t == STATUS:
                code, n = struct.unpack("<HH", body[:4])
                assert n == len(body) - 4
                return CODES[code], body[4:].decode(), frames
            frames.append((t, flags, item, body))

    def put(self, kind, name, data, flags=0):
        pieces = [data[i:i + 200000] for i in range(0, len(data), 200000)]
        return self.ask(PUT, name_of(kind, name)
                        + struct.pack("<BQ", flags, len(data)), pieces)[0]

    def get(self, kind, name):
        code, _, frames = self.ask(GET, struct.pack("<H", 1)
                                   + name_of(kind, name)
                                   + struct.pack("<BQQI", 1, 0, 1 << 30, 0))
        assert code == "ok"
        if frames[-1][0] == FAIL:
            return CODES[struct.unpack("<H", frames[-1][3][:2])[0]], b""
        assert frames[-1][1] == 1
        return "ok", b"".join(f[3] for f in frames)

    def list(self, kind):
        code, _, frames = self.ask(LIST, bytes([KINDS.index(kind)]))
        assert code == "ok"
        out = {}
        for _, _, _, body in frames:
            while body:
                n = body[0]
                name = body[1:1 + n].decode()
                out[name] = struct.unpack("<Q", body[1 + n:9 + n])[0]
                body = body[9 + n:]
        return out

    def delete(self, kind, name):
        return self.ask(DELETE, name_of(kind, name))[0]

    def sync(self):
        return self.ask(SYNC, b"\1")[0]

    def close(self):
        self.p.stdin.close()
        rc = self.p.wait(20)
        self.p.stdout.close()
        self.p.stderr.close()
        return rc

    def hangs_up(self):
        """Whatever it still says, it ends, and not well."""
        try:
            while True:
                self.answer()
        except Closed:
            pass
        return self.close() != 0
