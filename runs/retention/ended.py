"""Pruning what belongs to runs that have ended, and these runs.

A run that has ended may be gone on with or forked at any moment. Who does that locks the whole run, and so does every
function here, for all that is within it; then it asks again whether the run has ended.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from humantasks.models import HumanTask, TaskStatus
from runs import statistics
from runs.engine.lifecycle import LIVE, TERMINAL
from runs.engine.progress import RecordType
from runs.models import Checkpoint, IdempotencyRecord, JournalEntry, RetentionMark, Run, TraceEvent
from runs.partitions.upkeep import drop_oldest
from runs.retention.batches import Batch, Limit

# Some runs have ten thousand trace events: a batch of them would be no small transaction.
MOST_RECORDS = 10_000


def runs_past(limit: Limit) -> QuerySet[Run]:
    """Return the whole runs that are past their window, and that no live run came from."""
    return _ended(limit.before).filter(status__in=settings.RETENTION_RUN_STATUSES)


def prune_runs(limit: Limit, _: RetentionMark) -> Batch:
    """Delete runs with all that belongs to them; their branches first, as there may be very many."""
    past = runs_past(limit)
    found = _locked(past, limit)
    ids = _still(past, found)
    of_runs = Run.objects.filter(within__in=ids)
    if branches := _light(of_runs.only("pk", "within_id", "sequence", "trace_count")[: limit.at_most]):
        # From here on nobody can go on with these runs, whatever happens before the rest of them is deleted.
        Run.objects.filter(pk__in={branch.within_id for branch in branches}).update(history_pruned_at=timezone.now())
        _delete([branch.pk for branch in branches])
        return Batch(goes_on=True)
    _delete(ids)
    if not found:
        dropped = drop_oldest(limit.before)  # here, as nobody else deletes runs meanwhile
        return Batch(goes_on=dropped is not None, is_done=dropped is None)
    return Batch(pruned=len(ids), goes_on=bool(ids))


def histories_past(limit: Limit) -> QuerySet[Run]:
    """Return the whole runs whose history is past its window, but for those that go altogether."""
    unpruned = _ended(limit.before).filter(history_pruned_at=None)
    if limit.runs_before is None:
        return unpruned
    return unpruned.exclude(status__in=settings.RETENTION_RUN_STATUSES, completed_at__lt=limit.runs_before)


def prune_histories(limit: Limit, _: RetentionMark) -> Batch:
    """Delete what runs have recorded, but for their first and last checkpoints; then what their branches have."""
    past = histories_past(limit)
    found = _locked(past, limit)
    if found:
        ids = _still(past, found)
        _delete_histories(ids)
        return Batch(pruned=len(ids), goes_on=bool(ids))  # their branches come after them
    branches = _locked(_branches_past(limit), limit)
    _delete_histories([branch.pk for branch in branches])
    return Batch(goes_on=bool(branches), is_done=not branches)


def tasks_past(limit: Limit) -> QuerySet[HumanTask]:
    """Return the closed human tasks of ended runs that are past their window."""
    closed = HumanTask.objects.exclude(status=TaskStatus.OPEN)
    return closed.filter(_of_ended(limit.before), created_at__lt=limit.before)


def prune_tasks(limit: Limit, _: RetentionMark) -> Batch:
    """Delete human tasks."""
    return _prune_of_ended(tasks_past(limit), limit)


def promises_past(limit: Limit) -> QuerySet[IdempotencyRecord]:
    """Return the idempotency records of ended runs that are past their window."""
    return IdempotencyRecord.objects.filter(_of_ended(limit.before), created_at__lt=limit.before)


def prune_promises(limit: Limit, _: RetentionMark) -> Batch:
    """Delete idempotency records."""
    return _prune_of_ended(promises_past(limit), limit)


def _ended(before: datetime) -> QuerySet[Run]:
    """Return the whole runs that ended ``before``, with all their branches, and that no live run was forked from."""
    branches = Run.objects.filter(within=OuterRef("pk")).exclude(status__in=TERMINAL)
    # Looked for once: asked about each run, SQLite would read all others for it, as few runs have a parent.
    forks = Run.objects.whole().filter(status__in=LIVE, parent__isnull=False)
    return Run.objects.whole().filter(
        ~Exists(branches),
        ~Q(pk__in=forks.values("parent")),
        status__in=TERMINAL,
        completed_at__lt=before,
    )


def _of_ended(before: datetime) -> Q:
    """Return what belongs to a run that ended ``before``, and so did the run that it is a branch of."""
    over = Q(run__status__in=TERMINAL, run__completed_at__lt=before)
    whole = Q(run__within__status__in=TERMINAL, run__within__completed_at__lt=before)
    return over & (Q(run__within=None) | whole)


def _branches_past(limit: Limit) -> QuerySet[Run]:
    """Return the branches whose history is still there, of runs whose own is not."""
    ended = Run.objects.filter(within__isnull=False, status__in=TERMINAL, completed_at__lt=limit.before)
    return ended.filter(within__history_pruned_at__isnull=False, history_pruned_at=None)


def _locked(rows: QuerySet[Run], limit: Limit) -> list[Run]:
    """Return the oldest of ``rows``, which nobody changes before the transaction ends; none that is being changed."""
    free = rows.select_for_update(skip_locked=True, of=("self",)).only("pk", "sequence", "trace_count")
    return _light(free.order_by("completed_at")[: limit.at_most])


def _light(rows: Iterable[Run]) -> list[Run]:
    """Return the first of ``rows``: no more than have MOST_RECORDS together, and at least one."""
    light: list[Run] = []
    records = 0
    for run in rows:
        records += run.sequence + run.trace_count
        if light and records > MOST_RECORDS:
            break
        light.append(run)
    return light


def _still(past: QuerySet[Run], locked: Sequence[Run]) -> list[uuid.UUID]:
    """Return those that may go now that they are ``locked``: what happened meanwhile is seen, and all is counted."""
    ids = set(past.filter(pk__in=[run.pk for run in locked]).values_list("pk", flat=True))
    return sorted(ids - statistics.not_counted(ids))


def _delete(run_ids: Collection[uuid.UUID]) -> None:
    """Delete these runs: the models say what goes with them."""
    Run.objects.filter(pk__in=run_ids).only("pk").delete()


def _delete_histories(run_ids: Collection[uuid.UUID]) -> None:
    checkpoints = Checkpoint.objects.filter(run_id__in=run_ids)
    checkpoints.exclude(type=RecordType.RUN_STARTED).exclude(sequence=F("run__sequence")).delete()
    TraceEvent.objects.filter(run_id__in=run_ids).delete()
    JournalEntry.objects.filter(run_id__in=run_ids).delete()
    Run.objects.filter(pk__in=run_ids).update(history_pruned_at=timezone.now())


def _prune_of_ended[M: models.Model](past: QuerySet[M], limit: Limit) -> Batch:
    """Delete the oldest of ``past``, which belong to runs."""
    whole = Coalesce("run__within_id", "run_id")
    found = list(past.order_by("created_at").annotate(whole=whole).values_list("pk", "whole")[: limit.at_most])
    free = Run.objects.filter(pk__in={whole_id for _, whole_id in found}).select_for_update(skip_locked=True)
    held = set(free.values_list("pk", flat=True))
    sure = [pk for pk, whole_id in found if whole_id in held]
    number = past.filter(pk__in=sure).count()  # of them alone: what goes with them is not counted
    past.filter(pk__in=sure).delete()
    return Batch.of(number, found, limit.at_most)
