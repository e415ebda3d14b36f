"""What happened in the last hour, day or week, slot by slot: from the tallies, and so some seconds old."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from django.db.models import QuerySet
from django.db.models import Sum as SumOf

from runs.inspection.percentiles import percentile
from runs.models import RecentTally
from runs.periods import Period
from runs.recent_tallies import BY_MODEL, BY_WORKFLOW
from runs.sums import BOUNDS_SECONDS, merged, no_buckets

ENDS_BADLY = ("failed", "timed_out", "expired", "dead_lettered")
COUNTED = ("started", "completed", "cancelled", *ENDS_BADLY)
MEASURED = ("queue_wait", "steps", "completed", "answered")
SPENDING = ("steps", "failed_steps")
MOST_SPENDERS_READ, MOST_SPENDERS = 1_000, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Tokens and money, in billionths of the currency's unit."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cost_nanos: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            total_tokens=self.total_tokens + other.total_tokens,
            cost_nanos=self.cost_nanos + other.cost_nanos,
        )


NOTHING_SPENT = Spent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """A workflow or a model, by what steps used of it; no ``name`` is an agent alone, or a model that is not known."""

    name: str
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Values of a period, a list with one for each slot. ``counts`` and ``buckets`` are by kind of tally."""

    period: Period
    moments: Sequence[datetime]
    counts: Mapping[str, Sequence[int]]
    buckets: Mapping[str, Sequence[list[int]]]
    spent: Sequence[Spent]

    def total(self, *kinds: str) -> int:
        """Return how often any of ``kinds`` happened in the period."""
        return sum(sum(self.counts[kind]) for kind in kinds)

    def together(self, *kinds: str) -> list[int]:
        """Return for each slot how often any of ``kinds`` happened."""
        return [sum(each) for each in zip(*(self.counts[kind] for kind in kinds), strict=True)]

    @property
    def failure_share(self) -> float | None:
        """Return which share of the runs that ended by themselves ended badly; None when none did."""
        bad, good = self.total(*ENDS_BADLY), self.total("completed")
        return bad / (bad + good) if bad + good else None

    @property
    def all_spent(self) -> Spent:
        """Return what was spent in the period."""
        return sum(self.spent, NOTHING_SPENT)

    def length(self, kind: str, share: float) -> float | None:
        """Return a percentile in seconds of what took time, over the whole period."""
        together: list[int] = reduce(merged, self.buckets[kind], no_buckets())
        return percentile(together, BOUNDS_SECONDS, share)

    def lengths(self, kind: str, share: float) -> list[float | None]:
        """Return a percentile in seconds for each slot."""
        return [percentile(counts, BOUNDS_SECONDS, share) for counts in self.buckets[kind]]

    def measured(self, kind: str) -> int:
        """Return how many lengths are known."""
        return sum(sum(counts) for counts in self.buckets[kind])


def trend(period: Period, now: datetime) -> Trend:
    """Return what happened in the ``period`` that ends ``now``."""
    kinds = {*COUNTED, *MEASURED, *SPENDING}
    rows = list(_of(period, now, kinds).filter(name=""))
    return Trend(
        period=period,
        moments=period.moments(now),
        counts={kind: _filled(period, now, rows, kind, "count", 0) for kind in COUNTED},
        buckets={kind: _filled(period, now, rows, kind, "buckets", no_buckets()) for kind in MEASURED},
        spent=period.filled(_spent(row for row in rows if row.kind in SPENDING), now, NOTHING_SPENT),
    )


def spenders(period: Period, now: datetime) -> dict[str, list[Spender]]:
    """Return the workflows and the models that most was spent on, by ``BY_WORKFLOW`` and ``BY_MODEL``."""
    found = _of(period, now, {BY_WORKFLOW, BY_MODEL}).order_by().values_list("kind", "name")
    summed = found.annotate(
        sent=SumOf("input_tokens"),
        answered=SumOf("output_tokens"),
        total=SumOf("total_tokens"),
        cost=SumOf("cost_nanos"),
    )
    most: dict[str, list[Spender]] = {BY_WORKFLOW: [], BY_MODEL: []}
    for kind, name, sent, answered, total, cost in summed.order_by("-cost", "-total", "name")[:MOST_SPENDERS_READ]:
        if len(most[kind]) < MOST_SPENDERS:
            spent = Spent(input_tokens=sent, output_tokens=answered, total_tokens=total, cost_nanos=cost)
            most[kind].append(Spender(name=name, spent=spent))
    return most


def _of(period: Period, now: datetime, kinds: Iterable[str]) -> QuerySet[RecentTally]:
    begins_at = period.begins_at(now)
    return RecentTally.objects.filter(slot_seconds=period.slot_seconds, begins_at__gte=begins_at, kind__in=kinds)


def _filled[V](
    period: Period, now: datetime, rows: Iterable[RecentTally], kind: str, field: str, nothing: V
) -> list[V]:
    return period.filled({row.begins_at: getattr(row, field) for row in rows if row.kind == kind}, now, nothing)


def _spent(rows: Iterable[RecentTally]) -> dict[datetime, Spent]:
    found: dict[datetime, Spent] = {}
    for row in rows:
        spent = Spent(
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            total_tokens=row.total_tokens,
            cost_nanos=row.cost_nanos,
        )
        found[row.begins_at] = found.get(row.begins_at, NOTHING_SPENT) + spent
    return found
