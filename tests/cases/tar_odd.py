#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 200
"""Tar files that nobody should make: what import-tar makes of them."""
import io
import os
import subprocess
import tarfile

os.environ["MUNIMENT_PASSPHRASE"] = "secret"
os.environ["MUNIMENT_REPO"] = os.path.abspath("r")
serial = 0


def run(status, *args, data=None):
    p = subprocess.run(["muniment", *args], input=data,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if p.returncode != status:
        raise SystemExit(f"status {p.returncode}, expected {status}: {args}\n"
                         f"{p.stderr.decode(errors='replace')[-3000:]}")
    return p


def member(name, kind=tarfile.REGTYPE, content=b"", link="", **pax):
    t = tarfile.TarInfo(name)
    t.type = kind
    t.linkname = link
    t.size = len(content)
    t.pax_headers = pax
    return t, content


def stream(*members, fmt=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=fmt) as f:
        for t, content in members:
            f.addfile(t, io.BytesIO(content) if content else None)
    return out.getvalue()


def imported(status, data, *names, words=None):
    """It is imported with this status, and then has these names."""
    global serial
    serial += 1
    p = run(status, "import-tar", f"::a{serial}", "-", data=data)
    if words and words not in p.stderr.decode(errors="replace"):
        raise SystemExit(f"not said: {words}\n{p.stderr.decode()}")
    p = run(0, "list", "--short", f"::a{serial}")
    got = p.stdout.decode().split("\n")[:-1]
    if got != list(names):
        raise SystemExit(f"{got} instead of {names}")


def refused(status, data, words):
    p = run(status, "import-tar", "::never", "-", data=data)
    if words not in p.stderr.decode():
        raise SystemExit(f"not said: {words}\n{p.stderr.decode()}")
    run(2, "info", "::never")


run(0, "init", "r")

# paths are cleaned, and never lead out
imported(0, stream(member("/etc/a"), member("./b"), member("c//./d"),
                   member("./", tarfile.DIRTYPE)), "b", "c/d", "etc/a")
imported(1, stream(member("../x"), member("a/../../y"), member("ok")), "ok",
         words="'..'")
imported(1, stream(member("n" * 256), member("ok")), "ok", words="too long")
imported(1, stream(member("d/" * 5000 + "f"), member("ok")), "ok",
         words="too deep")
imported(1, stream(member(""), member("ok")), "ok", words="no name")
long = "/".join(["x" * 200] * 100)
imported(0, stream(member(long)), long)

# links
imported(0, stream(member("a", content=b"x"),
                   member("/b", tarfile.LNKTYPE, link="./a")), "a", "b")
imported(1, stream(member("b", tarfile.LNKTYPE, link="../a"), member("ok")),
         "ok")
imported(1, stream(member("b", tarfile.LNKTYPE, link="/"), member("ok")), "ok")
imported(1, stream(member("s", tarfile.SYMTYPE, link="x" * 4096),
                   member("t", tarfile.SYMTYPE, link="x" * 4095)), "t")
imported(1, stream(member("s", tarfile.SYMTYPE), member("ok")), "ok")

# a warning may be long, and there may be many: the record has room for all
many = [member(f"../{i}/" + "long/" * 3000) for i in range(150)]
imported(1, stream(*many, member("ok")), "ok")

# what cannot be kept of a file is said; the file is kept
imported(1, stream(member("a", **{"SCHILY.acl.access": "nonsense"})), "a",
         words="without its attributes")
imported(1, stream(member("a", **{"SCHILY.xattr." + "n" * 300: "x"})), "a")
imported(0, stream(member("a", **{"SCHILY.xattr.user.big": "x" * 60000})),
         "a")
imported(0, stream(member("a", **{f"SCHILY.xattr.user.{i}": "x" * 60000
                                  for i in range(17)})), "a")
refused(14, stream(member("a", **{f"SCHILY.xattr.user.{i}": "x" * 60000
                                  for i in range(18)})), "bytes")

# types
imported(0, stream(member("d", tarfile.DIRTYPE), member("d/f")), "d", "d/f")
imported(0, stream(member("weird", b"Z", b"content")), "weird")
imported(0, stream(member("cont", tarfile.CONTTYPE, b"content")), "cont")

# no end, no archive
whole = stream(member("a", content=b"x" * 1000))
refused(14, whole[:1024], "ends early")
refused(14, whole[:1536], "ends early")
refused(14, b"", "ends early")
refused(14, b"hello" * 1000, "no tar file")
refused(14, b"\x1f\x8b\x08" + bytes(600), "gzip")
refused(14, whole[:512 * 3] + b"x" * 512, "no header at byte 1536")
refused(14, stream(member("a", **{"mtime": "soon"})), "mtime")
