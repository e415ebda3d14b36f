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
from kneo_project.queues import DEFAULT_QUEUE, at_broker
from kneo_project.spans import HERE
from runs import bulk, deadlines, executor, heartbeat, isolation, statistics, tracing, turns
from runs.bell import bell
from runs.executor import Rest
from runs.retention import rounds
from runs.schedules import firing

logger = logging.getLogger(__name__)
NEAR_SECONDS = 10.0
LEAST_DRAINS, MAX_DRAINS = 3, 32
MAX_BATCHES = 3
LONGEST_PRUNING_SECONDS = 60.0


def ring(run_id: uuid.UUID, queue: str, *, after_seconds: float | None = None, traceparent: str | None = HERE) -> bool:
    """Tell the workers of ``queue`` that this run waits in it.

    Return whether the broker took it: if not, the sweep finds the run.

    ``traceparent`` is where the run's trace begins, unless what rings is part of it, or a trace of its own.
    """
    with tracing.dispatch(run_id, parent=traceparent):
        return _publish(advance_run, queue, str(run_id), countdown=after_seconds)


@shared_task(name="runs.advance_run")
def advance_run(run_id: str, queue: str = DEFAULT_QUEUE) -> None:
    """Work off ``queue``, in which the run ``run_id`` waits: others may be before it, and then it is their turn."""
    advance_due(queue)


@shared_task(name="runs.advance_due")
def advance_due(queue: str = DEFAULT_QUEUE) -> None:
    """Advance the runs that wait in ``queue``, one after the other, until there are none."""
    while _advance_next(queue) not in {Rest.NOT_DUE, Rest.HANDED_OVER}:
        pass


@shared_task(name="runs.advance_alone")
def advance_alone(run_id: str, queue: str = DEFAULT_QUEUE) -> None:
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
    if not _ring_all(freed, expires=bell_lifetime()):
        return
    bells: list[tuple[Task[..., None], str, tuple[str, ...]]] = [
        *((advance_alone, queue, (str(run_id),)) for run_id, queue in overlooked.alone * LEAST_DRAINS),
        *((advance_due, queue, ()) for queue, waiting in overlooked.shared.items() for _ in range(_bells(waiting))),
    ]
    for task, queue, arguments in bells:
        if not _publish(task, queue, *arguments, expires=bell_lifetime()):
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
    bell.retire()


def _bells(overlooked: int) -> int:
    """Return how often to ring: more than once even for one run, as a frozen worker is dealt its share of the bells."""
    return min(max(overlooked, LEAST_DRAINS), MAX_DRAINS) if overlooked else 0


def _advance_next(queue: str) -> Rest:
    advanced = executor.advance(None, queue=queue)
    run_id = advanced.run_id
    if run_id is not None:
        delay = advanced.retry_after_seconds
        if delay is not None and delay <= NEAR_SECONDS:
            ring(run_id, queue, after_seconds=delay, traceparent=advanced.traceparent)
        if advanced.rest is Rest.HANDED_OVER:
            ring(run_id, queue, traceparent=advanced.traceparent)
    _ring_for(advanced.branches, queue)
    return advanced.rest


def _ring_all(run_ids: Sequence[uuid.UUID], **options: Any) -> bool:
    """Ring for runs that can go on, where there is no request that their traces are part of.

    Return False as soon as the broker does not take it: each further bell would take as long to fail, and the beat must
    be on time.
    """
    beginnings, queues = tracing.beginnings(run_ids), turns.queues_of(run_ids)
    for run_id, queue in queues.items():
        with tracing.dispatch(run_id, parent=beginnings.get(run_id, HERE)):
            if not _publish(advance_run, queue, str(run_id), **options):
                return False
    return True


def _ring_for(branches: int, queue: str) -> None:
    """Tell other workers that there are branches to begin with."""
    for _ in range(min(branches, MAX_DRAINS)):
        if not _publish(advance_due, queue, expires=bell_lifetime()):
            return


def _publish(task: Task[..., None], queue: str, *arguments: str, **options: Any) -> bool:
    """Send a message to the workers of ``queue``, which it names unless it is the default."""
    named = () if queue == DEFAULT_QUEUE else (queue,)
    return publish(task, *arguments, *named, queue=at_broker(queue), **options)
