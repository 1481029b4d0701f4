# SPDX-License-Identifier: BSD-2-Clause
"""Medians, the tables, and what DESIGN section 10 asks for."""

import json
import os
import platform
import statistics
import subprocess
import time

from benchlib import groups, mounts

MIB = 1 << 20
TAR, FIND, CP = "tar | zstd -3 -T2", "find -printf", "cp -a"


def median(samples, field):
    """Over the runs that worked, and only if all did; else None."""
    if not samples or any(s.error for s in samples):
        return None
    found = [s.extra.get(field) if field in s.extra else
             getattr(s, field, None) for s in samples]
    found = [v for v in found if v is not None]
    return statistics.median(found) if found else None


def peak(samples, field="peak"):
    values = [s.extra.get(field) if field in s.extra else
              getattr(s, field, None) for s in samples or [] if not s.error]
    values = [v for v in values if v]
    return max(values) if values else None


def number(value, scale=1, digits=2):
    return "" if value is None else "%.*f" % (digits, value / scale)


def spread(samples):
    walls = [s.wall for s in samples]
    return "%.2f..%.2f" % (min(walls), max(walls))


def row(name, samples, group):
    if not samples:
        return [name, "not measured"]
    bad = [s for s in samples if s.error]
    if bad:
        return [name, "FAILED", "", "", "", "", "",
                "%d of %d runs: %s" % (len(bad), len(samples),
                                       bad[-1].error)]
    notes = sorted({s.note for s in samples if s.note})
    if group in ("mount", "archives"):
        notes.append("then ls of %d entries %.3f s, peak %.0f MiB" % (
            median(samples, "entries"), median(samples, "folder"),
            peak(samples, "folder_peak") / MIB))
    return [name, number(median(samples, "wall"), digits=3),
            spread(samples), number(median(samples, "cpu")),
            number(peak(samples), MIB, 1),
            number(median(samples, "stored"), MIB, 1),
            number(median(samples, "blocks"), MIB, 1),
            "; ".join(notes)]


HEAD = ["tool", "wall s", "range", "CPU s", "peak MiB", "stored MiB",
        "on disk MiB", "note"]


def table(head, rows):
    rows = [[c.replace("|", "\\|") for c in r[:len(head)]] +
            [""] * (len(head) - len(r)) for r in rows]
    width = [max(len(r[k]) for r in [head] + rows) for k in range(len(head))]
    lines = [head, ["-" * w for w in width]] + rows
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(r, width)) +
                     " |" for r in lines) + "\n"


class Limit:
    """One row: 'value' may be at most 'bound'; both in the same unit."""

    def __init__(self, work, limit, value=None, bound=None, note="", unit="s",
                 strict=False):
        self.work, self.limit, self.note, self.unit = work, limit, note, unit
        self.value, self.bound, self.strict = value, bound, strict

    def ratio(self):
        if self.value is None or not self.bound:
            return None
        return self.value / self.bound

    def verdict(self):
        if self.ratio() is None:
            return "not measured"
        if self.strict:
            return "met" if self.ratio() < 1 else "not met"
        return "met" if self.ratio() <= 1 else "not met"

    def cells(self):
        scale = MIB if self.unit == "MiB" else 1
        return [self.work, self.limit,
                number(self.value, scale, 3), number(self.bound, scale, 3),
                self.unit, number(self.ratio()), self.verdict(), self.note]


def times(bound, factor, plus=0.0):
    return None if bound is None else bound * factor + plus


def speed_limits(get, tool, data):
    """The limits that hold for a data set, where they were measured."""
    def wall(group, name):
        return median(get(data, group, name), "wall")

    first, extract = wall("first", tool), wall("extract", tool)
    return [
        Limit("first backup, " + data, "not slower than tar | zstd -3 -T2",
              first, wall("first", TAR)),
        Limit("first backup, " + data, "half of borg's time with lz4", first,
              times(wall("first", "borg lz4"), 0.5), "borg as installed"),
        Limit("nothing changed, " + data, "2 x find -printf + 0.2 s",
              wall("nothing", tool), times(wall("nothing", FIND), 2, 0.2)),
        Limit("extract, " + data, "1.1 x cp -a", extract,
              times(wall("extract", CP), 1.1)),
    ]


def memory_limit(bench, samples, work, files, what, note=""):
    """Of work on a tree of tiny files; those of over 128 bytes are objects."""
    tiny = bench.data.get("tiny")
    value = peak(samples)
    if value is None or tiny is None:
        return Limit(work, what, unit="MiB")
    if tiny.files < files:
        return Limit(work, what, unit="MiB",
                     note="%.0f MiB for %d files" % (value / MIB, tiny.files))
    return Limit(work, what, value, 150 * MIB, "%d files" % tiny.files + note,
                 "MiB")


def memory_limits(bench, get, tool):
    return [memory_limit(bench, get("tiny", "first", tool),
                         "memory of a backup", 1000000,
                         "150 MiB for 1,000,000 files, 2,500,000 objects",
                         ", an empty repository"),
            memory_limit(bench, get("tiny", "free", tool),
                         "memory of a compaction", 2500000,
                         "150 MiB for 2,500,000 tiny files")]


