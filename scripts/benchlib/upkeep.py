# SPDX-License-Identifier: BSD-2-Clause
"""What is measured of a repository's upkeep: checks, and room made free.

With their defaults borg reads all of its segments in a check, as muniment
reads all packs; restic reads only what is about its packs.
"""

from benchlib import measure

TITLES = {
    "check": "check",
    "contents": "check of all contents",
    "idle": "compaction with nothing to free",
    "free": "all but the newest archive deleted, their room freed",
}
LEVELS = ("names", "index", "metadata")        # less than as it comes


class Upkeep:
    """For Bench."""

    def kept(self, data, group, argv):
        """A command on a repository that has the data as it is."""
        self.each(data, group, lambda tool: self.current(tool, data) or
                  self.settled(tool, argv(tool)))

    def settled(self, tool, argv):
        self.runner.settle()
        return self.call(tool, argv)

    def check(self, data):
        self.kept(data, "check", lambda tool: tool.check(data.name))
        for tool in self.tools:
            if not tool.levels or not tool.present():
                continue
            for level in LEVELS:
                for _ in range(self.opt.runs):
                    self.add(data, "check", "%s, %s" % (tool.name, level),
                             self.settled(tool, tool.check(
                                 data.name, "--level", level)))

    def contents(self, data):
        self.kept(data, "contents", lambda tool: tool.verify(data.name))

    def idle(self, data):
        self.kept(data, "idle", lambda tool: tool.compact(data.name))

    def free(self, data):
        self.absent(data, "free")
        present = [t for t in self.tools if t.present()]
        for tool in present:
            self.current(tool, data)
        for _ in range(self.opt.runs):
            self.evolve(data)
            for tool in present:
                sample = self.current(tool, data)
                if not sample:
                    sample = self.settled(tool, tool.keep_newest(data.name))
                if not sample.error:
                    sample.stored, sample.blocks = measure.sizes(
                        tool.repo(data.name))
                self.add(data, "free", tool.name, sample)
