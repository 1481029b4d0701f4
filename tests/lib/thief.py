#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: thief.py REPOSITORY COMMAND...

COMMAND leads to "muniment serve --append-only" of that repository, which is
also a local folder.  Whatever the protocol can say is tried on what is there.
"""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from serveclient import KINDS, Client, Closed  # noqa: E402

repo = Path(sys.argv[1])
command = sys.argv[2:]


def connect():
    c = Client(command)
    code, words = c.hello(str(repo))
    assert code == "ok", words
    assert c.rights == 0, "more rights than to add"
    return c


def expect(got, *wanted):
    assert got in wanted, f"{got}, not {wanted}"


def there(kind):
    top = repo / kind
    return [p.name for p in sorted(top.rglob("*")) if p.is_file()]


c = connect()
everything = {k: c.list(k) for k in KINDS}
assert everything["archives"] and everything["data"]

# deletion, overwriting, with and without "it is mine already"
for kind, names in everything.items():
    for name in names:
        expect(c.delete(kind, name), "denied")
        for flags in (0, 1, 2, 3):
            expect(c.put(kind, name, b"mine now", flags), "denied", "exist",
                   "corrupt")

# what takes archives away without deleting them
sid = os.urandom(16).hex()
victim = next(iter(everything["archives"]))
for kind, name in [
        ("tombstones", victim), ("tombstones", sid), ("generations", "1"),
        ("generations", "999999"), ("pins", sid), ("keys", sid),
        ("parity", next(iter(everything["data"]))), ("reserve", sid),
        ("root", "README"), ("archives", sid), ("archives", victim + ".1"),
        ("sessions", victim), ("sessions", "x"), ("sessions", sid + ".")]:
    expect(c.put(kind, name, b"x"), "denied", "exist")

# packs and segments whose names say something else
for kind in ("data", "meta"):
    expect(c.put(kind, os.urandom(32).hex(), b"x" * 5000), "corrupt")
expect(c.put("index", "0" * 64, b"x"), "corrupt")

# a session of one's own: one record, and not under another's
mine, other = os.urandom(16).hex(), os.urandom(16).hex()
(repo / "sessions" / other).write_bytes(b"somebody else's session")
expect(c.put("sessions", other, b"x"), "denied", "exist")
expect(c.put("archives", other, b"a fence"), "denied")
expect(c.put("sessions", other + ".1", b"x"), "denied")
expect(c.delete("sessions", other), "denied")
expect(c.put("sessions", mine, b"x"), "ok")
expect(c.put("sessions", mine + ".1", b"x"), "ok")
expect(c.delete("sessions", mine + ".1"), "ok")
expect(c.put("archives", mine + ".1", b"x"), "denied")
expect(c.delete("sessions", mine), "ok")
expect(c.put("archives", mine, b"x"), "denied")
expect(c.delete("archives", mine), "denied")
(repo / "sessions" / other).unlink()

# the same name as another client's session, from a new connection
expect(c.put("sessions", mine, b"x"), "ok")
expect(c.sync(), "ok")
assert c.close() == 0
c = connect()
expect(c.delete("sessions", mine), "ok")
assert c.close() == 0

# names that are paths, kinds that there are not, and other nonsense: the
# server hangs up, or says no
for kind, name in [("keys", "../REPOSITORY"), ("keys", "."), ("keys", "a/b"),
                   ("root", "serve"), ("data", "../x"), (12, "x"), (255, "x"),
                   ("keys", "a\0b")]:
    c = connect()
    try:
        expect(c.put(kind, name, b"x"), "denied", "config")
        raise AssertionError(f"{kind}/{name} was answered")
    except Closed:
        c.close()

# another repository, in every spelling
for path in ("/", ".", "..", str(repo) + "/..", str(repo.parent),
             str(repo) + "/sessions", str(repo) + "/../other", "~", "r",
             str(repo) + "/serve"):
    c = Client(command)
    code, words = c.hello(path)
    if code == "ok":
        assert Path(path).resolve() == repo.resolve() or path == "r", path
    c.close()
for flags in (1, 3):
    c = Client(command)
    expect(c.hello(str(repo), flags)[0], "denied")
    c.close()
