#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A line between a client and a server on the loopback, as bad as one likes.

usage: tests/tcpproxy.py PORT-FILE TARGET-PORT [--delay MS] [--cut BYTES]
                         [--step BYTES] [--cuts N] [--port N] [--rate KIB]
                         [--life SECS] [--log FILE]

Its own port is written to PORT-FILE.  Each direction takes half of MS.  A
connection is cut when BYTES have gone through it in both directions, the next
one when STEP more have, and so on; after N cuts the line is good.  KIB a
second go through it in each direction.  With --life every connection is cut
SECS after the login.  FILE gets a line for each cut.
"""
import argparse
import asyncio
import os
import socket

LOGIN_BYTES = 16384             # are moved before the server is of use


class Line:
    def __init__(self, args):
        self.args = args
        self.cuts = 0

    def limit(self):
        a = self.args
        if not a.cut or (a.cuts and self.cuts >= a.cuts):
            return None
        return a.cut + self.cuts * a.step

    async def pump(self, reader, writer, state):
        """Bytes are held back for the delay, and flow meanwhile."""
        queue = asyncio.Queue(maxsize=4096)
        loop = asyncio.get_running_loop()
        rate = self.args.rate * 1024
        free = loop.time()      # when the line has sent what it has

        async def send():
            while True:
                when, data = await queue.get()
                wait = when - loop.time()
                if wait > 0:
                    await asyncio.sleep(wait)
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()

        sender = asyncio.create_task(send())
        try:
            while True:
                data = await reader.read(65536)
                state["moved"] += len(data)
                if self.args.life and not state["lives"] and \
                        state["moved"] > LOGIN_BYTES:
                    state["lives"] = True
                    loop.call_later(self.args.life, self.cut, state)
                limit = state["limit"]
                if limit is not None and state["moved"] >= limit:
                    self.cut(state)
                    return
                now = loop.time()
                if rate:
                    free = max(free, now) + len(data) / rate
                    # No more waits at its entrance than a tenth of a second.
                    if free - now > 0.1:
                        await asyncio.sleep(free - now - 0.1)
                    now = free
                await queue.put((now + self.args.delay / 2000, data))
                if not data:
                    await sender
                    return
        except (ConnectionError, asyncio.CancelledError):
            self.close(state)
        finally:
            sender.cancel()

    def cut(self, state):
        if not state["cut"]:
            state["cut"] = True
            self.cuts += 1
            if self.args.log:
                with open(self.args.log, "a") as f:
                    f.write(f"cut after {state['moved']} bytes\n")
        self.close(state)

    @staticmethod
    def close(state):
        for w in state["writers"]:
            w.transport.abort()

    async def client(self, reader, writer):
        # Python does that for sockets that it connects, not for these.
        writer.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            up = await asyncio.open_connection("127.0.0.1", self.args.target)
        except OSError:
            writer.transport.abort()
            return
        state = {"moved": 0, "limit": self.limit(), "cut": False,
                 "lives": False, "writers": [writer, up[1]]}
        await asyncio.gather(self.pump(reader, up[1], state),
                             self.pump(up[0], writer, state),
                             return_exceptions=True)
        state["cut"] = True
        self.close(state)


async def main():
    p = argparse.ArgumentParser()
    p.add_argument("port_file")
    p.add_argument("target", type=int)
    p.add_argument("--delay", type=float, default=0)
    p.add_argument("--cut", type=int, default=0)
    p.add_argument("--step", type=int, default=0)
    p.add_argument("--cuts", type=int, default=0)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--rate", type=float, default=0)
    p.add_argument("--life", type=float, default=0)
    p.add_argument("--log")
    args = p.parse_args()
    sock = socket.create_server(("127.0.0.1", args.port))
    if args.life:       # what the system buffers would be lost with each
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
    server = await asyncio.start_server(Line(args).client, sock=sock,
                                        limit=1 << 20)
    with open(args.port_file + ".new", "w") as f:
        f.write(str(server.sockets[0].getsockname()[1]))
    os.rename(args.port_file + ".new", args.port_file)
    async with server:
        await server.serve_forever()

asyncio.run(main())
