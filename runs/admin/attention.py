"""What an operator asks first: which runs are stuck, waiting, blocked for too long, or failed lately."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from humantasks.models import HumanTask
from kneo_project.site.filters import Narrowing, NeedsAttention
from runs import leases
from runs.engine.lifecycle import Status
from runs.models import Run


class RunAttention(NeedsAttention):
    """The runs that somebody should look at."""

    def narrowings(self) -> Mapping[str, tuple[str, Narrowing[Any]]]:
        """Return the narrowings of the list of runs."""
        return {
            "stuck": ("Stuck: their worker is gone", stuck),
            "waiting": ("Waiting: due, not picked up", waiting),
            "overdue_task": ("Blocked by an overdue task", blocked_by_overdue_task),
            "failed": ("Failed in the last day", failed_lately),
        }


def stuck(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs whose owner has not been heard of for the length of a lease."""
    return rows & leases.lapsed()


def waiting(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs that should be advanced now and that nobody picked up."""
    return rows & Run.objects.due()


def blocked_by_overdue_task(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs that wait for an answer whose deadline has passed, escalated or not."""
    overdue = HumanTask.objects.open().filter(expires_at__lte=Now())
    return rows.filter(status=Status.BLOCKED, pk__in=overdue.values("run_id"))


def failed_lately(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs that failed in the last 24 hours."""
    return rows.filter(status=Status.FAILED, updated_at__gte=Now() - timedelta(days=1))
