"""What happened, added up: for metrics that survive restarts and pruning, and for the operators' charts.

The beat adds up what was recorded since it last did, every few seconds and in batches. Totals and the mark up to which
they reach move in one transaction, so that nothing is counted twice or left out, however many beats there are.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
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
from runs.models import Checkpoint, HourlyTally, StatisticsMark, TotalTally
from runs.recent_tallies import BY_MODEL, BY_WORKFLOW, Recent
from runs.sums import TOKENS, Sum
from runs.tallying import add_to_tallies

BATCH = 20_000
# Rows become visible in another order than they are numbered in: what is younger may still lack a neighbour.
SETTLED_AFTER = timedelta(seconds=5)
# A clock that is further ahead is not waited for: nothing would be counted, or pruned, until its time has come.
MOST_AHEAD = timedelta(hours=1)
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
    "details__model__name",
    "run__workflow_name",
    "run__created_at",
    "run__started_at",
    "run__within_id",
    "run__imported_at",
)


type _Sums = dict[tuple[str, str, datetime], Sum]


class _Books:
    """What is added to the tallies: by the hour for good, and by the slot for the charts."""

    def __init__(self, now: datetime) -> None:
        self.hours: _Sums = defaultdict(Sum)
        self.recent = Recent(now)

    def add(
        self, kind: str, workflow_name: str, at: datetime, length: timedelta | None, spent: "_Spent | None" = None
    ) -> None:
        """Count that something of this ``kind`` happened ``at`` a moment; None as ``length``: it takes no time."""
        usage = spent.usage if spent else None
        self.hours[kind, workflow_name, _hour(at)].add(length, usage)
        self.recent.add(kind, at, length, usage)
        if spent:
            self.recent.add(BY_WORKFLOW, at, None, usage, name=workflow_name)
            self.recent.add(BY_MODEL, at, None, usage, name=spent.model)


@dataclass(frozen=True, slots=True)
class _Spent:
    """The tokens that a step used, by their names, and the name of the model, empty when it is not known."""

    usage: Mapping[str, int]
    model: str


@retry_transient
def settle(*, settled_after: timedelta = SETTLED_AFTER) -> bool:
    """Add up what was recorded until ``settled_after`` ago; return whether there may be more to do at once."""
    StatisticsMark.objects.get_or_create(pk=StatisticsMark.ONLY)
    with transaction.atomic():
        mark = StatisticsMark.objects.select_for_update(skip_locked=True).filter(pk=StatisticsMark.ONLY).first()
        if mark is None:  # another beat is at it
            return False
        now = timezone.now()
        books = _Books(now)
        is_full = _add_records(books, mark, until=now - settled_after)
        _add_answers(books, mark, until=now - settled_after)
        _store(books.hours)
        books.recent.store()
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


def _add_records(books: _Books, mark: StatisticsMark, *, until: datetime) -> bool:
    rows = Checkpoint.objects.filter(pk__gt=mark.checkpoint_id).order_by("pk").values(*_COLUMNS)[:BATCH]
    for row in rows:
        if until <= row["created_at"] < until + MOST_AHEAD:
            return False
        mark.checkpoint_id = row["pk"]
        is_copy = row["created_at"] < row["run__created_at"]  # a fork has the history of its parent
        if not is_copy and row["run__imported_at"] is None:  # what ran elsewhere is no work of this service
            _add_record(books, row)
    return len(rows) == BATCH


def _add_record(books: _Books, row: Mapping[str, Any]) -> None:
    kind, at = RecordType(row["type"]), row["created_at"]

    def add(name: str, length: timedelta | None, spent: _Spent | None = None) -> None:
        books.add(name, row["run__workflow_name"] or "", at, length, spent)

    if kind in _STEPS:
        add(_STEPS[kind], at - row["started_at"] if row["started_at"] else None, _spent(row))
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


def _spent(row: Mapping[str, Any]) -> _Spent | None:
    """Return what a step used; None for a step that asked no model, or one that does not say."""
    told, cost = row["details__usage"] or {}, row["details__cost"] or 0
    usage = {name: told[name] for name in TOKENS if name in told}
    if cost:
        usage["cost_nanos"] = round(cost * NANOS)
    return _Spent(usage, str(row["details__model__name"] or "")) if usage else None


def _add_answers(books: _Books, mark: StatisticsMark, *, until: datetime) -> None:
    answered = HumanTask.objects.filter(decided_at__lt=until, decided_by__isnull=False)
    if mark.answers_until:
        answered = answered.filter(decided_at__gte=mark.answers_until)
    for name, created_at, decided_at in answered.values_list("workflow_name", "created_at", "decided_at"):
        if decided_at:
            books.add("answered", name, decided_at, decided_at - created_at)
    mark.answers_until = max(until, mark.answers_until or until)


def _store(sums: _Sums) -> None:
    if not sums:
        return
    totals: dict[tuple[str], Sum] = defaultdict(Sum)
    for (kind, _, _), some in sums.items():
        totals[kind,].merge(some)
    hours = HourlyTally.objects.filter(hour__in={hour for _, _, hour in sums})
    add_to_tallies(hours, ("kind", "workflow_name", "hour"), sums)
    add_to_tallies(TotalTally.objects.filter(kind__in=[kind for (kind,) in totals]), ("kind",), totals)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
