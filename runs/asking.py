"""Questions of a run that a worker drives: put them, and take up the answers that came while it was working."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from humantasks import services as humantasks
from humantasks.models import HumanTask
from humantasks.recorded import answer_of
from kneo_project.transient import retry_transient
from kneo_project.webhooks.event_types import EventType
from runs import transitions
from runs.announcing import tell_of_task
from runs.answers import place_of, progress_after
from runs.approvals import keep_answer
from runs.engine import interpreter
from runs.engine.actions import AskHuman, Place, Work
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Asks
from runs.engine.progress import Progress
from runs.engine.state import State
from runs.leases import Lease
from specs.language.plan import HumanPlan, Plan, WorkflowPlan


class Asked(StrEnum):
    """What came of putting questions."""

    WAITING = "waiting"
    ANSWERED_MEANWHILE = "answered_meanwhile"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An answer that was taken up: what it changed, and the lease to go on with (None when it is lost)."""

    progress: Progress
    lease: Lease | None


@retry_transient
def take_answer(lease: Lease, plan: Plan, workflow: WorkflowPlan | None, state: State) -> Taken | None:
    """Take up one answer that came while the run was working; None when there is none."""
    task = HumanTask.objects.answered_for(lease.run_id).order_by("decided_at").first()
    if task is None:
        return None
    answer = answer_of(task)
    progress = progress_after(plan, workflow, state, task, answer) or Progress()
    if progress.status is Status.BLOCKED:  # the driver finds out itself, and may hold more answers
        progress = replace(progress, status=Status.RUNNING)
    with transaction.atomic():
        after = transitions.commit_step(lease, progress, timezone.now())
        if after is not None:
            HumanTask.objects.filter(pk=task.pk).update(awaits_run=False)
            keep_answer(task, answer)
    return Taken(progress=progress, lease=after)


@retry_transient
def pause(lease: Lease, plan: Plan, workflow: WorkflowPlan | None, state: State, action: Work, asks: Asks) -> Taken:
    """Open the human task that the step of ``action`` asks for in the middle of its work, and remember that."""
    place = interpreter.place_asking(plan, action)
    task = _task(lease, place, _human(plan, asks), asks.text, asks.finished_at)
    task.journal_place = {"path": action.path, "attempt": action.attempt, "key": asks.key, "digest": asks.digest}
    task.escalated_at = asks.finished_at if asks.is_escalated else None
    details = {"continuation_id": str(task.pk), "request": task.as_request()}
    progress = interpreter.pause(plan, workflow, state, action, asks, details)
    with transaction.atomic():
        after = transitions.commit_step(lease, progress, asks.finished_at)
        if after is not None:
            _open(task, asks.finished_at)
    return Taken(progress=progress, lease=after)


def _human(plan: Plan, asks: Asks) -> HumanPlan:
    """Return who is asked what: the spec may say who, the step says what."""
    human = plan.humans[asks.approver] if asks.approver else HumanPlan()
    context = {**human.context, **asks.context}
    return replace(human, title=asks.title, prompt=asks.prompt, context=context, options=None, form=None, sets={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """What came of putting questions, and where a run that goes on is: its lease, and its state if that changed."""

    asked: Asked
    lease: Lease | None = None
    state: State | None = None


@retry_transient
def put(
    lease: Lease,
    plan: Plan,
    workflow: WorkflowPlan | None,
    state: State,
    questions: Sequence[AskHuman],
    *,
    is_working: bool,
) -> Put:
    """Open the human tasks of those ``questions`` that have none, and let the run wait unless it ``is_working``.

    All or nothing. A run whose people have answered meanwhile does not wait.
    """
    at = timezone.now()
    known = set(HumanTask.objects.put_for(lease.run_id).values_list("path", "iteration"))
    new = [question for question in questions if question.asks is None and place_of(question) not in known]
    tasks = [_task(lease, question.place, question.human, question.text, at) for question in new]
    details = [{"continuation_id": str(task.pk), "request": task.as_request()} for task in tasks]
    progress = interpreter.ask(plan, workflow, state, list(zip(new, details, strict=True)), at)
    if is_working and not new:
        return Put(asked=Asked.WAITING, lease=lease)
    with transaction.atomic():
        result = _stay(lease, progress, at) if is_working else Put(asked=_wait(lease, progress, at), lease=lease)
        if result.asked is Asked.WAITING:
            for task in tasks:
                _open(task, at)
    return result


def _open(task: HumanTask, at: datetime) -> None:
    humantasks.open_task(task)
    tell_of_task(task, EventType.HUMAN_TASK_OPENED, at)


def _stay(lease: Lease, progress: Progress, at: datetime) -> Put:
    after = transitions.commit_step(lease, replace(progress, status=Status.RUNNING), at)
    return Put(asked=Asked.WAITING if after else Asked.LOST, lease=after, state=progress.state)


def _wait(lease: Lease, progress: Progress, at: datetime) -> Asked:
    if not transitions.block(lease, progress, at):
        return Asked.LOST
    # Whoever answers locks the run's row first, so from here on an answer finds a run that waits.
    if HumanTask.objects.answered_for(lease.run_id).exists():
        transaction.set_rollback(True)
        return Asked.ANSWERED_MEANWHILE
    return Asked.WAITING


def _task(lease: Lease, place: Place, human: HumanPlan, text: str, at: datetime) -> HumanTask:
    task = humantasks.new_task(lease.run_id, human, text=text, at=at)
    task.path, task.step_id, task.iteration = place.path, place.step.id, place.iteration
    task.step_index, task.workflow_name, task.shape = place.index, place.workflow_name, place.shape.value
    return task
