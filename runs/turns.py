"""In which order the runs of a queue are taken that are due: by priority, what was begun before what is new, in turns.

Callers take turns: the first runs of all of them come before the second runs of any, however many one has ordered at
once. For that a new run gets a number, the round in which it is to begin: the one after that of its caller's last run
in line or, if the caller has none there, the round that is under way. Nothing has to be kept in step for it, as the
numbers mean something only among the runs that are in line now. (Round robin; see docs/adr/0016.)
"""

import uuid
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.db.models import BigIntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from kneo_project.queues import DEFAULT_QUEUE
from runs.engine.lifecycle import Status
from runs.models import Priority, Run
from runs.models.runs import RunQuerySet


def next_turn(*, queue: str | OuterRef, priority: int | OuterRef, ordered_by: str | OuterRef | None) -> Coalesce:
    """Return the round, as the database is to find it, in which a run begins that gets in line now."""
    line = Run.objects.in_line().filter(queue=queue, priority=priority)
    last_of_caller = line.filter(ordered_by=ordered_by).order_by("-turn").values("turn")[:1]
    under_way = line.order_by("turn").values("turn")[:1]
    return Coalesce(Subquery(last_of_caller) + 1, Subquery(under_way), Value(0), output_field=BigIntegerField())


def next_of(queue: str, free: RunQuerySet) -> uuid.UUID | None:
    """Return which of the runs ``free`` is to be taken next from ``queue``; ``statements.CLAIM_NEXT`` does the same."""
    for priority in Priority:
        level = free.filter(queue=queue, priority=priority)
        begun = level.filter(status=Status.RUNNING).order_by("wake_at")
        new = level.filter(status=Status.CREATED).order_by("turn", "wake_at")
        for line in (begun, new):
            if chosen := line.values_list("pk", flat=True).first():
                return chosen
    return None


def queues_of(run_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, str]:
    """Return the queue of each of the runs."""
    if not settings.QUEUES:
        return dict.fromkeys(run_ids, DEFAULT_QUEUE)
    return dict(Run.objects.filter(pk__in=run_ids).values_list("pk", "queue"))
