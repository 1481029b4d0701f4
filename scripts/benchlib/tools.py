# SPDX-License-Identifier: BSD-2-Clause
"""How each of the programs is called."""

import os
import shutil

PASSPHRASE = "bench"


class Tool:
    """A backup program with a repository of its own for each data set.

    'latest' maps a data set to the generation of it that the newest archive
    holds, so that a group can tell whether it must back up first.
    """

    name = command = None
    warn_status = ()
    covers_limits = False
    levels = False          # a check has some
    force = ""              # a prune that asks nothing
    whole = False           # a mount shows all archives, not the newest only

    def __init__(self, scratch):
        self.scratch = scratch
        self.home = scratch.path("home", self.name.replace(" ", "-"))
        self.latest = {}
        self.count = {}

    def present(self):
        return shutil.which(self.command) is not None

    def version(self):
        return [self.command, "--version"]

    def repo(self, data):
        name = "%s-%s" % (self.name, data)
        return self.scratch.path("repo", name.replace(" ", "-"))

    def env(self):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("BORG_", "RESTIC_", "MUNIMENT_", "XDG_"))}
        os.makedirs(self.home + "/tmp", exist_ok=True)
        env.update(HOME=self.home, TMPDIR=self.home + "/tmp",
                   XDG_CACHE_HOME=self.home + "/.cache",
                   XDG_CONFIG_HOME=self.home + "/.config",
                   XDG_DATA_HOME=self.home + "/.local/share",
                   XDG_STATE_HOME=self.home + "/.local/state",
                   LC_ALL="C.UTF-8")
        return env

    def next_archive(self, data):
        self.count[data] = self.count.get(data, 0) + 1
        return self.archive(data)

    def archive(self, data):
        return "a%04d" % self.count[data]

    # Each returns an argument list.
    def init(self, data):
        raise NotImplementedError

    def create(self, data, path):
        raise NotImplementedError

    def extract(self, data):
        """Into the current folder."""
        raise NotImplementedError

    def check(self, data, *args):
        raise NotImplementedError

    def verify(self, data):
        return self.check(data, "--verify-data")

    def compact(self, data):
        return [self.command, "compact", self.repo(data)]

    def keep_newest(self, data):
        """Delete all archives but the newest, and free their room."""
        return ["sh", "-c", '"$1" prune %s --keep-last 1 "$2" && '
                '"$1" compact "$2"' % self.force, "sh", self.command,
                self.repo(data)]

    def mount(self, data, at):
        raise NotImplementedError

    def umount(self, at):
        return ["fusermount3", "-u", at]

    def in_mount(self, data, at, path):
        """Where the folder that was backed up is in the mount."""
        return at + path

    def in_extract(self, at, path):
        return at + path


class Muniment(Tool):
    name = "muniment"
    warn_status = (1,)
    covers_limits = True
    levels = True
    force = "--force"

    def __init__(self, scratch, command):
        super().__init__(scratch)
        self.command = command

    def present(self):
        return os.access(self.command, os.X_OK)

    def env(self):
        return dict(super().env(), MUNIMENT_PASSPHRASE=PASSPHRASE)

    def init(self, data):
        return [self.command, "init", "-e", "repokey", self.repo(data)]

    def create(self, data, path):
        return [self.command, "create",
                self.repo(data) + "::" + self.next_archive(data), path]

    def extract(self, data):
        return [self.command, "extract",
                self.repo(data) + "::" + self.archive(data)]

    def check(self, data, *args):
        return [self.command, "check", *args, self.repo(data)]

    def mount(self, data, at):
        return [self.command, "mount", self.repo(data), at]

    def umount(self, at):
        return [self.command, "umount", at]

    def in_mount(self, data, at, path):
        return os.path.join(at, self.archive(data)) + path


