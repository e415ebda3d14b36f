"""Threads for steps: used again when their step is done, and simply left behind when nobody waits for it any more."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue

from django.db import connections

logger = logging.getLogger(__name__)


class StepThreads:
    """As many daemon threads as steps run at once. None of them keeps the process from ending."""

    def __init__(self) -> None:
        self._idle: deque[SimpleQueue[Callable[[], None]]] = deque()
        os.register_at_fork(after_in_child=self._idle.clear)  # a fork copies the inboxes and not the threads

    @property
    def idle_count(self) -> int:
        """Return how many threads wait for work."""
        return len(self._idle)

    def run(self, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread of its own and return at once. ``work`` handles its own errors.

        It knows what the caller's context says: which run and step its log lines and spans belong to.
        """
        context = copy_context()
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), name="step", daemon=True).start()
        inbox.put(lambda: context.run(work))

    def _serve(self, inbox: SimpleQueue[Callable[[], None]]) -> None:
        while True:
            work = inbox.get()
            try:
                work()
            except Exception:
                logger.exception("Step thread failed")
            finally:
                connections.close_all()
            del work
            self._idle.append(inbox)


step_threads = StepThreads()
