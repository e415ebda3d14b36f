"""What this process knows of the room on the disk of its database: writing shows it, and nothing else does.

Work whose result could not be written is lost, and may have cost money. So while there is no room one piece of work is
tried now and then, and no more before one was written.
"""

import threading
import time
from collections.abc import Callable

PAUSE_SECONDS = 30.0
FRESH_SECONDS = 60.0


class Room:
    """Whether what was written last found room, by the ``clock`` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._is_lacking = False
        self._refused_at = self._tried_at = float("-inf")

    @property
    def is_lacking(self) -> bool:
        """Whether something found no room lately, and nothing did since."""
        with self._lock:
            return self._is_lacking and self._clock() - self._refused_at < FRESH_SECONDS

    def note_refusal(self) -> None:
        """Remember that something found no room."""
        with self._lock:
            self._is_lacking = True
            self._refused_at = self._tried_at = self._clock()

    def note_success(self) -> None:
        """Remember that the result of work was written."""
        if self._is_lacking:
            with self._lock:
                self._is_lacking = False

    def admits_work(self) -> bool:
        """Return whether to begin work now: while room is lacking, one caller may after each pause."""
        if not self._is_lacking:
            return True
        with self._lock:
            now = self._clock()
            if now - self._tried_at < PAUSE_SECONDS:
                return False
            self._tried_at = now
            return True


room = Room()
