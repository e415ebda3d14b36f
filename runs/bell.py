"""Tells listeners that something was recorded, on PostgreSQL: once in a while, however much is recorded.

A NOTIFY in each commit would make commits queue behind each other. So a thread of each process sends one for all that
was committed since the last. One that is lost costs a listener seconds: it looks for itself now and then.
"""

import logging
import threading

from django.db import Error, connection, transaction

logger = logging.getLogger(__name__)
CHANNEL = "kneo_events"
RUNG_EVERY_SECONDS = 0.05


class Bell:
    """Rings for what this process committed."""

    def __init__(self) -> None:
        self._changed, self._retiring = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Let listeners know, as soon as the caller's transaction is committed."""
        if connection.vendor == "postgresql":
            transaction.on_commit(self._note)

    def retire(self) -> None:
        """Ring for what was committed, and end the thread, with its connection; the next ring begins another."""
        with self._lock:
            if self._thread is None:
                return
            self._retiring.set()
            self._changed.set()
            self._thread.join()
            self._retiring.clear()
            self._thread = None

    def _note(self) -> None:
        self._changed.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._ring_forever, name="bell", daemon=True)
                    self._thread.start()

    def _ring_forever(self) -> None:
        is_last = False
        while not is_last:
            self._changed.wait()
            is_last = self._retiring.is_set()
            self._changed.clear()
            self._notify()
            self._retiring.wait(RUNG_EVERY_SECONDS)

    def _notify(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        except Error:
            logger.debug("Could not tell listeners of changes", exc_info=True)
        finally:
            connection.close()


bell = Bell()
