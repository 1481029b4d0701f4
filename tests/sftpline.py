#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An sftp server of this machine behind a line that sees every message.

usage: tests/sftpline.py [OPTIONS] [--] [what ssh is told]
       as MUNIMENT_RSH, which is then run instead of ssh

  --delay MS       there and back
  --log FILE       a line for each message: seconds, > or <, type, id, path
  --cut N          the line breaks at the N-th request that is sent ...
  --when WHEN      ... before: the server never sees it; after: it does it,
                   and its answer is lost
  --once FILE      cut only if FILE is not there, and make it
  --server CMD     instead of sftp-server
"""
import argparse
import os
import selectors
import socket
import struct
import subprocess
import sys
import time

NAMES = {1: "INIT", 2: "VERSION", 3: "OPEN", 4: "CLOSE", 5: "READ",
         6: "WRITE", 7: "LSTAT", 8: "FSTAT", 11: "OPENDIR", 12: "READDIR",
         13: "REMOVE", 14: "MKDIR", 15: "RMDIR", 16: "REALPATH", 17: "STAT",
         18: "RENAME", 101: "STATUS", 102: "HANDLE", 103: "DATA",
         104: "NAME", 105: "ATTRS", 200: "EXTENDED", 201: "REPLY"}
PATHS = (3, 7, 11, 13, 14, 15, 16, 17, 18, 200)


class Way:
    """Bytes of one direction, as messages that wait for their time."""

    def __init__(self, line, mark, delay):
        self.line, self.mark, self.delay = line, mark, delay
        self.raw = bytearray()
        self.held = []          # (when, bytes)
        self.out = bytearray()
        self.ended = False

    def feed(self, data):
        now = time.monotonic()
        self.raw += data
        while len(self.raw) >= 5:
            size = 4 + struct.unpack_from(">I", self.raw)[0]
            if len(self.raw) < size:
                return
            message = bytes(self.raw[:size])
            del self.raw[:size]
            if self.line.sees(self.mark, message):
                self.held.append((now + self.delay, message))

    def due(self):
        now = time.monotonic()
        while self.held and self.held[0][0] <= now:
            self.out += self.held.pop(0)[1]

    def wait(self):
        return max(0, self.held[0][0] - time.monotonic()) if self.held \
            else None


class Line:
    def __init__(self, args):
        self.args = args
        self.sent = 0
        self.lost = None        # the id whose answer is lost
        self.cut = False
        self.armed = args.cut > 0 and not (
            args.once and os.path.exists(args.once))
        self.log = open(args.log, "a") if args.log else None
        self.begin = time.monotonic()

    def note(self, mark, message):
        kind = message[4]
        words = NAMES.get(kind, str(kind))
        ident = struct.unpack_from(">I", message, 5)[0] \
            if len(message) >= 9 else 0
        if kind in PATHS:
            size = struct.unpack_from(">I", message, 9)[0]
            words += " " + message[13:13 + size].decode(errors="replace")
        if kind == 101:
            words += " %d" % struct.unpack_from(">I", message, 9)[0]
        self.log.write("%.3f %s %5d %6d %s\n" % (
            time.monotonic() - self.begin, mark, ident, len(message), words))
        self.log.flush()

    def break_it(self):
        self.cut = True
        if self.args.once:
            open(self.args.once, "w").close()

    def sees(self, mark, message):
        """Does the message go on?"""
        if self.log:
            self.note(mark, message)
        if not self.armed or self.cut:
            return not self.cut
        ident = message[5:9]
        if mark == ">":
            self.sent += 1
            if self.sent == self.args.cut:
                if self.args.when == "before":
                    self.break_it()
                    return False
                self.lost = ident
        elif self.lost == ident:
            self.break_it()
            return False
        return True


def run(line, server):
    up = Way(line, ">", line.args.delay / 2000)
    down = Way(line, "<", line.args.delay / 2000)
    sel = selectors.DefaultSelector()
    near = socket.socket(fileno=os.dup(0))
    pairs = ((near, up, server), (server, down, near))
    for s in (near, server):
        s.setblocking(False)
    while not line.cut:
        waits = [w for w in (up.wait(), down.wait()) if w is not None]
        for src, way, dst in pairs:
            way.due()
        for s, way_in, way_out in ((near, up, down), (server, down, up)):
            want = 0
            if not way_in.ended and len(way_in.held) < 4096:
                want |= selectors.EVENT_READ
            if way_out.out:
                want |= selectors.EVENT_WRITE
            if s in sel.get_map():
                sel.unregister(s)
            if want:
                sel.register(s, want)
        for key, events in sel.select(min(waits) if waits else 1):
            s = key.fileobj
            way_in, way_out = (up, down) if s is near else (down, up)
            try:
                if events & selectors.EVENT_WRITE:
                    del way_out.out[:s.send(way_out.out)]
                if events & selectors.EVENT_READ:
                    data = s.recv(1 << 18)
                    if data:
                        way_in.feed(data)
                    else:
                        way_in.ended = True
            except BlockingIOError:
                pass
            except OSError:
                return
        for way, dst in ((up, server), (down, near)):
            if way.ended and not way.held and not way.out:
                return


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--delay", type=float, default=0)
    p.add_argument("--log")
    p.add_argument("--cut", type=int, default=0)
    p.add_argument("--when", choices=("before", "after"), default="before")
    p.add_argument("--once")
    p.add_argument("--server", default="/usr/lib/openssh/sftp-server")
    args, _ = p.parse_known_args()
    ours, theirs = socket.socketpair()
    child = subprocess.Popen(args.server.split(), stdin=theirs,
                             stdout=theirs, start_new_session=True)
    theirs.close()
    try:
        run(Line(args), ours)
    finally:
        ours.close()
        child.terminate()
        child.wait()


sys.exit(main())
