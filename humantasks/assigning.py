"""Who is to answer a human task, and who has begun to. Its row is locked meanwhile: of two at once, one is second."""

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from humantasks.errors import HumanTaskClaimed, HumanTaskNotClaimed, HumanTaskReassigned
from humantasks.models import AssigneeKind, HumanTask
from humantasks.services import claimed_by_another, open_task_of
from kneo_project.audit.services import record
from kneo_project.transient import retry_transient


@retry_transient
def claim_task(task_id: uuid.UUID, *, by: str) -> HumanTask:
    """Let ``by`` alone answer the task; who has claimed it already keeps it.

    Raises HumanTaskNotFound or HumanTaskClaimed.
    """
    with transaction.atomic():
        task = open_task_of(task_id, for_update=True)
        if task.claimed_by is None:
            _change(task, claimed_by=by, claimed_at=timezone.now())
            record("human.claimed", actor=by, run_id=task.run_id, continuation_id=task_id)
        elif task.claimed_by != by:
            raise claimed_by_another(task)
    return task


@retry_transient
def release_task(task_id: uuid.UUID, *, by: str, force: bool = False) -> HumanTask:
    """Let others answer the task again. With ``force`` also when somebody else than ``by`` has claimed it.

    Raises HumanTaskNotFound, HumanTaskNotClaimed or HumanTaskClaimed.
    """
    with transaction.atomic():
        task = open_task_of(task_id, for_update=True)
        if task.claimed_by is None:
            raise HumanTaskNotClaimed(continuation_id=str(task_id))
        if task.claimed_by != by and not force:
            message = f"{task.claimed_by} has claimed this human task; release it with `force`, or ask that person to."
            raise HumanTaskClaimed(message, continuation_id=str(task_id), claimed_by=task.claimed_by)
        facts = {"claimed_by": task.claimed_by}
        _change(task, claimed_by=None, claimed_at=None)
        record("human.released", actor=by, run_id=task.run_id, continuation_id=task_id, metadata=facts)
    return task


@retry_transient
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
    with transaction.atomic():
        task = open_task_of(task_id, for_update=True)
        if expected is not None and expected != (task.assignee or ""):
            raise HumanTaskReassigned(continuation_id=str(task_id), assignee=task.assignee)
        after = {"to": assignee, "kind": kind if assignee else None}
        facts = after | {"from": task.assignee, "claimed_by": task.claimed_by}
        keeps_claim = kind is AssigneeKind.USER and assignee is not None and task.claimed_by == assignee
        claim = {} if keeps_claim else {"claimed_by": None, "claimed_at": None}
        _change(task, assignee=assignee, assignee_kind=after["kind"], **claim)
        record("human.assigned", actor=by, run_id=task.run_id, continuation_id=task_id, metadata=facts)
    return task


def _change(task: HumanTask, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(task, name, value)
    task.save(update_fields=columns)
