"""What time does to runs: lapsed leases, overdue tasks, overdue runs. Each sweep handles one row per transaction.

Any number of processes may sweep at once: every function here compares and sets, and a loser does nothing.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from humantasks.models import HumanTask
from kneo_project import queues
from runs import leases, services, transitions
from runs.engine.blame import deaths_before_isolation, is_given_up
from runs.engine.lifecycle import Status
from runs.engine.progress import Progress
from runs.models import Run
from specs.language.plan import OnTimeout

logger = logging.getLogger(__name__)
BATCH = 500
ALONE_AT_ONCE = 4
# A run rung for at its creation gets this long to be picked up before a sweep rings again.
GRACE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlooked:
    """Runs that are due and that nobody picked up: how many of each queue, and which, with it, must run alone."""

    shared: Mapping[str, int]
    alone: tuple[tuple[uuid.UUID, str], ...]


def recover_lapsed() -> list[uuid.UUID]:
    """Take back every run whose owner died; return them. Recovery executes nothing: the ordinary path does."""
    recovered = each(leases.lapsed(), _recover)
    leases.forget_lapsed_owners()
    return [run.pk for run in recovered]


def expire_overdue_tasks() -> list[uuid.UUID]:
    """Do what each overdue human task says about its missed deadline; return the runs concerned."""
    return [task.run_id for task in each(HumanTask.objects.overdue(), _miss_deadline)]


def time_out_overdue_runs() -> list[uuid.UUID]:
    """End every run that is past its deadline; return them."""
    return [run.pk for run in each(Run.objects.overdue(), lambda run: services.time_out_run(run.pk))]


def wake_blocked() -> list[uuid.UUID]:
    """Let every run go on that waits for a person inside a workflow whose time is over; return them."""
    blocked = Run.objects.filter(status=Status.BLOCKED, wake_at__lte=Now())
    return [run.pk for run in each(blocked, lambda run: transitions.unblock(run, Progress(), timezone.now()))]


def waiting_alone() -> models.QuerySet[Run]:
    """Return the due runs that must run in a process of their own."""
    return Run.objects.due().filter(attempts__gte=deaths_before_isolation(settings.QUEUE_MAX_ATTEMPTS))


def overlooked() -> Overlooked:
    """Return the due runs that nobody picked up in time: their bell was lost, or the workers are busy."""
    limit = deaths_before_isolation(settings.QUEUE_MAX_ATTEMPTS)
    alone = waiting_alone().order_by("wake_at").values_list("pk", "queue")
    shared = Run.objects.due().filter(attempts__lt=limit, wake_at__lte=Now() - GRACE)
    # Of each queue by itself: one without workers, however long its line, hides no other.
    lines = {queue: len(shared.filter(queue=queue).values_list("pk")[:BATCH]) for queue in queues.names()}
    isolated = [run for queue in queues.names() for run in alone.filter(queue=queue)[:ALONE_AT_ONCE]]
    return Overlooked(shared={queue: waiting for queue, waiting in lines.items() if waiting}, alone=tuple(isolated))


def _recover(run: Run) -> bool:
    if is_given_up(run.attempts, settings.QUEUE_MAX_ATTEMPTS):
        return services.give_up_run(run)
    return transitions.reclaim(run)


def _miss_deadline(task: HumanTask) -> bool:
    match OnTimeout(task.on_timeout):
        case OnTimeout.FAIL:
            return services.expire_run(task)
        case OnTimeout.CONTINUE:
            return services.approve_overdue(task)
        case OnTimeout.ESCALATE:
            return services.escalate_task(task)


def each[M: models.Model](rows: models.QuerySet[M], handle: Callable[[M], bool]) -> list[M]:
    """Handle up to BATCH rows and return those that were; one that blows up does not stop the others."""
    return [row for row in rows.order_by("pk")[:BATCH] if _safely(row, handle)]


def _ids(row: models.Model) -> dict[str, str]:
    if isinstance(row, Run):
        return {"run_id": str(row.pk)}
    return {"run_id": str(row.run_id)} if isinstance(row, HumanTask) else {}


def _safely[M: models.Model](row: M, handle: Callable[[M], bool]) -> bool:
    with bound_contextvars(**_ids(row)):
        try:
            return handle(row)
        except Exception:
            logger.exception("Sweep failed for %s %s", type(row).__name__, row.pk)
            return False
