"""Answers to what a step asked in the middle of its work: what fits, and where the step finds them."""

from django.utils import timezone

from humantasks.errors import InvalidDecision
from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision
from kneo_project.json_schema import JsonSchema
from runs.agents.people import place_of
from runs.agents.tools.approving import arguments_in
from runs.models import JournalEntry
from specs.language.plan import Plan


def refuse_misfit(plan: Plan, task: HumanTask, answer: Answer) -> None:
    """Do nothing, unless ``answer`` changes the call that ``task`` asks about in a way that is not possible.

    Raises InvalidDecision.
    """
    tool = plan.tools.get(task.context["tool"]) if task.is_call else None
    if tool is None or answer.decision in {Decision.APPROVED, Decision.REJECTED}:
        return
    if answer.decision is not Decision.EDITED or not tool.edit_arguments:
        raise InvalidDecision(
            "This call can be approved or rejected; its arguments stay as they are.", field="decision"
        )
    arguments = arguments_in(answer.content or "")
    if arguments is None:
        raise InvalidDecision("The new arguments must be a JSON object, in `content`.", field="content")
    problem = JsonSchema(tool.parameters).first_problem(arguments)
    if problem is not None:
        inside = problem.within("content")
        raise InvalidDecision(f"{inside}.", field=inside.where)


def keep_answer(task: HumanTask, answer: Answer) -> None:
    """Put ``answer`` where the step that asked will find it, in the transaction that lets its run go on."""
    place = task.journal_place
    if place is None:
        return
    value = {"decision": answer.decision.value, "content": answer.content, "digest": place["digest"]}
    JournalEntry.objects.update_or_create(
        run_id=task.run_id,
        path=place["path"],
        iteration=task.iteration,
        attempt=place["attempt"],
        key=place_of(place["key"]),
        spent=False,
        defaults={"value": value, "at": timezone.now()},
    )
