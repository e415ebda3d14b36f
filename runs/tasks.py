"""Celery tasks: who looks at a run, and when. They carry at most a run id; what to do is in the database."""

import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any

from celery import Task, shared_task
from celery.signals import worker_shutdown, worker_shutting_down
from django.conf import settings

from kneo_project.beatjobs.services import noted
from kneo_project.celery import bell_lifetime, publish
from kneo_project.spans import HERE
from runs import bulk, deadlines, executor, heartbeat, isolation, statistics, tracing
from runs.executor import Rest
from runs.retention import rounds
from runs.schedules import firing

logger = logging.getLogger(__name__)
NEAR_SECONDS = 10.0
LEAST_DRAINS, MAX_DRAINS = 3, 32
MAX_BATCHES = 3
LONGEST_PRUNING_SECONDS = 60.0


def ring(run_id: uuid.UUID, *, after_seconds: float | None = None, traceparent: str | None = HERE) -> bool:
    """Tell the workers to look at this run; return whether the broker took it: if not, the sweep finds the run.

    ``traceparent`` is where the run's trace begins, unless what rings is part of it, or a trace of its own.
    """
    with tracing.dispatch(run_id, parent=traceparent):
        return publish(advance_run, str(run_id), countdown=after_seconds)


@shared_task(name="runs.advance_run")
def advance_run(run_id: str) -> None:
    """Look at this run, and then at those that wait: a backlog is worked off without a message for each run."""
    if _look_at(uuid.UUID(run_id)) is not Rest.HANDED_OVER:
        advance_due()


@shared_task(name="runs.advance_due")
def advance_due() -> None:
    """Look at the runs that wait, the longest waiting first, until there are none."""
    while _look_at(None) not in {Rest.NOT_DUE, Rest.HANDED_OVER}:
        pass


@shared_task(name="runs.advance_alone")
def advance_alone(run_id: str) -> None:
    """Look at this run in a process of its own: its last executions died with their process."""
    if deadlines.waiting_alone().filter(pk=run_id).exists():  # starting a process for nothing takes a second
        isolation.advance_in_child(run_id)


@shared_task(name="runs.sweep")
@noted("sweep")
def sweep() -> None:
    """Find what time, dead workers and lost messages left behind, and ring for it. Runs in the beat's own process."""
    freed = deadlines.recover_lapsed() + deadlines.expire_overdue_tasks() + deadlines.wake_blocked()
    deadlines.time_out_overdue_runs()
    overlooked = deadlines.overlooked()
    beginnings = tracing.beginnings(freed)
    for run_id in freed:
        with tracing.dispatch(run_id, parent=beginnings.get(run_id)):
            if not publish(advance_run, str(run_id), expires=bell_lifetime()):
                return  # each further bell would take as long to fail, and the next sweep must be on time
    bells: list[tuple[Task[..., None], tuple[str, ...]]] = [
        *((advance_alone, (str(run_id),)) for run_id in overlooked.alone * LEAST_DRAINS),
        *[(advance_due, ())] * _bells(overlooked.shared),
    ]
    for task, arguments in bells:
        if not publish(task, *arguments, expires=bell_lifetime()):
            return


@shared_task(name="runs.fire_schedules")
@noted("schedules")
def fire_schedules() -> None:
    """Start the runs that are due by the clock."""
    _ring_all(firing.fire_due())


@shared_task(name="runs.work_off_bulk")
@noted("bulk")
def work_off_bulk() -> None:
    """Do a batch of what was ordered for many runs."""
    _ring_all(bulk.work_off())


@shared_task(name="runs.settle_statistics")
@noted("statistics")
def settle_statistics() -> None:
    """Add up what happened since the last time, in a few batches: the sweep must not wait for a long history."""
    for _ in range(MAX_BATCHES):
        if not statistics.settle():
            return


@shared_task(name="runs.prune")
@noted("retention")
def prune() -> None:
    """Prune what is past its window, for a while: what is left is for the next time, and for another worker."""
    until = time.monotonic() + LONGEST_PRUNING_SECONDS
    process = heartbeat.of_this_process()
    rounds.prune_round(is_over=lambda: process.is_stopping or time.monotonic() >= until)


@worker_shutting_down.connect
def hand_over(**_: Any) -> None:
    """Told to stop: begin no further step, and interrupt what is not done in a moment."""
    heartbeat.of_this_process().stop(settings.SHUTDOWN_TIMEOUT_SECONDS)


@worker_shutdown.connect
def retire(**_: Any) -> None:
    """Stopped: nothing is held here any more."""
    heartbeat.retire()


def _bells(overlooked: int) -> int:
    """Return how often to ring: more than once even for one run, as a frozen worker is dealt its share of the bells."""
    return min(max(overlooked, LEAST_DRAINS), MAX_DRAINS) if overlooked else 0


def _look_at(run_id: uuid.UUID | None) -> Rest:
    advanced = executor.advance(run_id)
    run_id = advanced.run_id or run_id
    if run_id is not None:
        delay = advanced.retry_after_seconds
        if delay is not None and delay <= NEAR_SECONDS:
            ring(run_id, after_seconds=delay, traceparent=advanced.traceparent)
        if advanced.rest is Rest.HANDED_OVER:
            ring(run_id, traceparent=advanced.traceparent)
    _ring_for(advanced.branches)
    return advanced.rest


def _ring_all(run_ids: Sequence[uuid.UUID]) -> None:
    """Ring for runs that were ordered, or let go on, where there is no request that their traces are part of."""
    beginnings = tracing.beginnings(run_ids)
    for run_id in run_ids:
        if not ring(run_id, traceparent=beginnings.get(run_id, HERE)):
            return  # each further bell would take as long to fail, and the beat must be on time


def _ring_for(branches: int) -> None:
    """Tell other workers that there are branches to begin with."""
    for _ in range(min(branches, MAX_DRAINS)):
        if not publish(advance_due, expires=bell_lifetime()):
            return
