"""How a process notices that anything was recorded, by whichever process: without asking for it again and again."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from django.db import connection

from runs.bell import CHANNEL

LOOK_SECONDS = 0.2

type Wait = Callable[[float], None]


@contextlib.contextmanager
def changes(stop: threading.Event) -> Iterator[Wait]:
    """Yield a function that waits until something was recorded, or ``stop`` is set, or for so many seconds."""
    watch = _notifications if connection.vendor == "postgresql" else _versions
    with watch(stop) as wait:
        yield wait


@contextlib.contextmanager
def _notifications(stop: threading.Event) -> Iterator[Wait]:
    """Wait for the bell, on a connection outside of the pool: it is busy with waiting."""
    own = connection.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    try:
        own.ensure_connection()
        with own.wrap_database_errors:
            own.connection.execute(f"LISTEN {CHANNEL}")

        def wait(seconds: float) -> None:
            until = seconds
            while until > 0 and not stop.is_set():
                with own.wrap_database_errors:
                    is_rung = bool(list(own.connection.notifies(timeout=min(LOOK_SECONDS, until), stop_after=1)))
                if is_rung:
                    return
                until -= LOOK_SECONDS

        yield wait
    finally:
        own.close()


@contextlib.contextmanager
def _versions(stop: threading.Event) -> Iterator[Wait]:
    """Look at the counter of changes that SQLite keeps in the file's header: it takes no lock."""

    def version() -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            return int(cursor.fetchone()[0])

    seen = version()

    def wait(seconds: float) -> None:
        nonlocal seen
        left = seconds
        while left > 0 and version() == seen and not stop.wait(LOOK_SECONDS):
            left -= LOOK_SECONDS
        seen = version()

    yield wait
