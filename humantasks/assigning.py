"""Who is to answer a human task, and who has begun to. Each change compares and sets: of two at once, one wins."""

import uuid

from django.db import transaction
from django.utils import timezone

from humantasks.errors import HumanTaskClaimed, HumanTaskNotClaimed, HumanTaskReassigned
from humantasks.models import AssigneeKind, HumanTask
from humantasks.services import claimed_by_another, open_task_of
from kneo_project.audit.services import record


def claim_task(task_id: uuid.UUID, *, by: str) -> HumanTask:
    """Let ``by`` alone answer the task; who has claimed it already keeps it.

    Raises HumanTaskNotFound or HumanTaskClaimed.
    """
    with transaction.atomic():
        unclaimed = HumanTask.objects.open().filter(pk=task_id, claimed_by=None)
        if unclaimed.update(claimed_by=by, claimed_at=timezone.now()):
            claimed = open_task_of(task_id)
            record("human.claimed", actor=by, run_id=claimed.run_id, continuation_id=task_id)
    task = open_task_of(task_id)
    if task.claimed_by != by:
        raise claimed_by_another(task)
    return task


def release_task(task_id: uuid.UUID, *, by: str, force: bool = False) -> HumanTask:
    """Let others answer the task again. With ``force`` also when somebody else than ``by`` has claimed it.

    Raises HumanTaskNotFound, HumanTaskNotClaimed or HumanTaskClaimed.
    """
    task = open_task_of(task_id)
    if task.claimed_by is None:
        raise HumanTaskNotClaimed(continuation_id=str(task_id))
    if task.claimed_by != by and not force:
        message = f"{task.claimed_by} has claimed this human task; release it with `force`, or ask that person to."
        raise HumanTaskClaimed(message, continuation_id=str(task_id), claimed_by=task.claimed_by)
    with transaction.atomic():
        claimed = HumanTask.objects.open().filter(pk=task_id, claimed_by=task.claimed_by)
        if not claimed.update(claimed_by=None, claimed_at=None):
            raise HumanTaskNotClaimed("The claim has changed meanwhile; fetch the task again.")
        facts = {"claimed_by": task.claimed_by}
        record("human.released", actor=by, run_id=task.run_id, continuation_id=task_id, metadata=facts)
    return open_task_of(task_id)


def assign_task(
    task_id: uuid.UUID, assignee: str | None, kind: AssigneeKind, *, by: str, expected: str | None = None
) -> HumanTask:
    """Say who is to answer the task. A claim of somebody else ends with it.

    Args:
        assignee: the name of a user or of a group; None for nobody in particular.
        kind: which of the two it is.
        by: who assigns.
        expected: whom it was assigned to when ``by`` looked, empty for nobody; None to assign it whatever it was.

    Raises HumanTaskNotFound or HumanTaskReassigned.
    """
    task = open_task_of(task_id)
    if expected is not None and expected != (task.assignee or ""):
        raise HumanTaskReassigned(continuation_id=str(task_id), assignee=task.assignee)
    keeps_claim = kind is AssigneeKind.USER and assignee is not None and task.claimed_by == assignee
    claim = {} if keeps_claim else {"claimed_by": None, "claimed_at": None}
    with transaction.atomic():
        unchanged = HumanTask.objects.open().filter(pk=task_id, assignee=task.assignee, claimed_by=task.claimed_by)
        if not unchanged.update(assignee=assignee, assignee_kind=kind if assignee else None, **claim):
            raise HumanTaskReassigned(continuation_id=str(task_id))
        after = {"to": assignee, "kind": kind if assignee else None}
        facts = after | {"from": task.assignee, "claimed_by": task.claimed_by}
        record("human.assigned", actor=by, run_id=task.run_id, continuation_id=task_id, metadata=facts)
    return open_task_of(task_id)
