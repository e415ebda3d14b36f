"""Which months have partitions of their own.

A partition holds all rows of a run, by the run's id, so that unique constraints hold in the whole table. There is
one for each month, one for the random ids that runs had before, and one for what belongs to none of these.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from django.db import connection

from runs.identifiers import first_id_at

TABLES = ("runs_checkpoint", "runs_traceevent")
NAME = re.compile(r"_(\d{4})_(\d\d)$")
_PARTITIONS = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = to_regclass(%s) ORDER BY relname
"""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Return the month that ``moment`` lies in."""
        there = moment.astimezone(UTC)
        return cls(there.year, there.month)

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"

    def after(self, months: int = 1) -> "Month":
        """Return the month so many ``months`` later."""
        years, month = divmod(self.month - 1 + months, 12)
        return Month(self.year + years, month + 1)

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def bounds(self) -> tuple[uuid.UUID, uuid.UUID]:
        """The ids of its runs: from the first on, and less than the second."""
        return first_id_at(self.begins_at), first_id_at(self.after().begins_at)

    def table(self, parent: str) -> str:
        """Return the name of its partition of the table ``parent``."""
        return f"{parent}_{self.year}_{self.month:02}"


def months() -> list[Month]:
    """Return the months that have partitions, the oldest first; none where nothing is partitioned."""
    found = (NAME.search(name) for name in partitions(TABLES[0]))
    return [Month(int(match[1]), int(match[2])) for match in found if match]


def span() -> tuple[uuid.UUID, uuid.UUID] | None:
    """Return the bounds of all months together, between which none is missing; None where there are none."""
    known = months()
    return (known[0].bounds[0], known[-1].bounds[1]) if known else None


def partitions(table: str) -> list[str]:
    """Return the names of the partitions of ``table``, in order; none where it is not partitioned."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS, [table])
        return [name for (name,) in cursor.fetchall()]
