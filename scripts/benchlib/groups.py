# SPDX-License-Identifier: BSD-2-Clause
"""What is measured, group by group."""

import os
import subprocess
import sys
import time

from benchlib import measure, mounts, tools, upkeep
from benchlib.scratch import remove

TITLES = {
    "first": "first backup",
    "nothing": "backup with nothing changed",
    "hour": "backup one hour later",
    "extract": "extract",
}
TITLES.update(upkeep.TITLES)
TITLES.update(mounts.TITLES)
NAMES = list(TITLES)


def chosen(text, parser):
    names = NAMES if text == "all" else text.replace(",", " ").split()
    if "mount" in names:
        names = names + list(mounts.TITLES)
    for name in names:
        if name not in NAMES:
            parser.error("no group is called '%s'" % name)
    return [n for n in NAMES if n in names]


class Broken(Exception):
    """The benchmark itself cannot go on."""


class Data:
    """A generated folder; 'generation' counts its changes."""

    def __init__(self, name, path):
        self.name = name
        self.path = path
        self.generation = 0
        self.files = 0
        self.bytes = 0
        self.manifest = None    # generation that the manifest is of


class Bench(mounts.Mounts, upkeep.Upkeep):
    """One run of everything; 'results' maps (data, group, tool) to the
    samples, in the order in which the rows are shown."""

    def __init__(self, opt, scratch):
        self.opt = opt
        self.scratch = scratch
        self.runner = measure.Runner(opt.helpers, scratch, opt.cold,
                                     opt.timeout)
        self.tools = tools.make(scratch, opt.muniment, opt.tools)
        self.data = {}
        self.results = {}
        self.interrupted = False
        self.many = ""          # what to call a tool with many archives
        self.started = time.time()
        os.makedirs(scratch.path("home"))
        os.makedirs(scratch.path("repo"))

    def failures(self):
        return [s for v in self.results.values() for s in v if s.error]

    def say(self, text):
        print("# %6.0f s  %s" % (time.time() - self.started, text),
              file=sys.stderr, flush=True)

    # Results

    def add(self, data, group, tool, sample):
        self.results.setdefault((data.name, group, tool), []).append(sample)
        took = "FAILED: " + sample.error if sample.error else \
            "%.3f s" % sample.wall
        self.say("%s, %s: %s: %s" % (data.name, TITLES[group], tool, took))

    def absent(self, data, group):
        """Rows for the tools that are not there, so that none is missed."""
        for tool in self.tools:
            if not tool.present():
                self.results.setdefault((data.name, group, tool.name), [])

    # Commands

    def plain_env(self):
        env = dict(os.environ, LC_ALL="C.UTF-8",
                   HOME=self.scratch.path("home"))
        return env

    def mkmail(self, *args):
        argv = [os.path.join(self.opt.helpers, "mkmail")] + list(args)
        got = subprocess.run(argv, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True,
                             env=self.plain_env())
        if got.returncode not in (0, 1):
            raise Broken("mkmail: " + measure.last_line(got.stderr))
        return got

    def yard(self, data, group, name, argv, cwd=None):
        self.runner.settle()
        self.add(data, group, name,
                 self.runner.run(argv, self.plain_env(), cwd))

    def call(self, tool, argv, cwd=None):
        return self.runner.run(argv, tool.env(), cwd, tool.warn_status)

    # Data

    def new_data(self, name, path):
        return Data(name, path)

    def make_data(self, name):
        data = Data(name, self.scratch.path("data", name))
        os.makedirs(self.scratch.path("data"), exist_ok=True)
        args = ["--out", data.path, "--seed", str(self.opt.seed)]
        if name == "tiny":
            args += ["--tiny", str(self.opt.tiny)]
        elif name == "box":
            args += ["--users", "1", "--mails", str(self.opt.box_mails),
                     "--bytes-approx", str(self.opt.box_bytes)]
        else:
            args += ["--mails", str(self.opt.mails), "--profile",
                     self.opt.profile, "--bytes-approx", str(self.opt.bytes)]
        self.mkmail(*args)
        if name == "box":
            self.add_large(data)
        data.bytes = measure.sizes(data.path)[0]
        data.files = sum(len(f) for _, _, f in os.walk(data.path))
        self.data[name] = data
        self.say("%s: %d files, %d MiB" % (name, data.files,
                                           data.bytes >> 20))
        return data

    def evolve(self, data):
        data.generation += 1
        args = ["--out", data.path, "--seed", str(self.opt.seed)]
        if data.name == "tiny":
            self.mkmail("--tiny", str(self.opt.tiny), "--evolve",
                        str(data.generation), *args)
        else:
            self.say(self.mkmail("--evolve", "1", *args).stdout.strip())

    def verify(self, data, sample, at):
        """Is what was extracted what was there?"""
        manifest = self.scratch.path(data.name + ".manifest")
        if data.manifest != data.generation:
            self.mkmail("--out", data.path, "--scan", "--manifest", manifest)
            data.manifest = data.generation
        if not os.path.isdir(at):
            sample.error = "'%s' was not extracted" % at
            return
        # Some of them do not restore the times of folders.
        got = self.mkmail("--out", at, "--verify", manifest, "--ignore",
                          "dirtimes")
        lines = got.stdout.splitlines()
        if lines:
            sample.error = "%d differences, first: %s" % (len(lines),
                                                          lines[0][:120])
        else:
            sample.note = "verified"

    # Repositories

    def new_repo(self, tool, data):
        """None, or a sample that says why there is none."""
        tool.latest.pop(data.name, None)
        remove(tool.repo(data.name))
        sample = self.call(tool, tool.init(data.name))
        return sample if sample.error else None

    def back_up(self, tool, data):
        sample = self.call(tool, tool.create(data.name, data.path))
        if not sample.error:
            tool.latest[data.name] = data.generation
            sample.stored, sample.blocks = measure.sizes(
                tool.repo(data.name))
        return sample

    def current(self, tool, data):
        """Make sure that the newest archive is of the data as it is; None,
        or a sample that says why that cannot be."""
        if data.name not in tool.latest:
            sample = self.new_repo(tool, data)
            if sample:
                return sample
        elif tool.latest[data.name] == data.generation:
            return None
        self.say("%s: preparing %s" % (data.name, tool.name))
        sample = self.back_up(tool, data)
        return sample if sample.error else None

    def each(self, data, group, work, yards=()):
        """'work(tool)' gives a sample; tool by tool, run by run."""
        self.absent(data, group)
        for _ in range(self.opt.runs):
            for yard in yards:
                yard()
            for tool in self.tools:
                if tool.present():
                    self.runner.settle()
                    self.add(data, group, tool.name, work(tool))

    # Groups

    def first(self, data):
        out = self.scratch.path("yard.tar.zst")
        copy = self.scratch.path("yard-copy")
        parts = ["sh", "-c", 'tar -C "$1" -cf - . | zstd -3 -T2 -q -f -o "$2"',
                 "sh", data.path, out]

        def tar():
            self.yard(data, "first", "tar | zstd -3 -T2", parts)
            sample = self.results[data.name, "first",
                                  "tar | zstd -3 -T2"][-1]
            if not sample.error:
                st = os.stat(out)
                sample.stored, sample.blocks = st.st_size, st.st_blocks * 512
            os.unlink(out)

        def cp():
            self.yard(data, "first", "cp -a", ["cp", "-a", data.path, copy])
            remove(copy)

        def work(tool):
            remove(tool.home)
            return self.new_repo(tool, data) or self.settled_back_up(tool,
                                                                     data)
        self.each(data, "first", work, (tar, cp))

    def settled_back_up(self, tool, data):
        self.runner.settle()
        return self.back_up(tool, data)

    def walk(self, data, group):
        self.yard(data, group, "find -printf",
                  ["find", data.path, "-printf",
                   "%p %y %m %U %G %s %T@ %C@ %i %n\\n"])

    def nothing(self, data):
        self.each(data, "nothing",
                  lambda tool: self.current(tool, data) or
                  self.settled_back_up(tool, data),
                  (lambda: self.walk(data, "nothing"),))

    def hour(self, data):
        self.absent(data, "hour")
        for tool in self.tools:
            if tool.present():
                self.current(tool, data)
        for _ in range(self.opt.runs):
            self.evolve(data)
            self.walk(data, "hour")
            for tool in self.tools:
                if tool.present():
                    self.add(data, "hour", tool.name, self.hour_of(tool, data))

    def hour_of(self, tool, data):
        if data.name not in tool.latest:
            return measure.Sample(error="there is no archive before it")
        before, held = measure.sizes(tool.repo(data.name))
        sample = self.settled_back_up(tool, data)
        if not sample.error:
            sample.stored -= before
            sample.blocks -= held
        return sample

    def extract(self, data):
        def cp():
            out = self.scratch.target(data.bytes)
            self.yard(data, "extract", "cp -a",
                      ["cp", "-a", data.path, out + "/copy"])
            remove(out)

        def work(tool):
            sample = self.current(tool, data)
            if sample:
                return sample
            out = self.scratch.target(data.bytes)
            self.runner.settle()
            sample = self.call(tool, tool.extract(data.name), out)
            runs = self.results.get((data.name, "extract", tool.name), [])
            if not sample.error and len(runs) == self.opt.runs - 1:
                self.verify(data, sample, tool.in_extract(out, data.path))
            remove(out)
            return sample
        self.each(data, "extract", work, (cp,))

    def run(self):
        for name in self.opt.data:
            wanted = [g for g in self.opt.group if mounts.wanted(g, name)]
            if not wanted:
                continue
            self.say("making the data: " + name)
            data = self.make_data(name)
            for group in wanted:
                getattr(self, group)(data)
            # The next one needs the room.
            remove(data.path)
            for tool in self.tools:
                remove(tool.repo(name))
                remove(tool.home)