def mount_limits(bench, get, tool):
    rows = []
    for data in ["mail", "tiny", "box"]:
        samples = get(data, "mount", tool)
        if data == "box" and not samples:
            continue
        rows.append(Limit("first ls of a mount, " + data, "0.1 s",
                          median(samples, "wall"), 0.1))
        rows.append(Limit("first ls of a mount, " + data, "64 MiB",
                          peak(samples), 64 * MIB, unit="MiB"))
    few = get("10 archives", "archives", tool)
    many = get("%d archives" % bench.opt.archives, "archives", tool)
    # The clock and the scheduler are worth some milliseconds.
    rows.append(Limit(
        "first ls of a mount", "the same for 10 and for 1,000 archives",
        median(many, "wall"), times(median(few, "wall"), 1.25, 0.01),
        "%d archives; the same: 1.25 x + 10 ms" % bench.opt.archives))
    return rows + box_limits(bench, get, tool)


def box_limits(bench, get, tool):
    among = "%s, %d archives" % (tool, bench.opt.archives)
    rows, peaks = [], []
    for name in (tool, among):
        copy = median(get("box", "copy", name), "wall")
        if name == among and copy is None:
            continue
        work = "copying a mailbox out of a mount" + name[len(tool):]
        rows.append(Limit(work, "faster than squashfs (zstd)", copy,
                          median(get("box", "copy", "squashfs zstd"), "wall"),
                          strict=True))
        rows.append(Limit(work, "2 x cp from the disk", copy,
                          times(median(get("box", "copy", "disk"), "wall"),
                                2)))
        peaks += [peak(get("box", group, name)) for group in mounts.BOX_ONLY]
    peaks = [p for p in peaks if p]
    rows.append(Limit("memory of a mount", "cache (64 MiB) + 64 MiB",
                      max(peaks) if peaks else None, 128 * MIB, unit="MiB"))
    return rows


def size_limits(get, tool):
    def stored(name):
        return median(get("mail", "first", name), "stored")

    rows = [Limit("stored size of a mail store", "under %s's" % name,
                  stored(tool), stored(name), unit="MiB", strict=True)
            for name in ("restic", "borg lz4", "borg zstd,3")]
    rows.append(Limit("stored size of a mail store",
                      "0.7 x restic's (mail-aware)", stored(tool),
                      times(stored("restic"), 0.7), unit="MiB"))
    return rows


def limits(bench):
    def get(data, group, name):
        return bench.results.get((data, group, name), [])

    tool = "muniment"
    rows = speed_limits(get, tool, "mail") + speed_limits(get, tool, "tiny")
    rows += memory_limits(bench, get, tool)
    rows += mount_limits(bench, get, tool)
    rows += size_limits(get, tool)
    rows.append(Limit("sftp", "80 % of sftp put and get at 0, 20, 50 ms",
                      note="not part of this run"))
    return rows


def machine(bench):
    cpu = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    kind = subprocess.run(["stat", "-f", "-c", "%T", bench.scratch.root],
                          stdout=subprocess.PIPE, text=True, check=False)
    return {"cpu": cpu, "cpus": len(os.sched_getaffinity(0)),
            "memory_bytes": memory, "kernel": platform.release(),
            "file_system": kind.stdout.strip(),
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(
                bench.started)),
            "tools": {t.name: version(t) for t in bench.tools}}


def version(tool):
    if not tool.present():
        return "absent"
    try:
        got = subprocess.run(tool.version(), stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True,
                             env=tool.env(), timeout=30, check=False)
        return (got.stdout.strip().splitlines() or ["?"])[0]
    except (OSError, subprocess.TimeoutExpired) as e:
        return str(e)


def save(bench, rows, path):
    opt = {k: v for k, v in vars(bench.opt).items()
           if k not in ("muniment", "helpers", "dir", "json")}
    result = {
        "machine": machine(bench),
        "options": opt,
        "complete": not bench.interrupted,
        "data": {d.name: {"files": d.files, "bytes": d.bytes}
                 for d in bench.data.values()},
        "results": [{"data": k[0], "group": k[1], "tool": k[2],
                     "median": {f: median(v, f) for f in (
                         "wall", "cpu", "stored", "blocks")},
                     "peak": peak(v), "runs": [s.as_dict() for s in v]}
                    for k, v in bench.results.items()],
        "limits": [{"work": r.work, "limit": r.limit, "value": r.value,
                    "bound": r.bound, "unit": "bytes" if r.unit == "MiB" else
                    r.unit, "ratio": r.ratio(), "verdict": r.verdict(),
                    "note": r.note} for r in rows],
    }
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


def show(bench, rows):
    m = machine(bench)
    opt = bench.opt
    print("## Measured\n\n%s, %d CPUs, %d GiB, Linux %s, %s; %s. Median of "
          "%d runs, tool by tool, page cache %s.\n" % (
              m["cpu"], m["cpus"], m["memory_bytes"] >> 30, m["kernel"],
              m["file_system"], "; ".join("%s: %s" % i for i in
                                          m["tools"].items()),
              opt.runs, "emptied before each" if opt.cold else "as it is"))
    for d in bench.data.values():
        print("- %s%s: %d files, %.1f MiB" % (
            d.name, " (%s)" % opt.profile if d.name == "mail" else "",
            d.files, d.bytes / MIB))
    seen = []
    for data, group, _ in bench.results:
        if (data, group) not in seen:
            seen.append((data, group))
    for data, group in seen:
        print("\n### %s: %s\n" % (data, groups.TITLES[group]))
        if group == "hour":
            print("Stored is what the hour added.\n")
        found = [(k[2], v) for k, v in bench.results.items()
                 if k[:2] == (data, group)]
        print(table(HEAD, [row(n, v, group) for n, v in found]), end="")
    print("\n## Limits\n")
    print(table(["work", "limit", "muniment", "bound", "unit", "ratio",
                 "verdict", "note"], [r.cells() for r in rows]), end="")
