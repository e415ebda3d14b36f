"""Which runs somebody should look at: stuck, waiting, blocked for too long, or failed lately."""

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from humantasks.models import HumanTask
from runs import leases
from runs.engine.lifecycle import Status
from runs.models import Run

# A bell that was lost is rung again within seconds: who waits longer waits for a worker that is free.
TOO_LONG = timedelta(minutes=1)


def stuck(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs whose owner has not been heard of for the length of a lease."""
    return rows & leases.lapsed()


def queued(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs that should be advanced now and that nobody picked up."""
    return rows & Run.objects.due()


def waiting_too_long(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs that nobody has picked up for too long."""
    return queued(rows).filter(wake_at__lte=Now() - TOO_LONG)


def blocked_by_overdue_task(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs that wait for an answer whose deadline has passed, escalated or not."""
    overdue = HumanTask.objects.open().filter(expires_at__lte=Now())
    return rows.filter(status=Status.BLOCKED, pk__in=overdue.values("run_id"))


def failed_lately(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs that failed in the last 24 hours; not their branches, whose failure may be part of the plan."""
    return rows.filter(within=None, status=Status.FAILED, updated_at__gte=Now() - timedelta(days=1))
