# SPDX-License-Identifier: BSD-2-Clause
"""What is measured in mounts.

Every tool mounts anew for every run, so that neither it nor the kernel's
file system has anything of its own left from the run before; the files
that they read from are in the page cache for all of them, or for none of
them with --cold.
"""

import os
import random
import subprocess
import time

from benchlib import measure, tools
from benchlib.scratch import remove

TITLES = {
    "mount": "mount to first ls",
    "list": "ls -l of a large folder",
    "find": "find over everything",
    "copy": "copying a mailbox out of the mount",
    "grep": "grep -r over the mailbox",
    "big": "reading one large file",
    "random": "1,000 messages in no order",
    "archives": "first ls of a mount by number of archives",
}
# With a data set of their own, "box": a mailbox, a folder of very many
# files, and one large file.
BOX_ONLY = ("list", "find", "copy", "grep", "big", "random")
RANDOM_MAILS = 1000


def wanted(group, data):
    if data == "box":
        return group in TITLES
    return group not in BOX_ONLY


def list_folder(path):
    """ls -l without the printing; the number of entries."""
    n = 0
    for entry in os.scandir(path):
        entry.stat(follow_symlinks=False)
        n += 1
    return n


class Mounts:
    """A part of Bench."""

    # The data

    def add_large(self, data):
        opt = self.opt
        rng = random.Random(opt.seed)
        many = os.path.join(data.path, "many", "cur")
        os.makedirs(many)
        for n in range(opt.folder):
            name = "17%08d.M%dP%d.mx,S=%d:2,S" % (n * 61, n % 999983, n % 32768,
                                                  n % 10)
            with open(os.path.join(many, name), "w", encoding="ascii") as f:
                f.write("x" * (n % 10))
        # As a disk image is: some of it shrinks, some does not.
        with open(os.path.join(data.path, "large"), "wb") as f:
            while f.tell() < opt.large:
                f.write(rng.randbytes(1 << 20))
                f.write(b"%015d\n" % f.tell() * (1 << 16))

    def large_folder(self, data):
        """The folder with the most entries, relative to the data."""
        best = max(((len(d) + len(f), top)
                    for top, d, f in os.walk(data.path)))
        return os.path.relpath(best[1], data.path)

    def mailbox(self, data):
        """The largest mailbox, relative to the data."""
        best = ("", -1)
        for top, dirs, _ in os.walk(data.path):
            if "Maildir" in dirs:
                dirs[:] = []
                size = measure.sizes(top)[0]
                if size > best[1]:
                    best = (top, size)
        return os.path.relpath(best[0], data.path)

    def mail(self, data):
        """What is copied and searched: of the box all mail, as of one who
        keeps everything in one mailbox; else the largest mailbox."""
        box = self.mailbox(data)
        if data.name == "box":
            box = os.path.dirname(os.path.dirname(box))
        return box

    # Mounting

    def mounted(self, tool, data, work):
        """Mount, 'work(mount)' for the sample, unmount in any case."""
        at = self.scratch.fresh("mnt")
        self.runner.settle()
        m = measure.Mount(self.scratch, tool.mount(data.name, at), tool.env(),
                          at, min(self.opt.timeout, 600))
        try:
            if m.error:
                return measure.Sample(error=m.error)
            return work(m)
        except OSError as e:
            return measure.Sample(error=str(e))
        finally:
            subprocess.run(tool.umount(at), env=tool.env(),
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=60, check=False)
            m.wait_gone()
            remove(at)

    def images(self, data):
        """The kernel's and a FUSE reader of one compressed image."""
        found = [t for t in tools.images(self.scratch) if t.present()]
        if found and not os.path.exists(found[0].image(data.name)):
            self.say("%s: preparing squashfs" % data.name)
            made = self.runner.run(found[0].make(data.name, data.path),
                                   self.plain_env())
            if made.error:
                self.say("mksquashfs: " + made.error)
        return found

    def each_mount(self, data, group, work):
        """'work(start)' gives the sample of what is done in the folder
        'start', which looks like the data."""
        def in_mount(tool):
            def with_usage(at):
                sample = work(tool.in_mount(data.name, at.at, data.path))
                # With the command's own, which is one of our children.
                sample.peak, sample.cpu = at.usage()
                return sample
            return self.mounted(tool, data, with_usage)

        images = [] if self.many else self.images(data)
        for _ in range(self.opt.runs):
            if not self.many:
                self.runner.settle()
                self.add(data, group, "disk", work(data.path))
            for tool in images:
                self.add(data, group, tool.name, in_mount(tool))
            for tool in self.tools:
                if tool.present():
                    self.add(data, group, tool.name + self.many,
                             self.current(tool, data) or in_mount(tool))
        self.absent(data, group)

    def command(self, *argv):
        return self.runner.run(list(argv), self.plain_env())

    # Groups

    def mount(self, data):
        box = data.name == "box"
        folder = os.path.join(self.mailbox(data), "Maildir/cur") if box \
            else self.large_folder(data)
        self.absent(data, "mount")
        for _ in range(self.opt.runs):
            for tool in self.tools:
                if tool.present():
                    self.add(data, "mount", tool.name + self.many,
                             self.current(tool, data) or self.mounted(
                                 tool, data, lambda at, t=tool: self.ls(
                                     t, data, at, folder)))

    def ls(self, tool, data, at, folder):
        """Seconds until the root and then one folder are listed."""
        sample = measure.Sample()
        list_folder(at.at)
        sample.wall = time.monotonic() - at.start
        sample.peak, sample.cpu = at.usage()
        then = time.monotonic()
        n = list_folder(os.path.join(
            tool.in_mount(data.name, at.at, data.path), folder))
        sample.extra["folder"] = time.monotonic() - then
        sample.extra["entries"] = n
        sample.extra["folder_peak"] = at.usage()[0]
        return sample

    def list(self, data):
        folder = self.large_folder(data)
        self.each_mount(data, "list", lambda start: self.command(
            "ls", "-l", os.path.join(start, folder)))

    def find(self, data):
        self.each_mount(data, "find", lambda start: self.command(
            "find", start, "-printf", "%p %y %m %U %G %s %T@ %i %n\\n"))

    def copy(self, data):
        box = self.mail(data)
        size = measure.sizes(os.path.join(data.path, box))[0]
        self.say("mailbox %s, %d MiB" % (box, size >> 20))

        def work(start):
            out = self.scratch.target(size)
            sample = self.command("cp", "-a", os.path.join(start, box), out)
            remove(out)
            return sample
        self.each_mount(data, "copy", work)

    def grep(self, data):
        box = self.mail(data)
        # 1 is "not found", which it is not.
        self.each_mount(data, "grep", lambda start: self.command(
            "sh", "-c", 'grep -r "no such words" "$1"; test $? = 1', "sh",
            os.path.join(start, box)))

    def big(self, data):
        self.each_mount(data, "big", lambda start: self.command(
            "cat", os.path.join(start, "large")))

    def random(self, data):
        box = os.path.join(data.path, self.mail(data))
        names = sorted(os.path.relpath(os.path.join(top, f), data.path)
                       for top, _, files in os.walk(box) for f in files
                       if os.path.isfile(os.path.join(top, f)))
        names = random.Random(self.opt.seed).sample(
            names, min(RANDOM_MAILS, len(names)))
        listing = self.scratch.path("random")
        with open(listing, "wb") as f:
            f.write(b"".join(os.fsencode(n) + b"\0" for n in names))
        self.each_mount(data, "random", lambda start: self.command(
            "sh", "-c", 'cd "$1" && xargs -0 cat -- <"$2"', "sh", start,
            listing))

    def archives(self, data):
        """Mounts of 10 and of many archives, muniment alone; and with the
        box, all of its groups again in repositories of many."""
        for tool in self.tools:
            if not tool.present():
                continue
            if data.name == "box":
                self.among_many(tool, data)
            elif tool.covers_limits and \
                    data is list(self.data.values())[0]:
                for n in sorted({10, self.opt.archives}):
                    self.archives_of(tool, n)

    def among_many(self, tool, data):
        if self.current(tool, data):
            return
        wanted_tools, self.tools = self.tools, [tool]
        last = tool.count[data.name]
        small = self.scratch.fresh("data", "small")
        self.say("%s: %d archives more" % (tool.name, self.opt.archives))
        for _ in range(self.opt.archives):
            made = self.call(tool, tool.create(data.name, small))
            if made.error:
                self.add(data, "archives", tool.name, made)
                break
        tool.count[data.name] = last
        self.say("%s: they are made" % tool.name)
        tool.whole = True
        self.many = ", %d archives" % self.opt.archives
        for group in self.opt.group:
            if group in BOX_ONLY or group == "mount":
                getattr(self, group)(data)
        self.many = ""
        tool.whole = False
        self.tools = wanted_tools

    def archives_of(self, tool, n):
        small = self.new_data("%d archives" % n,
                              self.scratch.path("data", "small"))
        remove(small.path)
        self.mkmail("--out", small.path, "--tiny", "20")
        sample = self.new_repo(tool, small)
        for _ in range(n):
            if sample is None:
                made = self.back_up(tool, small)
                sample = made if made.error else None
        if sample is not None:
            self.add(small, "archives", tool.name, sample)
            return
        for _ in range(self.opt.runs):
            self.add(small, "archives", tool.name, self.mounted(
                tool, small, lambda at: self.ls(tool, small, at, ".")))
        remove(tool.repo(small.name))
