"""A lost connection, a deadlock or a locked database is a blip, not a failure: the transaction is tried again."""

import functools
import logging
import random
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)
ATTEMPTS = 6
FIRST_DELAY_SECONDS = 0.05
# What PostgreSQL says of a statement that is too much for it, or takes too long, however often it is tried.
OF_THE_STATEMENT = ("54", "57014")


def retry_transient[**P, R](write: Callable[P, R]) -> Callable[P, R]:
    """Make ``write``, one whole transaction or a read, survive a blip; inside a transaction it is tried only once."""

    @functools.wraps(write)
    def patient(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(ATTEMPTS):
            try:
                return write(*args, **kwargs)
            except (OperationalError, InterfaceError):
                if connection.in_atomic_block or attempt == ATTEMPTS - 1:
                    raise
                logger.warning("Database not reachable, trying again", extra={"attempt": attempt + 1})
                connection.close()
                time.sleep(FIRST_DELAY_SECONDS * 2**attempt * (0.5 + random.random()))  # noqa: S311
        raise AssertionError("unreachable")

    return patient


def is_away(error: Exception) -> bool:
    """Return whether ``error`` says that the database cannot be asked now, not that it refuses what was asked."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code = getattr(error.__cause__, "sqlstate", None) or ""
    return not code.startswith(OF_THE_STATEMENT)
