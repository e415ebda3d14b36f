"""How a running step learns that nobody waits for its result any more."""

import contextlib
import threading
from collections.abc import Callable


class Interrupt:
    """A one-way switch shared by the executor, the heartbeat and the step that is running.

    ``trip`` may be called from any thread, any number of times; the first reason stays.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self.reason: str | None = None

    @property
    def is_tripped(self) -> bool:
        """Whether somebody asked the step to stop."""
        return self.reason is not None

    def trip(self, reason: str) -> None:
        """Ask the step to stop, for ``reason``, and run the callbacks once."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_trip(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Run ``callback`` when tripped (at once if that has happened already); return how to forget it again."""
        with self._lock:
            if self.reason is None:
                self._callbacks.append(callback)
                return lambda: self._forget(callback)
        callback()
        return lambda: None

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._callbacks.remove(callback)
