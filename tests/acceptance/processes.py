"""Real processes, each the leader of a group of its own, so that a kill reaches its children too."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from pwd import getpwnam

from kneo_project.stack.programs import Program
from tests.acceptance.conditions import until

ROOT = Path(__file__).resolve().parents[2]
TAIL_CHARS = 6_000


class Process:
    """One process of a deployment, with its output in a file; root may have ``user`` run it."""

    def __init__(
        self,
        program: Program,
        *,
        name: str,
        env: Mapping[str, str],
        folder: Path,
        cwd: Path = ROOT,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.program = program
        self.log = folder / f"{name}.log"
        self.is_frozen = False
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                program.command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=program.inherits,
                start_new_session=True,
                user=user,
                group=getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
            )

    @property
    def pid(self) -> int:
        """Return the process id; it is also that of the group."""
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    @property
    def exit_status(self) -> int | None:
        """Return the status it ended with; None while it lives."""
        return self._popen.poll()

    def has_said(self, words: str) -> bool:
        """Whether ``words`` are in its output."""
        return words in self.log.read_text(errors="replace")

    def kill(self) -> float:
        """End it at once, with everything it started (``kill -9``); return when, by the monotonic clock."""
        self._signal(signal.SIGKILL)
        self._popen.wait()
        return time.monotonic()

    def terminate(self, asked: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to stop, as a supervisor does (a signal to it alone); return when, by the monotonic clock."""
        self._popen.send_signal(asked)
        return time.monotonic()

    def freeze(self) -> None:
        """Stop it in its tracks: SIGSTOP."""
        self.is_frozen = True
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on: SIGCONT."""
        self._signal(signal.SIGCONT)
        self.is_frozen = False

    def wait_gone(self, *, within: float) -> None:
        """Wait for its end, and sweep up what it may have started."""
        until(lambda: not self.is_alive, within=within, what=f"{self.name} has ended")
        self._signal(signal.SIGKILL)

    def tail(self) -> str:
        """Return the end of its output."""
        return self.log.read_text(errors="replace")[-TAIL_CHARS:]

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
