"""The only code that writes a run's status (with ``fan_outs``, for what begins and ends together with a run).

Every function here is one guarded write: the status moves together with its checkpoints and its trace events, or
nothing does. False (or None) means that somebody else was quicker; the caller then stops and writes nothing.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from kneo_project.queues import DEFAULT_QUEUE
from kneo_project.transient import retry_transient
from runs import fan_outs, statements, tracing, turns
from runs.bell import bell
from runs.changes import Change
from runs.engine import timeouts
from runs.engine.blame import deaths_before_isolation
from runs.engine.lifecycle import ACTIVE, REACHED_FROM, TERMINAL, Status
from runs.engine.outcomes import Fault, Usage
from runs.engine.progress import Progress, Record, RecordType
from runs.engine.state import State
from runs.labels import label
from runs.leases import LEASED_COLUMNS, Lease
from runs.models import Checkpoint, JournalEntry, Run
from runs.writing import write

RUNNING_ONLY = frozenset({Status.RUNNING})
MOST_ATTEMPTS = 32_768
COPIED_AT_ONCE = 500


def start(run: Run, *, triggered_by: str | None = None, scheduled_by: Sequence[str] = ()) -> None:
    """Write a new run with its first checkpoint, in the caller's transaction.

    ``triggered_by`` had a schedule order it, or it is the order of ``scheduled_by``. Its forks have that in their
    history, too.
    """
    details = {"target": run.target, "environment": run.environment, "timeout_seconds": run.timeout_seconds}
    asked = {"triggered_by": triggered_by, "scheduled_by": list(scheduled_by)}
    run.sequence = 1
    _line_up(run)
    tracing.begin(run)
    run.save(force_insert=True)
    label(run)
    bell.ring()
    Checkpoint.objects.create(
        run=run,
        sequence=1,
        type=RecordType.RUN_STARTED,
        status=Status.RUNNING,
        input_text=run.input_text,
        details=details | {how: who for how, who in asked.items() if who},
        created_at=run.created_at,
    )


def _line_up(run: Run) -> None:
    run.wake_at = Now()
    run.turn = turns.next_turn(queue=run.queue, priority=run.priority, ordered_by=run.ordered_by)


@retry_transient
def claim(run_id: uuid.UUID | None, owner_id: str, *, queue: str = DEFAULT_QUEUE, alone: bool = False) -> Lease | None:
    """Take the run for ``owner_id`` if it is due and free; None takes the next one of ``queue``.

    ``alone`` is for the runs that must run in isolation.
    """
    limit = deaths_before_isolation(settings.QUEUE_MAX_ATTEMPTS)
    attempts = range(limit, MOST_ATTEMPTS) if alone else range(limit)
    take = statements.claim if connection.vendor == "postgresql" else _claim_by_orm
    row = take(run_id, queue, owner_id, timezone.now(), attempts=attempts)
    if row is None:
        return None
    claimed_id, *columns = row
    return Lease(claimed_id, owner_id, *columns)


def _claim_by_orm(
    run_id: uuid.UUID | None, queue: str, owner_id: str, at: datetime, *, attempts: range
) -> tuple[Any, ...] | None:
    free = Run.objects.due().filter(attempts__gte=attempts.start, attempts__lt=attempts.stop)
    with transaction.atomic():
        chosen = run_id or turns.next_of(queue, free)
        if chosen is None:
            return None
        claimed = free.filter(pk=chosen).update(
            status=Status.RUNNING,
            lease_owner=owner_id,
            fence=F("fence") + 1,
            wake_at=None,
            started_at=Coalesce(F("started_at"), at),
            updated_at=at,
        )
        return Run.objects.values_list("pk", *LEASED_COLUMNS).get(pk=chosen) if claimed else None


@retry_transient
def commit_step(lease: Lease, progress: Progress, at: datetime) -> Lease | None:
    """Remember what a step did, under ``lease``; return the lease to go on with.

    The lease is kept unless the run ends or waits for a retry. The guard includes the sequence, so that a commit whose
    acknowledgement was lost cannot be written a second time.
    """
    delay = progress.retry_after_seconds
    change = Change(
        run_id=lease.run_id,
        sources=RUNNING_ONLY,
        fence=lease.fence,
        owner_id=lease.owner_id,
        sequence=lease.sequence,
        progress=progress,
        at=at,
        keeps_lease=progress.status is Status.RUNNING and delay is None,
        wake_at=None if delay is None else at + timedelta(seconds=delay),
    )
    if not _write(change, lease):
        return None
    spent = progress.usage or Usage()
    return replace(
        lease,
        sequence=lease.sequence + len(progress.records),
        total_tokens=(lease.total_tokens or 0) + spent.total_tokens,
        cost_nanos=(lease.cost_nanos or 0) + spent.cost_nanos,
    )


def block(lease: Lease, progress: Progress, at: datetime) -> bool:
    """Let the run wait for a person, under ``lease``. The caller's transaction holds the human task."""
    return write(
        Change(
            run_id=lease.run_id,
            sources=RUNNING_ONLY,
            fence=lease.fence,
            owner_id=lease.owner_id,
            sequence=lease.sequence,
            progress=progress,
            at=at,
            wake_at=_latest_rest(progress.state),
        )
    )


