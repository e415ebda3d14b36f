"""Questions that several people have to agree on: each answer is a row, and the last one decides."""

from collections.abc import Collection
from datetime import datetime

from humantasks.errors import AlreadyApproved, InvalidDecision, RequesterExcluded
from humantasks.models import HumanTask, TaskApproval
from humantasks.recorded import answer_of, columns_of
from humantasks.rules import Answer, Decision, disagreement, form_misfit


def agree(task: HumanTask, answer: Answer, *, by: str, at: datetime, requesters: Collection[str] = ()) -> Answer | None:
    """Count ``answer`` and return what has been decided; None while further people have to agree.

    Anybody who may answer ends it by rejecting. In the caller's transaction, which nobody else is in for this task.

    Args:
        by: who answers; each person counts once.
        requesters: who started the run, where the task does not count their approval.

    Raises AlreadyApproved, RequesterExcluded or InvalidDecision.
    """
    given = approvals_of(task)
    _refuse_misfit(task, answer, given)
    if answer.decision is Decision.REJECTED:
        return answer
    if by in requesters:
        raise RequesterExcluded(continuation_id=str(task.pk))
    if task.approvals_needed == 1:
        return answer
    if any(each.decided_by == by for each in given):
        raise AlreadyApproved(continuation_id=str(task.pk))
    TaskApproval.objects.create(task=task, decided_by=by, decided_at=at, **columns_of(answer))
    HumanTask.objects.filter(pk=task.pk).update(claimed_by=None, claimed_at=None)
    if len(given) + 1 < task.approvals_needed:
        return None
    return answer_of(given[0])


def approvals_of(task: HumanTask) -> list[TaskApproval]:
    """Return who has approved the task, in order; nobody is looked for where one answer is enough."""
    if task.approvals_needed == 1:
        return []
    return sorted(task.approvals.all(), key=lambda each: each.pk)


def _refuse_misfit(task: HumanTask, answer: Answer, given: list[TaskApproval]) -> None:
    if given and answer.decision is not Decision.REJECTED:
        if reason := disagreement(answer, answer_of(given[0])):
            raise InvalidDecision(reason, field="decision")
    elif problem := form_misfit(answer, task.form):
        raise InvalidDecision(problem.message, field=problem.field)
