#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Asking for a passphrase at a terminal: without echo, twice for a new one,
three times for a known one; and progress on a terminal."""
import os
import pty
import select
import signal
import sys
import termios
import time

TIMEOUT = 30


class Session:
    """A program on a terminal of its own."""

    def __init__(self, *argv, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env, TERM="xterm")
            os.execvp(argv[0], argv)
        self.seen = ""

    def expect(self, text):
        """Read until 'text' has come; what came before is returned."""
        end = time.monotonic() + TIMEOUT
        while text not in self.seen:
            if time.monotonic() > end:
                sys.exit(f"never saw {text!r}, but {self.seen!r}")
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                got = os.read(self.fd, 4096).decode(errors="replace")
            except OSError:
                got = ""
            if not got:
                sys.exit(f"ended without {text!r}: {self.seen!r}")
            self.seen += got
        before, _, self.seen = self.seen.partition(text)
        return before

    def echo(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, text):
        assert not self.echo(), "the terminal echoes"
        os.write(self.fd, text.encode() + b"\n")

    def end(self, status):
        while True:
            try:
                got = os.read(self.fd, 4096)
            except OSError:
                break
            if not got:
                break
            self.seen += got.decode(errors="replace")
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if code != status:
            sys.exit(f"ended with {code}, not {status}: {self.seen!r}")
        return self.seen


def test_new():
    s = Session("muniment", "init", "r")
    s.expect("New passphrase for ")
    s.expect("r: ")
    s.type("secret")
    s.expect("again: ")
    s.type("other")
    s.expect("differ")
    s.expect("r: ")
    s.type("")
    s.expect("not be empty")
    s.expect("r: ")
    s.type("secret")
    s.expect("again: ")
    s.type("secret")
    text = s.end(0)
    assert "made the repository" in text, text
    assert "secret" not in text, text


def test_display():
    s = Session("muniment", "init", "shown", MUNIMENT_DISPLAY_PASSPHRASE="y")
    s.expect("shown: ")
    s.type("secret")
    s.expect("again: ")
    s.type("secret")
    assert '"secret"' in s.end(0)


def test_known():
    s = Session("muniment", "list", "r")
    s.expect("Passphrase for ")
    s.expect("r: ")
    s.type("wrong")
    s.expect("not it")
    s.expect("r: ")
    s.type("secret")
    s.end(0)
    s = Session("muniment", "list", "r")
    for _ in range(3):
        s.expect("r: ")
        s.type("wrong")
    text = s.end(12)
    assert "wrong passphrase" in text, text


def test_interrupt():
    s = Session("muniment", "list", "r")
    s.expect("r: ")
    os.kill(s.pid, signal.SIGINT)
    s.expect("interrupted")
    # Linux keeps the settings of a terminal whose last user has gone.
    assert s.echo(), "the terminal does not echo any more"
    s.end(2)


def test_not_asked():
    """stdin and stderr are no terminals: there is nobody to ask."""
    s = Session("sh", "-c", "muniment list r </dev/null 2>err; echo rc $?")
    s.expect("rc 12")
    s.end(0)
    with open("err", encoding="utf-8") as f:
        assert "no passphrase" in f.read()


def test_progress():
    os.makedirs("src")
    for i in range(2000):
        with open(f"src/{i}", "w", encoding="ascii") as f:
            f.write("x" * i)
    s = Session("muniment", "create", "r::a", "src",
                MUNIMENT_PASSPHRASE="secret")
    text = s.end(0)
    assert "\r" in text and "files" in text, text
    s = Session("muniment", "create", "--no-progress", "r::b", "src",
                MUNIMENT_PASSPHRASE="secret")
    assert s.end(0) == "", s.seen
    s = Session("muniment", "list", "nowhere")
    assert "\033[31m" in s.end(10)
    s = Session("muniment", "list", "nowhere", NO_COLOR="1")
    assert "\033" not in s.end(10)


test_new()
test_display()
test_known()
test_interrupt()
test_not_asked()
test_progress()
