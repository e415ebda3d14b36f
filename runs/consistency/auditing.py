"""Asking for every rule, one after another, without being able to write."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from runs.consistency import of_records, of_runs, of_tallies
from runs.consistency.rules import Breach, Rule, breach_of

RULES: tuple[Rule, ...] = (*of_runs.RULES, *of_records.RULES, *of_tallies.RULES)
AT_MOST = 20


def audit(*, at_most: int = AT_MOST) -> Iterator[Breach]:
    """Yield every rule that is broken, with at most so many ids of what breaks it.

    Each rule is a question of its own to the database, so that neither memory nor a long transaction is needed. A run
    that changes meanwhile is seen before or after, never in between.
    """
    for rule in RULES:
        with _reading():
            breach = breach_of(rule, at_most)
        if breach is not None:
            yield breach


@contextmanager
def _reading() -> Iterator[None]:
    """Let the database refuse to write meanwhile. SQLite would lock the file for a transaction: it has none here."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = OFF")
