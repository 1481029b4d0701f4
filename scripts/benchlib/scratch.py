# SPDX-License-Identifier: BSD-2-Clause
"""The scratch folder, and the promise that nothing of it is left behind."""

import os
import shutil
import subprocess
import sys
import tempfile
import time


def mounts_below(path):
    """Mount points in or below a folder, the innermost first."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8",
              errors="surrogateescape") as f:
        for line in f:
            at = line.split()[4].encode().decode("unicode_escape")
            if at == path or at.startswith(path + "/"):
                found.append(at)
    return sorted(found, key=len, reverse=True)


def unmount(path):
    """Undo a mount by force; its daemon ends by itself."""
    for cmd in (["fusermount3", "-u"], ["umount"], ["fusermount3", "-uz"],
                ["umount", "-l"]):
        try:
            if subprocess.run(cmd + [path], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL,
                              timeout=20).returncode == 0:
                return
        except (OSError, subprocess.TimeoutExpired):
            pass
        if path not in mounts_below(path):
            return
        time.sleep(0.2)


def remove(path):
    """rm -rf that follows nothing and tolerates what is not there."""
    for at in mounts_below(path):
        unmount(at)
    if os.path.lexists(path):
        shutil.rmtree(path, onerror=_writable)


def _writable(function, path, _):
    # An extracted folder may not be writable by its owner.
    os.chmod(os.path.dirname(path), 0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, 0o700)
    function(path)


MEMORY = "/dev/shm"


def memory_has(size):
    """Room for 'size' bytes twice over, in memory that nobody uses."""
    try:
        st = os.statvfs(MEMORY)
        with open("/proc/meminfo", encoding="ascii") as f:
            free = [int(line.split()[1]) << 10 for line in f
                    if line.startswith("MemAvailable:")]
    except OSError:
        return False
    return min([st.f_bavail * st.f_frsize] + free) > 2 * size + (1 << 30)


class Scratch:
    """with Scratch(None) as s: s.path(...) is below a folder that ends."""

    def __init__(self, wanted):
        self.procs = []
        self.memory = None
        if wanted is None:
            parent = os.environ.get("TMPDIR") or "/var/tmp"
            self.root = tempfile.mkdtemp(prefix="muniment-bench-", dir=parent)
            return
        self.root = os.path.abspath(wanted)
        os.makedirs(self.root, exist_ok=True)
        if os.listdir(self.root):
            sys.exit("bench: '%s' is not empty" % self.root)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def fresh(self, *parts):
        """An empty folder of this name."""
        at = self.path(*parts)
        remove(at)
        os.makedirs(at, mode=0o700)
        return at

    def target(self, size):
        """An empty folder for 'size' bytes that are copied out: in memory if
        there is room.  A file system that has just deleted thousands of files
        may be slow to make new ones (ext4 without a journal looks for names
        deleted in the last minutes), which is not what is measured."""
        remove(self.path("out"))
        if not memory_has(size):
            return self.fresh("out")
        if not self.memory:
            self.memory = tempfile.mkdtemp(prefix="muniment-bench-",
                                           dir=MEMORY)
        at = os.path.join(self.memory, "out")
        remove(at)
        os.makedirs(at, mode=0o700)
        return at

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Unmounting ends the daemons; a foreground one is waited for.
        for at in mounts_below(self.root):
            unmount(at)
        for proc in self.procs:
            if proc.poll() is None:
                proc.terminate()
                try:
                    proc.wait(10)
                except subprocess.TimeoutExpired:
                    proc.kill()
                    proc.wait()
        remove(self.root)
        if self.memory:
            remove(self.memory)
        return False
