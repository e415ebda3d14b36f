"""Two transactions that meet, on PostgreSQL: one has to wait for the other. On SQLite one writes after another."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection, connections, transaction

from kneo_project.errors import KneoError

WAITING = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = %s"


def elsewhere_do[R](act: Callable[[], R]) -> R:
    """Do it on a thread, which has a connection of its own."""
    with ThreadPoolExecutor(1) as pool:
        return _begin(pool, act).result()


def _begin[R](pool: ThreadPoolExecutor, act: Callable[[], R]) -> Future[R]:
    def closing() -> R:
        try:
            return act()
        finally:
            connections.close_all()

    return pool.submit(closing)


def _wait_until_it_waits(doing: Future[Any]) -> None:
    """Return once a connection waits for a lock of another, or what is done was done without waiting."""
    with connection.cursor() as cursor:
        waiting = 0
        while not waiting and not doing.done():
            cursor.execute(WAITING, [connection.settings_dict["NAME"]])
            (waiting,) = cursor.fetchone() or (0,)


def during[R](first: Callable[[], object], second: Callable[[], R]) -> R:
    """Do ``first``, and ``second`` elsewhere while the transaction of ``first`` is open; it has to wait for that."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            doing = _begin(pool, second)
            _wait_until_it_waits(doing)
        return doing.result()


def refusal_of(act: Callable[[], object]) -> KneoError | None:
    """Return why it was refused, if it was."""
    try:
        act()
    except KneoError as refusal:
        return refusal
    return None
