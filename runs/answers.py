"""What a person's answer to a human task means to its run."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.utils import timezone

from humantasks.errors import InvalidDecision
from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision, text_after
from runs.engine import interpreter
from runs.engine.actions import Action, AskHuman
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Answered
from runs.engine.progress import Progress
from runs.engine.state import State
from specs.language.plan import HumanPlan, OnReject, Plan, WorkflowPlan
from specs.language.variables import VariableInvalid, variables_in


def progress_after(
    plan: Plan, workflow: WorkflowPlan | None, state: State, task: HumanTask, answer: Answer
) -> Progress | None:
    """Return what ``answer`` to ``task`` changes in a run at ``state``; None when the run does not ask that any more.

    Raises:
        InvalidDecision: the form of the answer holds variables that cannot be set.
    """
    action = asked_by(task, interpreter.next_actions(plan, workflow, state))
    if action is None:
        return None
    answered = Answered(
        text=text_after(answer, task.input_text),
        answered_at=timezone.now(),
        decision=answer.decision.value,
        variables=_set_by(answer, action.human),
        is_final_rejection=answer.decision is Decision.REJECTED and task.on_reject == OnReject.FAIL,
        details={"continuation_id": str(task.pk), "decision": answer.decision.value},
    )
    progress = interpreter.answer(plan, workflow, state, action, answered)
    return replace(progress, status=Status.BLOCKED) if _only_waits(plan, workflow, progress, task) else progress


def asked_by(task: HumanTask, actions: Iterable[Action]) -> AskHuman | None:
    """Return the question among ``actions`` that ``task`` put."""
    questions = (action for action in actions if isinstance(action, AskHuman))
    return next((each for each in questions if place_of(each) == (task.path, task.iteration)), None)


def place_of(question: AskHuman) -> tuple[str, int]:
    """Return what tells ``question`` from all others of its run."""
    return question.path, question.place.iteration


def _only_waits(plan: Plan, workflow: WorkflowPlan | None, progress: Progress, task: HumanTask) -> bool:
    """Return whether all that is left after ``progress`` is to wait for answers to questions that have been put."""
    if progress.status is not Status.RUNNING or progress.state is None:
        return False
    following = interpreter.next_actions(plan, workflow, progress.state)
    others = HumanTask.objects.open().filter(run_id=task.run_id).exclude(pk=task.pk)
    put = set(others.values_list("path", "iteration"))
    return all(isinstance(action, AskHuman) and place_of(action) in put for action in following)


def _set_by(answer: Answer, human: HumanPlan) -> dict[str, Any]:
    """Return the variables that ``answer`` sets; nobody who rejects, or lets the time pass, sets any."""
    if answer.form is None or answer.decision is Decision.REJECTED:
        return {}
    try:
        return variables_in(human.sets, answer.form)
    except VariableInvalid as error:
        raise InvalidDecision(str(error), field="form") from None
