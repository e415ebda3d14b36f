"""Migrating: one process at a time, however many begin at once, and a sentence when it fails half-way."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connection
from django.db.migrations import Migration

from kneo_project.redaction import redact_text

# Any number that others who share the database server do not use for something else.
LOCK = 0x6B6E656F
LOOK_AGAIN_SECONDS = 0.2


@contextmanager
def alone(tell: Callable[[str], None]) -> Iterator[None]:
    """Keep everybody else from migrating this database meanwhile; ``tell`` is told when that takes a wait."""
    with _locked_on_server(tell) if connection.vendor == "postgresql" else _locked_on_disk(tell):
        yield


class Witness:
    """Remembers which migration is under way, to name it when it fails."""

    def __init__(self) -> None:
        self._current: Migration | None = None
        self._last: Migration | None = None

    def see(self, action: str, migration: Migration | None) -> None:
        """Note what Django tells of its progress."""
        if action in {"apply_start", "unapply_start"}:
            self._current = migration
        elif action in {"apply_success", "unapply_success"}:
            self._last, self._current = migration, None

    def stopped_by(self, error: Exception) -> str | None:
        """Return what to say of a migration that failed; None when none was under way."""
        if self._current is None:
            return None
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
        done = f"The database is as {_name(self._last)} left it." if self._last else "The database is as it was."
        if not self._current.atomic or not connection.features.can_rollback_ddl:
            done = "Part of it may have been done: it cannot be undone as a whole."
        text = f"{_name(self._current)} failed: {redact_text(reason)}. {done}"
        return f"{text} Mend what it complains of, then run kneo migrate again."


def _name(migration: Migration | None) -> str:
    return f"{migration.app_label}.{migration.name}" if migration else ""


@contextmanager
def _locked_on_server(tell: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock of the server: it goes with the connection, so that a process which dies holds up nobody.

    It is asked for now and then: who waits inside the server holds up an index that is built concurrently.
    """
    with connection.wrap_database_errors:
        holding = psycopg.connect(**connection.get_connection_params(), autocommit=True)
    with holding:
        if not _taken(holding):
            tell("Another process migrates this database; waiting for it.")
            while not _taken(holding):
                time.sleep(LOOK_AGAIN_SECONDS)
        yield


def _taken(holding: "psycopg.Connection[tuple[bool]]") -> bool:
    row = holding.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
    return bool(row and row[0])


@contextmanager
def _locked_on_disk(tell: Callable[[str], None]) -> Iterator[None]:
    file = Path(connection.settings_dict["NAME"])
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.migrating").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("Another process migrates this database; waiting for it.")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
