"""The tallies of the last hour, day and week, for charts: a number of rows that does not grow with time.

They are written by ``runs.statistics``, in the transaction that holds its mark: nobody else writes these rows.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from runs.models import RecentTally
from runs.periods import PERIODS
from runs.sums import Sum
from runs.tallying import add_to_tallies

# Tokens again, by the name of who used them.
BY_WORKFLOW, BY_MODEL = "workflow", "model"
MOST_NAME_CHARS = 255

type Key = tuple[int, datetime, str, str]


class Recent:
    """What is added to these tallies. What is too old for a period by ``now`` is left out of it."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._sums: dict[Key, Sum] = defaultdict(Sum)

    def add(
        self,
        kind: str,
        at: datetime,
        length: timedelta | None,
        usage: Mapping[str, Any] | None = None,
        *,
        name: str = "",
    ) -> None:
        """Count that something of this ``kind`` happened ``at`` a moment."""
        for period in PERIODS:
            if at >= period.begins_at(self._now):
                key = period.slot_seconds, period.slot_of(at), kind, name[:MOST_NAME_CHARS]
                self._sums[key].add(length, usage)

    def store(self) -> None:
        """Add everything in the caller's transaction, and delete what has become too old."""
        too_old = (Q(slot_seconds=period.slot_seconds, begins_at__lt=period.begins_at(self._now)) for period in PERIODS)
        RecentTally.objects.filter(reduce(or_, too_old)).delete()
        if not self._sums:
            return
        slots, begins = {slot for slot, *_ in self._sums}, {at for _, at, _, _ in self._sums}
        rows = RecentTally.objects.filter(slot_seconds__in=slots, begins_at__in=begins)
        add_to_tallies(rows, ("slot_seconds", "begins_at", "kind", "name"), self._sums)
