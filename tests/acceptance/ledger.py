"""Side effects, counted in files: what the steps of a run did, in whichever process they did it."""

import json
import os
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self


class Event(StrEnum):
    """What a step notes about itself."""

    BEGAN = "began"
    PASSED = "passed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. ``at`` is in seconds of the machine's monotonic clock, which all its processes share."""

    step: str
    event: str
    attempt: int
    pid: int = field(default_factory=os.getpid)
    at: float = field(default_factory=time.monotonic)


class Ledger:
    """The ledger of one run, and the gates its steps wait at. Any process may write; a line is written whole."""

    def __init__(self, folder: Path, token: str) -> None:
        self._folder = folder
        self.token = token

    @classmethod
    def of_this_process(cls, token: str) -> Self:
        """Return the ledger that a step of this process writes to; its run's text is the ``token``."""
        return cls(Path(os.environ["KNEO_ACCEPTANCE_DIR"]), token)

    def write(self, entry: Entry) -> None:
        """Append ``entry``."""
        line = json.dumps(asdict(entry)) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def entries(self, step: str, event: Event) -> list[Entry]:
        """Return what ``step`` noted of this kind, in order."""
        return [entry for entry in self._all() if (entry.step, entry.event) == (step, event)]

    def starts(self) -> dict[str, int]:
        """Return how often each step began."""
        return dict(Counter(entry.step for entry in self._all() if entry.event == Event.BEGAN))

    def has_ended(self, step: str, *, pid: int) -> bool:
        """Whether ``step`` began in the process ``pid`` and came to an end of its own there."""
        ends = self.entries(step, Event.PASSED) + self.entries(step, Event.INTERRUPTED)
        return any(entry.pid == pid for entry in ends)

    def open_gate(self, step: str, *, pid: int | None = None) -> None:
        """Let ``step`` pass its gate: in the process ``pid``, or in every process."""
        self._gate(step, pid).touch()

    def is_open(self, step: str) -> bool:
        """Whether ``step`` may pass its gate in this process."""
        return self._gate(step, None).exists() or self._gate(step, os.getpid()).exists()

    @property
    def _path(self) -> Path:
        return self._folder / f"{self.token}.ledger"

    def _all(self) -> list[Entry]:
        if not self._path.exists():
            return []
        return [Entry(**json.loads(line)) for line in self._path.read_text().splitlines()]

    def _gate(self, step: str, pid: int | None) -> Path:
        return self._folder / f"{self.token}.{step.replace('/', '~')}.{pid or 'all'}.open"
