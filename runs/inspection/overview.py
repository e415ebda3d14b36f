"""What an operator must see first: what is the case now. Each question costs the same whatever history there is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count as CountOf
from django.db.models import Min, Q, QuerySet
from django.db.models.functions import Now

from humantasks.models import HumanTask
from kneo_project.webhooks.models import DeliveryStatus, WebhookDelivery
from runs.engine.lifecycle import Status
from runs.inspection import attention
from runs.inspection.counting import MOST_COUNTED, Count, bounded_counts
from runs.models import LeaseOwner, Run

MOST_WORKERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsNow:
    """Runs that somebody should look at, by what is wrong; whole runs by status; and those that wait for a worker.

    ``due_since`` is when the one that waits longest should have been picked up.
    """

    attention: dict[str, Count]
    statuses: dict[Status, Count]
    queued: Count
    due_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleNow:
    """Questions that wait for people, and since when the oldest of them does."""

    open: int
    overdue: int
    escalated: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process that advances runs, how many it holds, and until when it counts as alive; None where it is gone."""

    name: str
    expires_at: datetime | None
    runs: int


def runs_now() -> RunsNow:
    """Return what is the case with runs."""
    everything = Run.objects.all()
    asked: dict[tuple[str, str], QuerySet[Run]] = {
        ("attention", "stuck"): attention.stuck(everything),
        ("attention", "waiting"): attention.waiting_too_long(everything),
        ("attention", "overdue_task"): attention.blocked_by_overdue_task(everything),
        ("attention", "failed"): attention.failed_lately(everything),
        ("queue", "queued"): attention.queued(everything),
        **{("status", status.value): Run.objects.whole().filter(status=status) for status in Status},
    }
    counts = bounded_counts(asked, at_most=MOST_COUNTED)
    return RunsNow(
        attention={name: count for (group, name), count in counts.items() if group == "attention"},
        statuses={status: counts["status", status.value] for status in Status},
        queued=counts["queue", "queued"],
        due_since=Run.objects.due().order_by("wake_at").values_list("wake_at", flat=True).first(),
    )


def people_now() -> PeopleNow:
    """Return what is asked of people; it reads the open questions, of which each holds up a run."""
    tasks: dict[str, Any] = HumanTask.objects.open().aggregate(
        open=CountOf("pk"),
        overdue=CountOf("pk", filter=Q(expires_at__lte=Now())),
        escalated=CountOf("pk", filter=Q(escalated_at__isnull=False)),
        oldest_at=Min("created_at"),
    )
    return PeopleNow(**tasks)


def workers_now() -> list[Worker]:
    """Return the processes that advance runs, the one heard of last first, and then those that hold runs and are gone.

    Not more than ``MOST_WORKERS`` of either.
    """
    held = Run.objects.filter(lease_owner__isnull=False).order_by().values_list("lease_owner")
    holding: dict[Any, int] = dict(held.annotate(runs=CountOf("pk")))
    owners = LeaseOwner.objects.order_by("-expires_at")[:MOST_WORKERS]
    known = [Worker(name=owner.pk, expires_at=owner.expires_at, runs=holding.pop(owner.pk, 0)) for owner in owners]
    gone = [Worker(name=name, expires_at=None, runs=runs) for name, runs in holding.items()]
    return [*known, *gone[:MOST_WORKERS]]


def dead_deliveries() -> Count:
    """Return how many deliveries of webhooks were given up."""
    dead = WebhookDelivery.objects.filter(status=DeliveryStatus.DEAD)
    return bounded_counts({"dead": dead}, at_most=MOST_COUNTED)["dead"]
