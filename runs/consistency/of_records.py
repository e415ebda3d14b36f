"""What runs have recorded is there, once, in a row without gaps, and belongs to a run that is there."""

from typing import Any

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet

from humantasks.models import HumanTask, TaskStatus
from runs.consistency.rules import Rule
from runs.engine.lifecycle import TERMINAL
from runs.engine.progress import RecordType
from runs.models import (
    Checkpoint,
    FanOut,
    IdempotencyRecord,
    JournalEntry,
    Run,
    RunLabel,
    Signal,
    TraceEvent,
)
from runs.partitions.leaving import outside_of_months

OWNED: dict[str, QuerySet[Any]] = {
    "checkpoint": Checkpoint.objects.all(),
    "human_task": HumanTask.objects.all(),
    "trace_event": TraceEvent.objects.all(),
    "journal_entry": JournalEntry.objects.all(),
    "label": RunLabel.objects.all(),
    "signal": Signal.objects.all(),
    "fan_out": FanOut.objects.all(),
    "idempotency_record": IdempotencyRecord.objects.all(),
}
BY_MONTH = (Checkpoint, TraceEvent)


def steps_recorded_twice() -> QuerySet[Checkpoint, Any]:
    """Return the runs that have recorded a step as completed more than once in the same turn."""
    done = Checkpoint.objects.filter(type=RecordType.STEP_COMPLETED).order_by()
    twice = done.values("run_id", "path", "iteration").annotate(times=Count("pk")).filter(times__gt=1)
    return _runs_of(twice)


def numbers_with_gaps() -> QuerySet[Checkpoint, Any]:
    """Return the runs whose checkpoints are not numbered without gaps up to where the run is.

    A whole run begins with 1, and a branch where its run was. Of a pruned history the first and the last are left.
    """
    kept = Checkpoint.objects.filter(run__history_pruned_at=None).order_by().values("run_id")
    counted = kept.annotate(rows=Count("pk"), first=Min("sequence"), last=Max("sequence"))
    dense = Q(rows=F("last") - F("first") + 1, last=F("run__sequence")) & (Q(first=1) | Q(run__within__isnull=False))
    return _runs_of(counted.exclude(dense))


def without_history() -> QuerySet[Run, Any]:
    """Return the runs of which not even the first and the last checkpoint are there."""
    last = Checkpoint.objects.filter(run=OuterRef("pk"), sequence=OuterRef("sequence"))
    return Run.objects.exclude(Exists(last)).order_by("pk").values_list("pk", flat=True)


def trace_with_gaps() -> QuerySet[TraceEvent, Any]:
    """Return the runs whose trace is not numbered without gaps from 1, or goes beyond what the run has counted."""
    kept = TraceEvent.objects.filter(run__history_pruned_at=None).order_by().values("run_id")
    counted = kept.annotate(rows=Count("pk"), first=Min("number"), last=Max("number"))
    return _runs_of(counted.exclude(first=1, rows=F("last"), last__lte=F("run__trace_count")))


def open_after_the_end() -> QuerySet[HumanTask, Any]:
    """Return the questions that are open though their run has ended."""
    return HumanTask.objects.open().filter(run__status__in=TERMINAL).order_by("pk").values_list("pk", flat=True)


def half_answered() -> QuerySet[HumanTask, Any]:
    """Return the questions that are answered without an answer, or open with one."""
    without = Q(status=TaskStatus.ANSWERED) & (Q(decision=None) | Q(decided_at=None))
    with_one = Q(status=TaskStatus.OPEN) & (Q(decision__isnull=False) | Q(decided_at__isnull=False))
    return HumanTask.objects.filter(without | with_one).order_by("pk").values_list("pk", flat=True)


def _orphans(rows: QuerySet[Any]) -> QuerySet[Any, Any]:
    lost = rows.exclude(Exists(Run.objects.filter(pk=OuterRef("run_id"))))
    if rows.model in BY_MONTH:  # these go when the runs of their whole month are gone
        lost = outside_of_months(lost)
    return lost.order_by("pk").values_list("pk", flat=True)


def _no_orphans(name: str, rows: QuerySet[Any]) -> Rule:
    text = "belongs to a run that is not there"
    return Rule(code=f"{name}_orphaned", text=text, find=lambda: _orphans(rows.all()))


def _runs_of(groups: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    return groups.order_by("run_id").values_list("run_id", flat=True)


RULES = (
    Rule(code="step_recorded_twice", text="has recorded a step twice", find=steps_recorded_twice),
    Rule(code="checkpoints_not_dense", text="has a gap in the numbers of its checkpoints", find=numbers_with_gaps),
    Rule(code="history_missing", text="lacks its last checkpoint", find=without_history),
    Rule(code="trace_not_dense", text="has a gap in the numbers of its trace", find=trace_with_gaps),
    Rule(code="human_task_outlives_run", text="is an open question of a run that has ended", find=open_after_the_end),
    Rule(code="human_task_half_answered", text="is a question that is half answered", find=half_answered),
    *(_no_orphans(name, rows) for name, rows in OWNED.items()),
)
