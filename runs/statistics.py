"""What happened, added up: for metrics that survive restarts and pruning, and for the operators' charts.

The beat adds up what was recorded since it last did, every few seconds and in batches. Totals and the mark up to which
they reach move in one transaction, so that nothing is counted twice or left out, however many beats there are.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from humantasks.models import HumanTask
from kneo_project.prices import NANOS
from kneo_project.transient import retry_transient
from runs.engine.progress import RecordType
from runs.models import Checkpoint, HourlyTally, StatisticsMark, Tally, TotalTally

BATCH = 20_000
# Rows become visible in another order than they are numbered in: what is younger may still lack a neighbour.
SETTLED_AFTER = timedelta(seconds=5)
BOUNDS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400, 604_800)
TOKENS = ("input_tokens", "output_tokens", "total_tokens", "cost_nanos")
_ENDS = {
    RecordType.RUN_COMPLETED: "completed",
    RecordType.RUN_FAILED: "failed",
    RecordType.RUN_CANCELLED: "cancelled",
    RecordType.RUN_TIMED_OUT: "timed_out",
    RecordType.RUN_EXPIRED: "expired",
}
_STEPS = {RecordType.STEP_COMPLETED: "steps", RecordType.STEP_FAILED: "failed_steps"}
_COLUMNS = (
    "pk",
    "type",
    "sequence",
    "created_at",
    "started_at",
    "error_type",
    "details__usage",
    "details__cost",
    "run__workflow_name",
    "run__created_at",
    "run__started_at",
    "run__within_id",
)


@dataclass(slots=True)
class _Sum:
    """What is added to a tally."""

    count: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_SECONDS) + 1))
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOKENS, 0))

    def add(self, length: timedelta | None, usage: Mapping[str, Any] | None = None) -> None:
        self.count += 1
        if length is not None:
            seconds = max(length.total_seconds(), 0.0)
            self.seconds += seconds
            self.buckets[sum(bound < seconds for bound in BOUNDS_SECONDS)] += 1
        for name, count in (usage or {}).items():
            self.tokens[name] += int(count)

    def merge(self, other: "_Sum") -> None:
        self.count += other.count
        self.seconds += other.seconds
        self.buckets = [mine + others for mine, others in zip(self.buckets, other.buckets, strict=True)]
        self.tokens = {name: count + other.tokens[name] for name, count in self.tokens.items()}


type _Sums = dict[tuple[str, str, datetime], _Sum]


@retry_transient
def settle(*, settled_after: timedelta = SETTLED_AFTER) -> bool:
    """Add up what was recorded until ``settled_after`` ago; return whether there may be more to do at once."""
    StatisticsMark.objects.get_or_create(pk=StatisticsMark.ONLY)
    with transaction.atomic():
        mark = StatisticsMark.objects.select_for_update(skip_locked=True).filter(pk=StatisticsMark.ONLY).first()
        if mark is None:  # another beat is at it
            return False
        now = timezone.now()
        sums: _Sums = defaultdict(_Sum)
        is_full = _add_records(sums, mark, until=now - settled_after)
        _add_answers(sums, mark, until=now - settled_after)
        _store(sums)
        mark.settled_at = now
        mark.save()
    return is_full


def counted_until() -> datetime | None:
    """Return up to when all that happened is in the tallies; None when nothing was counted yet."""
    mark = StatisticsMark.objects.filter(pk=StatisticsMark.ONLY).first()
    if mark is None or mark.answers_until is None:
        return None
    oldest: datetime | None = _uncounted(mark).aggregate(oldest=Min("created_at"))["oldest"]
    return min(oldest or mark.answers_until, mark.answers_until)


def not_counted(run_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the whole runs that have, or whose branches have, checkpoints that are not in the tallies yet."""
    mark = StatisticsMark.objects.filter(pk=StatisticsMark.ONLY).first() or StatisticsMark()
    theirs = _uncounted(mark).filter(Q(run__in=run_ids) | Q(run__within__in=run_ids))
    return set(theirs.values_list(Coalesce("run__within_id", "run_id"), flat=True))


def _uncounted(mark: StatisticsMark) -> QuerySet[Checkpoint]:
    return Checkpoint.objects.filter(pk__gt=mark.checkpoint_id)


def _add_records(sums: _Sums, mark: StatisticsMark, *, until: datetime) -> bool:
    rows = Checkpoint.objects.filter(pk__gt=mark.checkpoint_id).order_by("pk").values(*_COLUMNS)[:BATCH]
    for row in rows:
        if row["created_at"] >= until:
            return False
        mark.checkpoint_id = row["pk"]
        is_copy = row["created_at"] < row["run__created_at"]  # a fork has the history of its parent
        if not is_copy:
            _add_record(sums, row)
    return len(rows) == BATCH


def _add_record(sums: _Sums, row: Mapping[str, Any]) -> None:
    kind, at = RecordType(row["type"]), row["created_at"]

    def add(name: str, length: timedelta | None, usage: Mapping[str, Any] | None = None) -> None:
        sums[name, row["run__workflow_name"] or "", _hour(at)].add(length, usage)

    if kind in _STEPS:
        add(_STEPS[kind], at - row["started_at"] if row["started_at"] else None, _usage_of(row))
    if row["run__within_id"]:  # a branch is part of the run that somebody asked for
        return
    if kind is RecordType.RUN_STARTED:
        add("started", None)
    elif row["sequence"] == 2 and row["run__started_at"]:
        add("queue_wait", row["run__started_at"] - row["run__created_at"])
    if kind in _ENDS:
        is_given_up = row["error_type"] == "dead_letter"
        began = row["run__started_at"] or row["run__created_at"]
        add("dead_lettered" if is_given_up else _ENDS[kind], at - began)


def _usage_of(row: Mapping[str, Any]) -> dict[str, int]:
    usage, cost = row["details__usage"] or {}, row["details__cost"] or 0
    return {name: usage[name] for name in TOKENS if name in usage} | {"cost_nanos": round(cost * NANOS)}


def _add_answers(sums: _Sums, mark: StatisticsMark, *, until: datetime) -> None:
    answered = HumanTask.objects.filter(decided_at__lt=until, decided_by__isnull=False)
    if mark.answers_until:
        answered = answered.filter(decided_at__gte=mark.answers_until)
    for name, created_at, decided_at in answered.values_list("workflow_name", "created_at", "decided_at"):
        if decided_at:
            sums["answered", name, _hour(decided_at)].add(decided_at - created_at)
    mark.answers_until = max(until, mark.answers_until or until)


def _store(sums: _Sums) -> None:
    totals: dict[str, _Sum] = defaultdict(_Sum)
    for (kind, name, hour), some in sums.items():
        totals[kind].merge(some)
        _add_to(HourlyTally.objects.get_or_create(kind=kind, workflow_name=name, hour=hour)[0], some)
    for kind, some in totals.items():
        _add_to(TotalTally.objects.get_or_create(kind=kind)[0], some)


def _add_to(tally: Tally, some: _Sum) -> None:
    """Add in the caller's transaction, which holds the mark: nobody else writes these rows meanwhile."""
    tally.count += some.count
    tally.seconds += some.seconds
    tally.buckets = [old + new for old, new in zip(tally.buckets or [0] * len(some.buckets), some.buckets, strict=True)]
    for name in TOKENS:
        setattr(tally, name, getattr(tally, name) + some.tokens[name])
    tally.save()


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