class Borg(Tool):
    command = "borg"
    warn_status = (1,)

    def __init__(self, scratch, compression):
        self.name = "borg " + compression
        super().__init__(scratch)
        self.compression = compression

    def env(self):
        return dict(super().env(), BORG_PASSPHRASE=PASSPHRASE,
                    BORG_BASE_DIR=self.home,
                    BORG_RELOCATED_REPO_ACCESS_IS_OK="yes")

    def init(self, data):
        return ["borg", "init", "-e", "repokey-blake2", self.repo(data)]

    def create(self, data, path):
        return ["borg", "create", "-C", self.compression,
                self.repo(data) + "::" + self.next_archive(data), path]

    def extract(self, data):
        return ["borg", "extract", self.repo(data) + "::" + self.archive(data)]

    def check(self, data, *args):
        return ["borg", "check", *args, self.repo(data)]

    def mount(self, data, at):
        archive = "" if self.whole else "::" + self.archive(data)
        return ["borg", "mount", self.repo(data) + archive, at]

    def umount(self, at):
        return ["borg", "umount", at]

    def in_mount(self, data, at, path):
        if self.whole:
            at = os.path.join(at, self.archive(data))
        return at + path


class Restic(Tool):
    name = command = "restic"

    def version(self):
        return ["restic", "version"]

    def env(self):
        return dict(super().env(), RESTIC_PASSWORD=PASSPHRASE,
                    RESTIC_CACHE_DIR=self.home + "/restic",
                    RESTIC_PROGRESS_FPS="0.1")

    def _call(self, data, *args):
        return ["restic", "-q", "-r", self.repo(data)] + list(args)

    def init(self, data):
        # Version 2 is the one that compresses.
        return self._call(data, "init", "--repository-version", "2")

    def create(self, data, path):
        return self._call(data, "backup", "--tag", self.next_archive(data), path)

    def extract(self, data):
        return self._call(data, "restore", "latest", "--target", ".")

    def check(self, data, *args):
        return self._call(data, "check", *args)

    def verify(self, data):
        return self.check(data, "--read-data")

    def compact(self, data):
        return self._call(data, "prune")

    def keep_newest(self, data):
        return self._call(data, "forget", "--keep-last", "1", "--prune")

    def mount(self, data, at):
        return self._call(data, "mount", at)

    def in_mount(self, data, at, path):
        folder = "tags/" + self.archive(data) if self.whole else "snapshots"
        return os.path.join(at, folder, "latest") + path


def make(scratch, muniment, wanted):
    """The tools that are asked for, present or not: "borg", "borg-lz4"."""
    found = [Muniment(scratch, muniment), Borg(scratch, "lz4"),
             Borg(scratch, "zstd,3"), Restic(scratch)]
    if wanted == "all":
        return found
    words = set(wanted.split())
    names = {t: {t.name.split()[0], t.name.replace(" ", "-")} for t in found}
    unknown = words.difference(*names.values())
    if unknown:
        raise SystemExit(f"bench: no tool is called '{unknown.pop()}'")
    return [t for t in found if names[t] & words]


class Image(Tool):
    """A read-only image of the data, compressed with zstd."""

    command = "mksquashfs"

    def image(self, data):
        return self.scratch.path("repo", data + ".squashfs")

    def make(self, data, path):
        return ["mksquashfs", path, self.image(data), "-comp", "zstd",
                "-noappend", "-quiet", "-no-progress"]

    def umount(self, at):
        return ["umount", at]

    def in_mount(self, data, at, path):
        return at


class Squashfs(Image):
    name = "squashfs zstd"

    def present(self):
        return super().present() and os.geteuid() == 0

    def mount(self, data, at):
        return ["mount", "-t", "squashfs", "-o", "loop,ro", self.image(data),
                at]


class Squashfuse(Image):
    name = "squashfuse"

    def present(self):
        return super().present() and shutil.which(self.name) is not None

    def mount(self, data, at):
        return ["squashfuse", "-f", self.image(data), at]


def images(scratch):
    return [Squashfs(scratch), Squashfuse(scratch)]