def _latest_rest(state: State | None) -> datetime | None:
    """Return until when a run at ``state`` may rest: a workflow that it is in has to be over then. None is for ever."""
    return None if state is None else _moment(timeouts.soonest(state))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def rest(lease: Lease, until: float | None) -> bool:
    """Give the run back until ``until``, in seconds since the epoch (None: until it is woken).

    In the caller's transaction. A worker that does not know of its last commit does not know what there is to wait for.
    """
    held = Run.objects.filter(pk=lease.run_id, fence=lease.fence, lease_owner=lease.owner_id, status=Status.RUNNING)
    as_known = held.filter(sequence=lease.sequence)
    return bool(as_known.update(lease_owner=None, fence=F("fence") + 1, wake_at=_moment(until)))


def wake(run: Run) -> bool:
    """Let a run that nobody drives be due, because there is something for it, in the caller's transaction."""
    resting = Run.objects.filter(pk=run.pk, lease_owner=None, status__in=ACTIVE)
    return bool(resting.update(wake_at=Now()))


def unblock(run: Run, progress: Progress, at: datetime) -> bool:
    """Let a blocked run go on (or end, when ``progress`` says so). The caller's transaction holds the decision."""
    wake_at = at if progress.status is Status.RUNNING else _latest_rest(progress.state)
    change = Change(
        run_id=run.pk,
        sources=frozenset({Status.BLOCKED}),
        fence=run.fence,
        progress=progress,
        at=at,
        wake_at=wake_at,
    )
    return _write(change, run)


def reopen(run: Run, state: State, at: datetime) -> bool:
    """Let a run that failed go on at ``state``, in the caller's transaction: due at once, with nothing held against it.

    Its deadline, if it has one, begins anew.
    """
    deadline = None if run.timeout_seconds is None else at + timedelta(seconds=run.timeout_seconds)
    failed = Run.objects.filter(pk=run.pk, status=Status.FAILED, fence=run.fence, history_pruned_at=None)
    reopened = failed.update(
        status=Status.RUNNING,
        cursor=state.cursor(),
        sequence=F("sequence") + 1,
        fence=F("fence") + 1,
        attempts=0,
        error_type=None,
        error_message=None,
        wake_at=Now(),
        deadline_at=deadline,
        completed_at=None,
        updated_at=at,
    )
    if reopened:
        JournalEntry.objects.filter(run_id=run.pk, spent=False).update(spent=True)
        details = {"error": {"type": run.error_type, "message": run.error_message}}
        _note_replay(run.pk, run.sequence + 1, at, cursor=state.cursor(), details=details)
        bell.ring()
    return bool(reopened)


def start_fork(run: Run, parent: Run, at: Checkpoint, state: State, text: str | None, *, by: str) -> None:
    """Write ``run`` as a fork of ``parent`` from the checkpoint ``at``, in the caller's transaction.

    ``by`` asked for it. It gets its own copy of the history up to there, and goes on at ``state``; ``text`` is what
    the next step is given instead of what flowed on.
    """
    if text is not None:
        state = replace(state, root=replace(state.root, text_at=at.sequence + 1))
    run.cursor, run.sequence = state.cursor(), at.sequence + 1
    run.parent, run.forked_at = parent, at.sequence
    _line_up(run)
    tracing.begin(run)
    run.save(force_insert=True)
    label(run)
    bell.ring()
    copied = parent.checkpoints.filter(sequence__lte=at.sequence).order_by("sequence")
    for batch in batched(copied.iterator(chunk_size=COPIED_AT_ONCE), COPIED_AT_ONCE):
        for checkpoint in batch:
            checkpoint.pk, checkpoint.run = None, run
        Checkpoint.objects.bulk_create(batch)
    details = {"forked_from": {"run_id": str(parent.pk), "checkpoint": at.sequence, "by": by}}
    _note_replay(run.pk, run.sequence, run.created_at, cursor=run.cursor, details=details, output_text=text)


