"""Somebody who has installed ``kneo``, set nothing, and does what the pages say."""

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.documentation.pages import ROOT

PATIENCE_SECONDS = 120
KNEO = f"exec {sys.executable} -c 'from kneo_project.cli.main import run; run()' \"$@\""
# What is made takes minutes, and CI makes it anyway: here it is only looked up.
MAKE = f'exec make --no-print-directory --dry-run --directory {ROOT} "$@" > /dev/null'
PROGRAMS = {"kneo": KNEO, "make": f"PATH={os.environ['PATH']}\n{MAKE}"}


class Reader:
    """A home directory, the programs that are on the reader's path, and a shell."""

    def __init__(self, home: Path) -> None:
        self.home = home
        programs = home / "bin"
        programs.mkdir()
        for name, does in PROGRAMS.items():
            (programs / name).write_text(f"#!/bin/sh\n{does}\n")
            (programs / name).chmod(0o755)
        # What the service refuses is a failure, as it is for who reads the answer.
        (home / ".curlrc").write_text("fail-with-body\n")
        self.environment = {
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
        }

    def run(self, script: str, *, typed: str = "", also: Mapping[str, str] | None = None) -> str:
        """Return what ``script`` prints; it must not fail. ``typed`` is its standard input, ``also`` are variables."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.home,
            env={**self.environment, **(also or {})},
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def answer(self, script: str, word: str) -> str:
        """Run ``script`` at a terminal, and give ``word`` to all it asks; return what was shown there."""
        ours, theirs = pty.openpty()
        command = ["bash", "-euo", "pipefail", "-c", script]
        process = subprocess.Popen(
            command,
            cwd=self.home,
            env=self.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        shown = ""
        with contextlib.suppress(OSError), os.fdopen(ours, "r+b", buffering=0) as terminal:  # an error is its end
            while piece := terminal.read(1024):
                shown += piece.decode()
                if shown.endswith(": "):
                    terminal.write(f"{word}\n".encode())
        assert process.wait(timeout=PATIENCE_SECONDS) == 0, shown
        return shown
