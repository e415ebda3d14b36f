"""Pruning, a batch at a time: each is a transaction of its own, and of each kind only one is under way anywhere."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from kneo_project.audit.services import record
from kneo_project.transient import retry_transient
from runs import statistics
from runs.models import RetentionMark
from runs.partitions import upkeep
from runs.retention import ended, others
from runs.retention.batches import Batch, Kind, Limit
from runs.retention.windows import KINDS, Window, windows

logger = logging.getLogger(__name__)
BATCH = 500
LONGEST_REST_SECONDS = 0.5
HOW: Mapping[str, Kind] = {
    "logs": Kind(count=others.count_logs, prune=others.prune_logs),
    "audit": Kind(count=others.count_audit, prune=others.prune_audit),
    "tallies": Kind(count=lambda limit: others.tallies_past(limit).count(), prune=others.prune_tallies),
    "webhooks": Kind(count=lambda limit: others.deliveries_past(limit).count(), prune=others.prune_deliveries),
    "bulk": Kind(count=lambda limit: others.bulk_past(limit).count(), prune=others.prune_bulk),
    "snapshots": Kind(count=lambda limit: others.snapshots_past(limit).count(), prune=others.prune_snapshots),
    "idempotency": Kind(count=lambda limit: ended.promises_past(limit).count(), prune=ended.prune_promises),
    "continuations": Kind(
        count=lambda limit: ended.tasks_past(limit).count(), prune=ended.prune_tasks, is_tallied=True
    ),
    "checkpoints": Kind(
        count=lambda limit: ended.histories_past(limit).count(), prune=ended.prune_histories, is_tallied=True
    ),
    "runs": Kind(count=lambda limit: ended.runs_past(limit).count(), prune=ended.prune_runs, is_tallied=True),
}


def never() -> bool:
    """Go on until there is nothing left."""
    return False


def limits(known: Sequence[Window], now: datetime, is_over: Callable[[], bool] = never) -> dict[str, Limit]:
    """Return for each kind with a window what is past it at ``now``, and can go: not before it is in the tallies."""
    begins = {window.kind: begin for window in known if (begin := window.begins_at(now)) is not None}
    if any(HOW[kind].is_tallied for kind in begins):
        while statistics.settle() and not is_over():
            pass
    counted = statistics.counted_until()
    found = {}
    for kind, begin in begins.items():
        if HOW[kind].is_tallied and counted is None:
            continue
        before = min(begin, counted) if HOW[kind].is_tallied and counted else begin
        found[kind] = Limit(before=before, at_most=BATCH, runs_before=begins.get("runs"))
    return found


def prune(
    known: Sequence[Window], past: Mapping[str, Limit], *, actor: str | None = None, is_over: Callable[[], bool] = never
) -> dict[str, int]:
    """Prune what is ``past`` the ``known`` windows until ``is_over``; return how many records of each kind went.

    What is left then is for the next round. A kind that fails does not stop the others.
    """
    RetentionMark.objects.bulk_create((RetentionMark(kind=kind) for kind in KINDS), ignore_conflicts=True)
    done = {kind: _prune_kind(kind, limit, is_over) for kind, limit in past.items()}
    _report(actor)
    if len(known) == len(KINDS):
        wanted = [window.kind for window in known if window.days is not None]
        _note_round(wanted, is_done=all(kind in done and done[kind].is_done for kind in wanted))
    return {kind: batch.pruned for kind, batch in done.items()}


def rehearse(past: Mapping[str, Limit]) -> dict[str, int]:
    """Return how many records of each kind are ``past`` their windows now. Deletes nothing."""
    return {kind: HOW[kind].count(limit) for kind, limit in past.items()}


def prune_round(*, is_over: Callable[[], bool]) -> dict[str, int]:
    """Prune what is past its window now, and have partitions for the months to come.

    Raises ProjectConfigInvalid for a project whose windows cannot be read.
    """
    _see_to_months()
    found = windows()
    return prune(found, limits(found, timezone.now(), is_over), is_over=is_over)


def age_seconds() -> float | None:
    """Return for how long there may have been something past its window; None when nothing was pruned yet, or is."""
    round_ = RetentionMark.objects.filter(pk=RetentionMark.ROUND, finished_at__isnull=False).first()
    if round_ is None or round_.finished_at is None:
        return None
    return max((timezone.now() - round_.finished_at).total_seconds(), 0.0)


def _prune_kind(kind: str, limit: Limit, is_over: Callable[[], bool]) -> Batch:
    """Prune a batch after another; return them as one."""
    pruned, batch = 0, Batch(goes_on=True)
    try:
        while batch.goes_on and not is_over():
            began = time.monotonic()
            batch = _prune_batch(kind, limit)
            pruned += batch.pruned
            if batch.pruned == limit.at_most:
                # Others have the database to themselves for half of the time: pruning is never urgent.
                time.sleep(min(time.monotonic() - began, LONGEST_REST_SECONDS))
    except Exception:
        logger.exception("Pruning failed", extra={"kind": kind})
        batch = Batch()
    return replace(batch, pruned=pruned)


@retry_transient
def _prune_batch(kind: str, limit: Limit) -> Batch:
    """Prune a batch, unless somebody else prunes this kind just now."""
    with transaction.atomic():
        mark = RetentionMark.objects.select_for_update(skip_locked=True).filter(pk=kind).first()
        if mark is None:
            return Batch()
        batch = HOW[kind].prune(limit, mark)
        mark.unreported += batch.pruned
        if batch.is_done:
            mark.finished_at = timezone.now()
        mark.save()
    return batch


@retry_transient
def _report(actor: str | None) -> None:
    """Audit what was pruned and is not audited yet, be it of a round that died."""
    with transaction.atomic():
        marks = RetentionMark.objects.select_for_update(skip_locked=True).filter(unreported__gt=0)
        counts = {mark.kind: mark.unreported for mark in marks}
        if counts:
            RetentionMark.objects.filter(pk__in=counts).update(unreported=0)
            record("retention.pruned", actor=actor, metadata=counts)


def _see_to_months() -> None:
    try:
        upkeep.create_missing(timezone.now())
    except Exception:
        logger.exception("Partitions for the months to come could not be made")


def _note_round(wanted: Sequence[str], *, is_done: bool) -> None:
    """Remember that all is done, for those who watch; where nothing is to be pruned there is nothing to watch."""
    if not wanted:
        RetentionMark.objects.filter(pk=RetentionMark.ROUND).delete()
    elif is_done:
        RetentionMark.objects.update_or_create(pk=RetentionMark.ROUND, defaults={"finished_at": timezone.now()})
