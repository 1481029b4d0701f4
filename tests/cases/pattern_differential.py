#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
"""Random lists of patterns against random paths: borg's own matcher and ours
must agree on every verdict.  PATTERN_LISTS says how many, PATTERN_SEED
which."""
import os
import random
import subprocess
import sys
import warnings

try:
    from borg.patterns import (
        IECommand, PatternMatcher, ShellPattern,
        parse_exclude_pattern, parse_inclexcl_command)
except ImportError:
    print("borg's python module is not installed")
    sys.exit(77)

LISTS = int(os.environ.get("PATTERN_LISTS", "20000"))
PATHS = 25
SEED = int(os.environ.get("PATTERN_SEED", "20260714"))
NAMES = ["a", "b", "ab", "ba", "aab", "c.d", ".a", "x", "ä", "aä", "\udcff",
         "a\udce4", "日本", "[a]", "a]", "!", "-", "a-b", "\\", "{a,b}", "a b",
         "cur", "new", ".Sent", "tmp", "^", "~", "&&", "\n", "A"]
GLOB = ["*", "**", "**/", "?", "[ab]", "[!a]", "[a-c]", "[c-a]", "[", "]",
        "[!", "[]a]", "[!]a]", "[a", "/", "/", "a", "b", "ab", "*.d", "?*",
        "[^a]", "[a-]", "[-a]", "[a-c-e]", "[!c-a]", "[b-a!]", "[b-a!x]",
        "[ä]", "[!ä]", "[a-ä]", "[\\]", "[\\a]", "[a-\\]", "[[]", "[/]", "[!/]",
        "*a", "a*", "*b*", "**a", "{", "}", ".", "..", "../", "./", "//", "ä",
        "\udcff", "[\udc80-\udcff]", "&", "[&&a]", "[~~]", "[--a]", "[+--]",
        "[a--b]", "日", "[日-本]", "^", "$", "\\", "-", "!", " "]
SET = "ab-!]^[\\/ä&~|x"
REGEX = ["a", "b", ".", ".*", "a+", "^", "$", "[ab]", "[^a]", "(a|b)", "/",
         "\\.", "b?", "(?:ab)*", "\\w", "\\d", "\\s", "x{1,2}", "\\Z", "ä",
         "(a)\\1", "(?P<n>b)(?P=n)", "(?i:A)", "\\b", "(?!a)", "(?<=a)b",
         "\\u00e4", "\\x61", "[\\w]", "\\x6", "\\u00e", "\\h", "\\Q"]
STYLES = ["fm", "sh", "pp", "pf", "re", ""]


def text_of(rng, words, most):
    return "".join(rng.choice(words) for _ in range(rng.randint(0, most)))


def random_path(rng):
    if rng.random() < 0.2:      # few letters, so that stars have a choice
        return text_of(rng, ["a", "b", "a", "b", "/", "ab/"], 14) + "a"
    path = "/".join(rng.choice(NAMES) if rng.random() < 0.8 else
                    text_of(rng, ["a", "b", ".", "ä", "-", "]"], 4) + "z"
                    for _ in range(rng.randint(1, 5)))
    return rng.choice(["", "", "/", "//"]) + path


def random_set(rng):
    return "[" + "".join(rng.choice(SET)
                         for _ in range(rng.randint(0, 6))) + "]"


def random_body(rng, style):
    if style == "re":
        return text_of(rng, REGEX, 5)
    roll = rng.random()
    if roll < 0.3:
        body = random_path(rng)
    elif roll < 0.5:
        body = rng.choice(["", "/"]) + "/".join(
            rng.choice(NAMES + ["*", "**", "?", "*a*"])
            for _ in range(rng.randint(1, 4)))
    elif roll < 0.6:
        body = text_of(rng, ["*", "*", "**", "**/", "**/", "a", "b", "a", "/"],
                       rng.choice([9, 14]))
    elif roll < 0.75:
        body = text_of(rng, ["a", "*", "b"], 2) + random_set(rng) + \
            text_of(rng, ["a", "*", "b", "/"], 2)
    else:
        body = text_of(rng, GLOB, 6)
    return body + rng.choice(["", "", "", "/"])


def random_rule(rng):
    style = rng.choice(STYLES)
    text = (style + ":" if style else "") + random_body(rng, style)
    kind = rng.choice(["exclude", "line", "line", "line", "path"])
    if kind == "line":
        if rng.random() < 0.05:
            return kind, "P " + rng.choice(STYLES[:5] + ["xx", "f"])
        text = rng.choice("+-!") + rng.choice([" ", "", "  "]) + text
    return kind, text


class Borg:
    def __init__(self):
        self.matcher = PatternMatcher(fallback=None)
        self.paths = []
        self.style = ShellPattern

    def add(self, kind, text):
        if kind == "exclude":
            self.matcher.add_inclexcl([parse_exclude_pattern(text)])
        elif kind == "path":
            PatternMatcher().add_includepaths([text])
            self.paths.append(text)
        else:
            command = parse_inclexcl_command(text, fallback=self.style)
            if command.cmd is IECommand.PatternStyle:
                self.style = command.val
            elif command.cmd is not IECommand.RootPath:
                self.matcher.add_inclexcl([command])

    def seal(self):
        self.matcher.add_includepaths(self.paths)
        self.wanted = self.matcher.fallback
        self.matcher.fallback = None

    def verdict(self, path):
        found = self.matcher.match(path)
        if found is None:
            return f"NONE {int(self.wanted)}"
        if found:
            return "INCLUDE 1"
        return "EXCLUDE 0" if self.matcher.recurse_dir else "TREE 0"


def encode(text):
    return text.encode("utf-8", "surrogateescape").hex()


def one_list(rng, ask, expect):
    borg = Borg()
    ask.append("new")
    rules = []
    for _ in range(rng.randint(1, 6)):
        kind, text = random_rule(rng)
        text = bytes.fromhex(encode(text)).decode("utf-8", "surrogateescape")
        if ".." in text:
            continue    # borg 1.2 does not take "../" from paths
        ask.append(f"{kind} {encode(text)}")
        rules.append((kind, text))
        try:
            borg.add(kind, text)
            answer = "ok"
        except Exception:    # whatever borg dies of: re.error, ValueError ...
            answer = "bad"
        expect.append((answer, list(rules), None))
    borg.seal()
    for _ in range(PATHS):
        path = random_path(rng)
        ask.append("match " + encode(path))
        expect.append((borg.verdict(path), rules, path))


def main():
    warnings.simplefilter("ignore")
    tool = os.path.join(os.environ.get("BUILD", "build"), "tools",
                        "patternmatch")
    rng = random.Random(SEED)
    ask, expect = [], []
    for _ in range(LISTS):
        one_list(rng, ask, expect)
    run = subprocess.run([tool], input="\n".join(ask) + "\n", text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         check=True)
    got = run.stdout.splitlines()
    bad = 0
    for (want, rules, path), have in zip(expect, got):
        if want != have:
            bad += 1
            if bad <= 20:
                print(ascii(f"{rules} path {path}: borg {want}, ours {have}"))
    if len(got) != len(expect):
        print(f"{len(got)} answers to {len(expect)} questions")
        bad += 1
    kinds = {}
    for want, _, _ in expect:
        kinds[want] = kinds.get(want, 0) + 1
    print(len(expect), "questions,", bad, "differ:", kinds)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
