"""Starting the runs that are due, each once, however many processes look at the clock."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from kneo_project.audit.services import record
from kneo_project.errors import KneoError
from kneo_project.transient import retry_transient
from runs import deadlines, idempotency, services
from runs.engine.lifecycle import TERMINAL
from runs.errors import QueueFull
from runs.models import Outcome, Overlap, Priority, Run, Schedule, ScheduledRun, Target
from runs.schedules.keeping import find_schedule, timetable_of
from runs.services import StartRun
from specs.services import SpecSource


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What comes of the moment ``due_at``, and why."""

    outcome: Outcome
    due_at: datetime
    reason: str | None = None
    run: Run | None = None


def fire_due() -> list[uuid.UUID]:
    """Start a run for each schedule of which one is due; return these runs.

    However long nobody looked: of all the moments that passed, the last one counts.
    """
    started: list[uuid.UUID] = []

    def fire(schedule: Schedule) -> bool:
        run = _fire(schedule, timezone.now())
        started.extend([run.pk] if run else [])
        return run is not None

    deadlines.each(Schedule.objects.due(timezone.now()), fire)
    return started


@retry_transient
def trigger(name: str, *, actor: str, key: idempotency.Key | None = None) -> Run:
    """Start a run of the schedule now, whatever its clock says, whether it is paused and what else it runs.

    Raises ScheduleNotFound, and what ``services.start_run`` raises.
    """
    with transaction.atomic():
        schedule = find_schedule(name, for_update=True)
        run = _start(schedule, None, triggered_by=actor, key=key)
        Schedule.objects.filter(pk=schedule.pk).update(last_run=run)
        record("schedule.triggered", actor=actor, run_id=run.pk, metadata={"schedule": schedule.name})
    return run


@retry_transient
def _fire(seen: Schedule, now: datetime) -> Run | None:
    """Do what is to be done about ``seen`` at ``now``; return the run that was started.

    The first statement of the transaction is the claim: of several processes that have seen the same moment, one
    changes the row, and the others find that it is not as they have seen it.
    """
    due_at, next_at = _moments(seen, now)
    if due_at == seen.waiting_since and seen.overlap == Overlap.QUEUE and _under_way(seen).exists():
        return None  # it waits on
    with transaction.atomic():
        unchanged = Schedule.objects.filter(pk=seen.pk, is_paused=False, cron=seen.cron, time_zone=seen.time_zone)
        if not unchanged.filter(next_at=seen.next_at, waiting_since=seen.waiting_since).update(next_at=next_at):
            return None
        schedule = Schedule.objects.get(pk=seen.pk)
        verdict = _judge(schedule, due_at, now)
        _note(schedule, verdict)
    return verdict.run


def _moments(seen: Schedule, now: datetime) -> tuple[datetime, datetime]:
    """Return the moment to start a run for, the last one that was due, and the one that is due next."""
    table = timetable_of(seen)
    if seen.next_at is None:
        raise AssertionError("a schedule that is not paused has a next moment")
    if seen.next_at > now:
        return seen.waiting_since or seen.next_at, seen.next_at
    due_at = table.latest_until(now, since=seen.next_at)
    return due_at, table.next_after(due_at)


def _judge(schedule: Schedule, due_at: datetime, now: datetime) -> _Verdict:
    """Start a run for ``due_at``, or say why not."""
    grace = schedule.misfire_grace_seconds
    if due_at != schedule.waiting_since and grace is not None and now - due_at > timedelta(seconds=grace):
        late = round((now - due_at).total_seconds())
        return _Verdict(outcome=Outcome.MISSED, due_at=due_at, reason=f"It was noticed {late} seconds late.")
    if ScheduledRun.objects.filter(schedule=schedule, due_at=due_at).exists():
        return _Verdict(outcome=Outcome.SKIPPED, due_at=due_at, reason="There was a run for this moment already.")
    if schedule.overlap != Overlap.ALLOW and (others := list(_under_way(schedule))):
        if schedule.overlap != Overlap.CANCEL_OTHER:
            outcome = Outcome.WAITING if schedule.overlap == Overlap.QUEUE else Outcome.SKIPPED
            return _Verdict(outcome=outcome, due_at=due_at, reason=f"Run {others[0].run_id} had not ended.")
        _cancel(others, schedule.actor)
    try:
        with transaction.atomic():
            run = _start(schedule, due_at)
    except QueueFull as error:
        return _Verdict(outcome=Outcome.WAITING, due_at=due_at, reason=error.message)
    except KneoError as error:
        return _Verdict(outcome=Outcome.REFUSED, due_at=due_at, reason=error.message)
    return _Verdict(outcome=Outcome.STARTED, due_at=due_at, run=run)


def _note(schedule: Schedule, verdict: _Verdict) -> None:
    """Remember what came of a moment. A run that was started is in the audit log as such."""
    waits = verdict.outcome == Outcome.WAITING
    missed = verdict.outcome == Outcome.MISSED
    was_waiting = schedule.waiting_since
    schedule.waiting_since = verdict.due_at if waits else was_waiting if missed else None
    schedule.last_due_at, schedule.last_outcome = verdict.due_at, verdict.outcome
    schedule.last_reason = verdict.reason
    changed = ["waiting_since", "last_due_at", "last_outcome", "last_reason"]
    if verdict.run is not None:
        schedule.last_run = verdict.run
        changed.append("last_run")
    schedule.save(update_fields=changed)
    if verdict.run is None and not (waits and was_waiting == verdict.due_at):
        facts = {"schedule": schedule.name, "due_at": verdict.due_at.isoformat(), "reason": verdict.reason}
        record(f"schedule.{verdict.outcome}", actor=schedule.actor, metadata=facts)


def _start(
    schedule: Schedule,
    due_at: datetime | None,
    *,
    triggered_by: str | None = None,
    key: idempotency.Key | None = None,
) -> Run:
    """Start a run of ``schedule`` in the caller's transaction."""
    source = SpecSource(
        digest=schedule.snapshot_id,
        spec_path=schedule.spec_path,
        overlays=tuple(schedule.overlay_paths),
        environment=schedule.environment,
    )
    about = {"schedule": schedule.name} | ({"due_at": due_at.isoformat()} if due_at else {})
    order = StartRun(
        source=source,
        input_text=schedule.input_text,
        target=Target(schedule.target),
        session_id=schedule.session_id,
        metadata={**about, **schedule.caller_metadata},
        tags=tuple(schedule.tags),
        queue=schedule.queue,
        priority=Priority(schedule.priority),
        timeout_seconds=schedule.timeout_seconds,
        token_budget=schedule.token_budget,
        cost_budget=schedule.cost_budget,
        async_mode=True,
        triggered_by=triggered_by,
        scheduled_by=() if triggered_by else schedule.authors,
    )
    run = services.start_run(order, actor=schedule.actor, key=key)
    ScheduledRun.objects.create(run=run, schedule=schedule, due_at=due_at)
    return run


def _under_way(schedule: Schedule) -> QuerySet[ScheduledRun]:
    """Return the runs of ``schedule`` that have not ended, after noting which have."""
    open_runs = ScheduledRun.objects.filter(schedule=schedule, is_over=False)
    open_runs.filter(run__status__in=TERMINAL).update(is_over=True)
    return open_runs


def _cancel(others: Iterable[ScheduledRun], actor: str) -> None:
    for other in others:
        services.cancel_run(other.run_id, actor=actor)
