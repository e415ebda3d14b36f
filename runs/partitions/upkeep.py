"""Keeps the months that are to come, and drops those that are over: what needs a lock gives way to everybody else."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import OperationalError, connection, transaction

from runs.partitions.months import TABLES, Month, months

logger = logging.getLogger(__name__)
AHEAD = 3
# Behind whoever waits for such a lock, everybody waits.
LOCK_MILLISECONDS = 200
LOCK_NOT_AVAILABLE = "55P03"
# Of runs that outlive their month, so many rows can be moved while others wait.
MOST_RUNS, MOST_ROWS = 1_000, 10_000
_FOR_CREATION = (
    f"LOCK TABLE ONLY {', '.join(TABLES)} IN SHARE UPDATE EXCLUSIVE MODE",
    f"LOCK TABLE {', '.join(f'{table}_default' for table in TABLES)} IN ACCESS EXCLUSIVE MODE",
)
_FOR_DROPPING = f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE"
_LEFT = f"""
SELECT count(*), coalesce(sum(sequence + trace_count), 0)
FROM (SELECT sequence, trace_count FROM runs_run WHERE id >= %s AND id < %s LIMIT {MOST_RUNS + 1}) AS left_over
"""  # noqa: S608 - a number of our own


def missing(now: datetime) -> list[Month]:
    """Return the months up to three ahead of ``now`` that should have partitions and have none, oldest first."""
    known = months()
    if not known:
        return []
    until = Month.of(now).after(AHEAD)
    found, month = [], known[-1].after()
    while month <= until:
        found.append(month)
        month = month.after()
    return found


def create_missing(now: datetime) -> list[Month]:
    """Make partitions for the months that are missing; return those that could be made now."""
    made = []
    for month in missing(now):
        with _locked(*_FOR_CREATION) as is_locked:
            if not is_locked or month in months():
                break
            create(month)
        made.append(month)
    return made


def create(month: Month) -> None:
    """Make the partitions of ``month``, with the rows of its runs that came before it. In a transaction."""
    lower, upper = month.bounds
    with connection.cursor() as cursor:
        for table in TABLES:
            own = month.table(table)
            cursor.execute(f"CREATE TABLE {own} (LIKE {table} INCLUDING ALL EXCLUDING IDENTITY, PRIMARY KEY (id))")
            cursor.execute(
                f"WITH early AS (DELETE FROM {table}_default WHERE run_id >= %s AND run_id < %s RETURNING *)"  # noqa: S608
                f" INSERT INTO {own} SELECT * FROM early",
                [lower, upper],
            )
            cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {own} FOR VALUES FROM ('{lower}') TO ('{upper}')")


def drop_oldest(before: datetime) -> Month | None:
    """Drop the oldest month if it was over ``before`` and its runs are gone; return it.

    Of runs that are still there, if they are few, the rows are kept: they move to where what has no month is. The
    caller sees to it that nobody deletes runs meanwhile.
    """
    month = next(iter(months()), None)
    if month is None or month.after().begins_at > before or not _is_empty(month):
        return None
    with _locked(_FOR_DROPPING) as is_locked:
        if not is_locked or not _is_empty(month):
            return None
        _drop(month)
    logger.info("Dropped the records of a month", extra={"month": str(month)})
    return month


def _is_empty(month: Month) -> bool:
    """Return whether so few runs are left of it that their rows can be moved."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, month.bounds)
        runs, rows = cursor.fetchone()
    return bool(runs <= MOST_RUNS and rows <= MOST_ROWS)


def _drop(month: Month) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM runs_run WHERE id >= %s AND id < %s", month.bounds)
        left = [run_id for (run_id,) in cursor.fetchall()]
        for table in TABLES:
            own = month.table(table)
            cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {own}")
            if left:  # named one by one, so that the server never reads the whole month while others wait
                cursor.execute(f"INSERT INTO {table} SELECT * FROM {own} WHERE run_id = ANY(%s)", [left])  # noqa: S608
            cursor.execute(f"DROP TABLE {own}")


@contextmanager
def _locked(*statements: str) -> Iterator[bool]:
    """Be in a transaction that holds the locks of ``statements``; yield False when somebody does not let go of one."""
    with transaction.atomic():
        yield _lock(statements)


def _lock(statements: Sequence[str]) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'")
            for statement in statements:
                cursor.execute(statement)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False
    return True
