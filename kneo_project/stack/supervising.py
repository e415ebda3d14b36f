"""Keeps programs running: what dies is started again, ever more slowly; what must stop is stopped cleanly."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from kneo_project.stack.programs import Program

NOTABLE = re.compile(rb'\b(?:WARNING|ERROR|CRITICAL)\b|"level": ?"(?:warning|error|critical)"')
LOOK_SECONDS = 0.2
SETTLED_SECONDS = 30.0
LONGEST_DELAY_SECONDS = 30.0
STOP_SECONDS = 10.0


def restart_delay_seconds(deaths: int) -> float:
    """Return how long to wait before the start after ``deaths`` deaths in a row, in seconds."""
    return float(min(LONGEST_DELAY_SECONDS, 2 ** max(0, deaths - 1)))


class Child:
    """One program, its process and its log file; warnings also go to ``say``."""

    def __init__(self, program: Program, *, log: Path, say: Callable[[str], None]) -> None:
        self.program = program
        self.log = log
        self.say = say
        self.deaths = 0
        self.start_due_at = 0.0
        self.started_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Start the program when that is due; report its death and plan the next start."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_due_at:
                self._start()
        elif (code := self.process.poll()) is not None:
            self.process = None
            self.deaths = 1 if now - self.started_at > SETTLED_SECONDS else self.deaths + 1
            delay = restart_delay_seconds(self.deaths)
            self.start_due_at = now + delay
            self.say(f"{self.program.name} ended ({_ending(code)}), starting it again in {delay:.0f} s; see {self.log}")

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the program."""
        if self.process is not None:
            self.process.terminate()

    def wait_until_stopped(self, deadline: float) -> None:
        """Wait until ``deadline`` (monotonic seconds), then kill what is left of the process group."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - the command lines are our own
            self.program.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self.program.inherits,
            process_group=0,  # Ctrl-C reaches the supervisor alone, which stops the children in order
        )
        threading.Thread(target=self._keep_log, args=(self.process.stdout,), daemon=True).start()

    def _keep_log(self, lines: IO[bytes]) -> None:
        with self.log.open("ab", buffering=0) as log:
            for line in lines:
                log.write(line)
                if NOTABLE.search(line):
                    self.say(f"{self.program.name}: {line.decode(errors='replace').rstrip()}")


class Supervisor:
    """Runs programs until told to stop."""

    def __init__(self, programs: Sequence[Program], *, logs: Path, say: Callable[[str], None]) -> None:
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.children = [Child(program, log=logs / f"{program.name}.log", say=say) for program in programs]
        self.stopping = threading.Event()

    def run(self) -> None:
        """Keep the programs running until ``stop`` is called, then stop them in their order."""
        try:
            while not self.stopping.is_set():
                for child in self.children:
                    child.look()
                self.stopping.wait(LOOK_SECONDS)
        finally:
            deadline = time.monotonic() + STOP_SECONDS
            for child in self.children:
                child.ask_to_stop()
            for child in self.children:
                child.wait_until_stopped(deadline)

    def stop(self) -> None:
        """Make ``run`` return; safe to call from a signal handler and more than once."""
        self.stopping.set()


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
