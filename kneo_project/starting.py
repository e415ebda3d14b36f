"""What a worker and a beat look at before they begin: they refuse to run on impossible settings or foreign tables.

A web process that finds tables which are not its own does not start either; where the database only does not answer,
it does, and says so by ``/readyz``.
"""

import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery.signals import beat_init, worker_init
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.urls import get_resolver

from kneo_project.checks import refuse_impossible_settings
from kneo_project.schema import schema_difference


def guard_starts() -> None:
    """Have every worker and beat look before it begins."""
    worker_init.connect(refuse_to_start)
    beat_init.connect(refuse_to_start)


def settle_in() -> None:
    """Load the routes before the first request needs them, and tell the garbage collector that all this will stay.

    Looking through what was imported, a full collection stops a process of ours for a third of a second.
    """
    get_resolver().url_patterns  # noqa: B018 - loads them
    gc.collect()
    gc.freeze()


def refuse_to_start(**_: Any) -> None:
    """End the process, with a sentence and a status that is not zero, when it could only do harm."""
    if reason := reason_to_refuse():
        raise SystemExit(f"Refusing to start: {reason}")


def refuse_foreign_tables() -> None:
    """End a web process that would serve on a partial schema, or on one of a newer release.

    In a thread of its own: the server for events loads the application inside its loop, where no database is asked.
    """
    with ThreadPoolExecutor(1) as thread:
        reason = thread.submit(_reason_in_tables, must_answer=False).result()
    if reason:
        raise SystemExit(f"Refusing to start: {reason}")


def reason_to_refuse() -> str | None:
    """Return why this process must not start, as a sentence; None when it may."""
    try:
        refuse_impossible_settings()
    except ImproperlyConfigured as error:
        return str(error)
    return _reason_in_tables(must_answer=True)


def _reason_in_tables(*, must_answer: bool) -> str | None:
    try:
        return schema_difference().reason_to_refuse
    except InconsistentMigrationHistory:
        return "the schema of the database is partial; restore a backup."
    except DatabaseError as error:
        return f"the database cannot be used ({type(error).__name__})." if must_answer else None
    finally:
        connection.close()
