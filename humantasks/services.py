"""Opening, answering and closing human tasks. Never touches a run: the caller does, in the same transaction."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from humantasks.errors import (
    HumanTaskClaimed,
    HumanTaskExpired,
    HumanTaskNotFound,
    InvalidDecision,
    RequestMismatch,
)
from humantasks.models import HumanTask, TaskStatus
from humantasks.recorded import columns_of
from humantasks.rules import Answer, misfit
from specs.language.plan import HumanPlan, OnTimeout


def new_task(run_id: uuid.UUID, human: HumanPlan, *, text: str, at: datetime) -> HumanTask:
    """Return the task that puts ``human``'s question about ``text``, not yet saved. The caller adds where it is."""
    timeout = human.timeout_seconds if human.timeout_seconds and human.timeout_seconds > 0 else None
    return HumanTask(
        run_id=run_id,
        request_type=human.request_type,
        title=human.title,
        prompt=human.prompt,
        context=dict(human.context),
        options=None if human.options is None else list(human.options),
        default_option=human.default_option,
        assignee=human.assignee,
        approvals_needed=human.approvals,
        exclude_requester=human.exclude_requester,
        form=None if human.form is None else dict(human.form),
        response_role=human.response_role,
        input_text=text,
        timeout_seconds=human.timeout_seconds,
        on_timeout=human.on_timeout,
        on_reject=human.on_reject,
        created_at=at,
        expires_at=None if timeout is None else at + timedelta(seconds=timeout),
    )


def open_task(task: HumanTask) -> None:
    """Save the question. Two open questions of one step cannot exist: the database refuses the second."""
    task.save(force_insert=True)


def open_task_of(task_id: uuid.UUID, *, for_update: bool = False) -> HumanTask:
    """Return the open task; ``for_update`` lets nobody change it before the caller's transaction ends.

    Raises HumanTaskNotFound.
    """
    tasks = HumanTask.objects.open().filter(pk=task_id)
    task = (tasks.select_for_update() if for_update else tasks).first()
    if task is None:
        raise HumanTaskNotFound(continuation_id=str(task_id))
    return task


def refuse_answer(task: HumanTask, answer: Answer, *, by: str, at: datetime) -> None:
    """Do nothing, if ``by`` may answer the open ``task`` with ``answer`` at the moment ``at``.

    Raises HumanTaskExpired, HumanTaskClaimed, RequestMismatch or InvalidDecision; nothing is written.
    """
    task_id = task.pk
    if task.expires_at and task.expires_at <= at and task.on_timeout != OnTimeout.ESCALATE:
        raise HumanTaskExpired(continuation_id=str(task_id), expires_at=task.expires_at.timestamp())
    if task.claimed_by not in {None, by}:
        raise claimed_by_another(task)
    if answer.request_id != str(task.request_id):
        raise RequestMismatch(continuation_id=str(task_id), request_id=str(task.request_id))
    if reason := misfit(answer, task.options):
        raise InvalidDecision(reason, options=task.options)


def claimed_by_another(task: HumanTask) -> HumanTaskClaimed:
    """Return the refusal that names who has claimed the task."""
    message = f"{task.claimed_by} has claimed this human task; it can be answered once that claim is released."
    return HumanTaskClaimed(message, continuation_id=str(task.pk), claimed_by=task.claimed_by)


def record_decision(
    task: HumanTask, answer: Answer, *, decided_by: str | None, at: datetime, awaits_run: bool = False
) -> bool:
    """Spend the task on ``answer``; return False when somebody else has answered it meanwhile.

    ``awaits_run`` says that the run is at work and takes the answer up by itself.
    """
    answered = HumanTask.objects.open().filter(pk=task.pk)
    return bool(
        answered.update(
            status=TaskStatus.ANSWERED,
            decided_by=decided_by,
            decided_at=at,
            awaits_run=awaits_run,
            **columns_of(answer),
        )
    )


def close_tasks(run_ids: Collection[uuid.UUID], status: TaskStatus) -> int:
    """Close the open tasks of these runs without an answer, because the runs end; return how many there were."""
    return HumanTask.objects.open().filter(run_id__in=run_ids).update(status=status)


def close_tasks_below(run_id: uuid.UUID, prefix: str) -> int:
    """Close the run's open tasks whose paths begin with ``prefix``, because nobody waits for them any more."""
    below = HumanTask.objects.open().filter(run_id=run_id, path__startswith=prefix)
    return below.update(status=TaskStatus.CANCELLED)


def escalate(task: HumanTask, at: datetime) -> bool:
    """Flag a task whose deadline was missed; it stays open. Returns False when it is flagged or answered already."""
    waiting = HumanTask.objects.open().filter(pk=task.pk, escalated_at=None)
    return bool(waiting.update(escalated_at=at))
