"""Many counts for one question to the database, none of which counts further than a limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Value

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are; ``is_cut``: at least so many, and nobody counted on."""

    number: int
    is_cut: bool = False

    def __bool__(self) -> bool:
        return self.number > 0

    def __str__(self) -> str:
        return f"{self.number:,}" + ("+" if self.is_cut else "")


def bounded_counts[K](asked: Mapping[K, QuerySet[Any]], *, at_most: int) -> dict[K, Count]:
    """Return how many rows each of ``asked`` has, by its name, as one statement made of theirs."""
    if not asked:
        return {}
    parts: list[str] = []
    parameters: list[Any] = []
    for rows in asked.values():
        # A constant, so that an index alone may tell.
        limited = rows.order_by().values(counted=Value(1))[:at_most]
        statement, values = limited.query.sql_with_params()
        parts.append(f"(SELECT COUNT(*) FROM ({statement}) AS counted_rows)")  # noqa: S608 - the ORM's own statement
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", parameters)
        found = cursor.fetchone()
    return {name: Count(number, is_cut=number >= at_most) for name, number in zip(asked, found, strict=True)}
