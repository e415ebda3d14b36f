"""Who may advance a run. A lease belongs to a process, and lasts as long as the process says that it is alive."""

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from kneo_project import queues
from runs.engine.lifecycle import Status
from runs.models import LeaseOwner, Run

LEASED_COLUMNS = (
    "fence",
    "snapshot_id",
    "target",
    "input_text",
    "cursor",
    "sequence",
    "attempts",
    "deadline_at",
    "total_tokens",
    "token_budget",
    "cost_nanos",
    "cost_budget_nanos",
    "within_id",
    "branch_of_id",
    "traceparent",
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to advance one run, and what the run looked like when it was taken: LEASED_COLUMNS, in that order."""

    run_id: uuid.UUID
    owner_id: str
    fence: int
    snapshot_id: str
    target: str
    input_text: str
    cursor: Mapping[str, Any]
    sequence: int
    attempts: int
    deadline_at: datetime | None
    total_tokens: int | None
    token_budget: int | None
    cost_nanos: int | None
    cost_budget_nanos: int | None
    within_id: uuid.UUID | None
    branch_of_id: int | None
    traceparent: str | None


def new_owner_id() -> str:
    """Return a name for this process that no other process has, now or later."""
    return f"{socket.gethostname()[:64]}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def renew(owner_id: str) -> None:
    """Say that ``owner_id`` is alive: all its leases last another ``WORKER_LEASE_SECONDS`` by the database's clock."""
    expires_at = Now() + timedelta(seconds=settings.WORKER_LEASE_SECONDS)
    if not LeaseOwner.objects.filter(pk=owner_id).update(expires_at=expires_at):
        about = {"host": socket.gethostname(), "pid": os.getpid(), "queues": queues.of_workers()}
        LeaseOwner.objects.create(pk=owner_id, expires_at=expires_at, **about)


def resign(owner_id: str) -> None:
    """Say that ``owner_id`` advances no run any more."""
    LeaseOwner.objects.filter(pk=owner_id).delete()


def declare_dead(pid: int) -> None:
    """Say that a process of this host has ended, so that its leases need not run out first."""
    LeaseOwner.objects.filter(host=socket.gethostname(), pid=pid).delete()


def living() -> QuerySet[LeaseOwner]:
    """Return the processes that have given a sign of life within the length of a lease."""
    return LeaseOwner.objects.filter(expires_at__gt=Now())


def lapsed() -> QuerySet[Run]:
    """Return the runs whose owner has not been heard of for the length of a lease."""
    held = Run.objects.filter(status=Status.RUNNING, lease_owner__isnull=False)
    return held.exclude(lease_owner__in=living().values("pk"))


def forget_lapsed_owners() -> int:
    """Delete the owners that lapsed and hold no run any more; return how many."""
    holding = Run.objects.filter(lease_owner__isnull=False).values("lease_owner")
    deleted, _ = LeaseOwner.objects.filter(expires_at__lte=Now()).exclude(pk__in=holding).delete()
    return deleted
