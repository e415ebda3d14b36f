"""A lost connection, a deadlock or a locked database is a blip, not a failure: the transaction is tried again."""

import functools
import logging
import random
import sqlite3
import time
from collections.abc import Callable, Mapping
from enum import StrEnum

from django.db import Error, InterfaceError, InternalError, OperationalError, connection

from kneo_project.errors import KneoError, StoreFull, StoreReadOnly, StoreUnavailable
from kneo_project.room import room

logger = logging.getLogger(__name__)
ATTEMPTS = 6
FIRST_DELAY_SECONDS = 0.05
# What PostgreSQL says of a statement that is too much for it, or takes too long, however often it is tried.
OF_THE_STATEMENT = ("54", "57014")
DISK_FULL, READ_ONLY_TRANSACTION = "53100", "25006"


class Trouble(StrEnum):
    """What keeps a database from doing what it is asked, though nothing is wrong with that."""

    AWAY = "away"
    FULL = "full"
    READ_ONLY = "read_only"


REFUSALS: Mapping[Trouble, type[KneoError]] = {
    Trouble.AWAY: StoreUnavailable,
    Trouble.FULL: StoreFull,
    Trouble.READ_ONLY: StoreReadOnly,
}


def retry_transient[**P, R](write: Callable[P, R]) -> Callable[P, R]:
    """Make ``write``, one whole transaction or a read, survive a blip; inside a transaction it is tried only once."""

    @functools.wraps(write)
    def patient(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(ATTEMPTS):
            try:
                return write(*args, **kwargs)
            except Error as error:
                trouble = trouble_of(error)
                if trouble is Trouble.FULL:
                    room.note_refusal()
                is_blip = trouble in {Trouble.AWAY, Trouble.READ_ONLY}
                if not is_blip or connection.in_atomic_block or attempt == ATTEMPTS - 1:
                    raise
                logger.warning("Database not reachable, trying again", extra={"attempt": attempt + 1})
                connection.close()
                time.sleep(FIRST_DELAY_SECONDS * 2**attempt * (0.5 + random.random()))  # noqa: S311
        raise AssertionError("unreachable")

    return patient


def is_away(error: BaseException) -> bool:
    """Return whether ``error`` says that the database cannot do it now, not that it refuses what was asked."""
    return trouble_of(error) is not None


def trouble_of(error: BaseException) -> Trouble | None:
    """Return which trouble of the database ``error`` tells of; None when what was asked is to blame."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    if isinstance(error, InternalError):
        return Trouble.READ_ONLY if state == READ_ONLY_TRANSACTION else None
    if not isinstance(error, OperationalError | InterfaceError) or state.startswith(OF_THE_STATEMENT):
        return None
    primary = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF  # the rest is a detail
    if state == DISK_FULL or primary == sqlite3.SQLITE_FULL:
        return Trouble.FULL
    return Trouble.READ_ONLY if primary == sqlite3.SQLITE_READONLY else Trouble.AWAY