def _note_replay(run_id: uuid.UUID, sequence: int, at: datetime, **fields: Any) -> None:
    kind = RecordType.REPLAY_CONTEXT
    Checkpoint.objects.create(
        run_id=run_id, sequence=sequence, type=kind, status=Status.RUNNING, created_at=at, **fields
    )


@retry_transient
def release(run_id: uuid.UUID, fence: int) -> bool:
    """Give the run back unharmed: it is due again at once, and nobody is blamed."""
    return _free(run_id, fence, deaths=0)


def reclaim(run: Run) -> bool:
    """Take a run back from an owner that died: due again at once, with one more death on its account."""
    return _free(run.pk, run.fence, deaths=1)


def _free(run_id: uuid.UUID, fence: int, *, deaths: int) -> bool:
    leased = Run.objects.filter(pk=run_id, fence=fence, status=Status.RUNNING, lease_owner__isnull=False)
    freed = leased.update(lease_owner=None, fence=F("fence") + 1, wake_at=Now(), attempts=F("attempts") + deaths)
    return bool(freed)


@retry_transient
def fail(lease: Lease, fault: Fault) -> bool:
    """End the run under ``lease`` with ``fault``: for faults that no step is to blame for."""
    end = _end(lease.run_id, Status.FAILED, RecordType.RUN_FAILED, fault)
    return _write(replace(end, fence=lease.fence, owner_id=lease.owner_id), lease)


def dead_letter(run: Run, fault: Fault) -> bool:
    """Give a run up whose executions keep dying."""
    return _write(replace(_end(run.pk, Status.FAILED, RecordType.RUN_FAILED, fault), fence=run.fence), run)


def cancel(run_id: uuid.UUID, fault: Fault) -> bool:
    """End the run because somebody asked for it. A step that is running learns of it and can record nothing."""
    return _write(_end(run_id, Status.CANCELLED, RecordType.RUN_CANCELLED, fault))


@retry_transient
def time_out(run_id: uuid.UUID, fault: Fault) -> bool:
    """End the run because its deadline has passed."""
    return _write(_end(run_id, Status.TIMED_OUT, RecordType.RUN_TIMED_OUT, fault))


def expire(run_id: uuid.UUID, fault: Fault) -> bool:
    """End the run because a person did not answer in time."""
    return _write(_end(run_id, Status.EXPIRED, RecordType.RUN_EXPIRED, fault))


def _end(run_id: uuid.UUID, status: Status, record_type: RecordType, fault: Fault) -> Change:
    record = Record(type=record_type, status=status, fault=fault)
    progress = Progress(status=status, records=(record,), fault=fault, is_final=True)
    return Change(run_id=run_id, sources=REACHED_FROM[status], progress=progress, at=timezone.now())


def _write(change: Change, run: Lease | Run | None = None) -> bool:
    """Write ``change`` of ``run`` (None: one that is no branch), and if that ends it, all that its end brings about."""
    status, within = change.progress.status, run.within_id if run else None
    if status not in TERMINAL or (status is Status.COMPLETED and within is None):
        return write(change)
    with transaction.atomic():
        fan_outs.lock(within)
        if not write(change):
            return False
        if status is not Status.COMPLETED:
            fan_outs.end_with(change.run_id, change.at)
        if run and run.within_id and run.branch_of_id:
            _end_branch(change, within=run.within_id, branch_of=run.branch_of_id)
    return True


def _end_branch(change: Change, *, within: uuid.UUID, branch_of: int) -> None:
    fan_outs.note_end(change.run_id, branch_of=branch_of, within=within)
    fault = change.progress.fault
    if fault and change.progress.is_final:
        _write(_end(within, Status.FAILED, RecordType.RUN_FAILED, fault))
