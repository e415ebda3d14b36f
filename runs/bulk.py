"""Doing something to many runs: on the server, a few at a time, each run once, whatever dies in between."""

import time
import uuid
from collections.abc import Callable, Mapping

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from kneo_project.audit.services import record
from kneo_project.errors import KneoError
from kneo_project.transient import retry_transient
from runs.errors import BulkNotFound, IdempotencyKeyConflict, QueueFull
from runs.inspection.matching import asked_in, narrowed
from runs.models import BulkAction, BulkOperation, BulkStatus, Run
from runs.redriving import FIRST_CHECKPOINT, ForkRun, continue_run, fork_run
from runs.services import cancel_run

LONGEST_SECONDS = 1.0
MOST_REFUSALS = 50
SCOPE = "runs:bulk"


@retry_transient
def start_bulk(
    action: BulkAction, wanted: Mapping[str, list[str]], *, batch_size: int, actor: str, word: str | None
) -> BulkOperation:
    """Order ``action`` for every run that ``wanted`` means now; the same ``word`` orders it once.

    Raises RequestInvalid or InvalidTimestamp for a filter that says nothing, and IdempotencyKeyConflict.
    """
    now = timezone.now()
    operation = BulkOperation(action=action, filter=dict(wanted), batch_size=batch_size, created_by=actor, word=word)
    operation.created_at = now
    operation.matched = _meant(operation).count()
    try:
        with transaction.atomic():
            operation.save(force_insert=True)
            facts = {"bulk_id": str(operation.pk), "action": action, "filter": operation.filter}
            record("runs.bulk_started", actor=actor, metadata={**facts, "matched": operation.matched})
    except IntegrityError:
        return _ordered_before(operation)
    return operation


def count_meant(wanted: Mapping[str, list[str]]) -> int:
    """Return how many runs ``wanted`` means now."""
    return narrowed(Run.objects.whole(), asked_in(wanted)).count()


def find_bulk(bulk_id: uuid.UUID) -> BulkOperation:
    """Return the operation. Raises BulkNotFound."""
    operation = BulkOperation.objects.filter(pk=bulk_id).first()
    if operation is None:
        raise BulkNotFound(bulk_id=str(bulk_id))
    return operation


@retry_transient
def cancel_bulk(bulk_id: uuid.UUID, *, actor: str) -> BulkOperation:
    """Do it to no further run; what is done stays done. Raises BulkNotFound."""
    with transaction.atomic():
        running = BulkOperation.objects.filter(pk=find_bulk(bulk_id).pk, status=BulkStatus.RUNNING)
        if running.update(status=BulkStatus.CANCELLED, completed_at=timezone.now()):
            record("runs.bulk_cancelled", actor=actor, metadata={"bulk_id": str(bulk_id)})
    return find_bulk(bulk_id)


def work_off() -> list[uuid.UUID]:
    """Do the next batch of each operation that is under way; return the ids of runs that can go on now.

    It does not take long: what else the beat has to do must be on time.
    """
    woken: list[uuid.UUID] = []
    until = time.monotonic() + LONGEST_SECONDS
    for operation in BulkOperation.objects.filter(status=BulkStatus.RUNNING).order_by("created_at"):
        for _ in range(operation.batch_size):
            if time.monotonic() >= until or (moved := _do_next(operation)) is None:
                break
            woken += moved
    return woken


@retry_transient
def _do_next(ordered: BulkOperation) -> list[uuid.UUID] | None:
    """Do it to one more run, and remember that in the same transaction. None when there is nothing to do just now."""
    with transaction.atomic():
        locked = BulkOperation.objects.select_for_update(skip_locked=True).filter(status=BulkStatus.RUNNING)
        operation = locked.filter(pk=ordered.pk).first()
        if operation is None:
            return None
        run = _rest(operation).order_by("created_at", "pk").first()
        if run is None:
            _finish(operation)
            return None
        try:
            with transaction.atomic():
                woken = _ACTIONS[BulkAction(operation.action)](run, operation.created_by)
            operation.done += 1
        except QueueFull:
            return None
        except KneoError as refusal:
            woken = []
            _note(operation, run, refusal)
        operation.place_at, operation.place_id = run.created_at, run.pk
        operation.save()
    return woken


def _cancel(run: Run, actor: str) -> list[uuid.UUID]:
    cancel_run(run.pk, actor=actor)
    return []


def _continue(run: Run, actor: str) -> list[uuid.UUID]:
    return [continue_run(run.pk, actor=actor).pk]


def _restart(run: Run, actor: str) -> list[uuid.UUID]:
    return [fork_run(run.pk, ForkRun(checkpoint=FIRST_CHECKPOINT), actor=actor).pk]


_ACTIONS: Mapping[BulkAction, Callable[[Run, str], list[uuid.UUID]]] = {
    BulkAction.CANCEL: _cancel,
    BulkAction.CONTINUE: _continue,
    BulkAction.RESTART: _restart,
}


def _meant(operation: BulkOperation) -> QuerySet[Run]:
    """Return the runs that are meant: those that came later, such as restarted ones, are not."""
    return narrowed(Run.objects.whole().filter(created_at__lte=operation.created_at), asked_in(operation.filter))


def _rest(operation: BulkOperation) -> QuerySet[Run]:
    at, pk = operation.place_at, operation.place_id
    later = Q() if at is None else Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk)
    return _meant(operation).filter(later)


def _note(operation: BulkOperation, run: Run, refusal: KneoError) -> None:
    operation.skipped += 1
    if len(operation.refusals) < MOST_REFUSALS:
        operation.refusals.append({"run_id": str(run.pk), "error": refusal.code, "message": refusal.message})


def _finish(operation: BulkOperation) -> None:
    operation.status, operation.completed_at = BulkStatus.COMPLETED, timezone.now()
    operation.save()
    facts = {"bulk_id": str(operation.pk), "action": operation.action, "done": operation.done}
    record("runs.bulk_completed", actor=None, metadata={**facts, "skipped": operation.skipped})


def _ordered_before(operation: BulkOperation) -> BulkOperation:
    earlier = BulkOperation.objects.get(created_by=operation.created_by, word=operation.word)
    if (earlier.action, earlier.filter) != (operation.action, operation.filter):
        raise IdempotencyKeyConflict(scope=SCOPE)
    return earlier
