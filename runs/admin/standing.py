"""What one person can do about one human task now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from humantasks.agreeing import approvals_of
from humantasks.models import HumanTask, TaskApproval, TaskStatus
from humantasks.rules import Decision
from kneo_project.errors import KneoError
from runs import services
from specs.language.plan import RequestType
from specs.services import load_plan

APPROVED_ALREADY = "You have approved this already: somebody else has to approve it too. You can still reject it."
REQUESTED = "You started this run, so that somebody else has to approve it. You can reject it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What may be decided about a task, and if less than everything, why: a sentence.

    ``offered`` has the likeliest decision first. ``parameters`` is the schema of a call's arguments,
    where they may be changed.
    """

    offered: tuple[Decision, ...] = ()
    reason: str = ""
    given: tuple[TaskApproval, ...] = ()
    parameters: Mapping[str, Any] | None = None
    is_claimed: bool = False
    is_mine: bool = False


def standing_of(task: HumanTask, name: str) -> Standing:
    """Return what ``name``, who may answer human tasks, can do about ``task`` now."""
    given = tuple(approvals_of(task))
    if task.status != TaskStatus.OPEN:
        return Standing(given=given)
    seen = Standing(given=given, is_claimed=task.claimed_by is not None, is_mine=task.claimed_by == name)
    if task.claimed_by not in {None, name}:
        return replace(seen, reason=f"{task.claimed_by} has claimed this. Release the claim to answer it yourself.")
    if any(each.decided_by == name for each in given):
        return replace(seen, offered=(Decision.REJECTED,), reason=APPROVED_ALREADY)
    if task.exclude_requester and name in services.requesters_of(task.run):
        return replace(seen, offered=(Decision.REJECTED,), reason=REQUESTED)
    if given:
        return replace(seen, offered=(Decision.APPROVED, Decision.REJECTED))
    return replace(seen, offered=(*_first_decisions(task), Decision.REJECTED), parameters=_parameters(task))


def _first_decisions(task: HumanTask) -> tuple[Decision, ...]:
    chosen = (Decision.SELECTED,) if task.options else ()
    if task.is_call:
        return (Decision.APPROVED, Decision.EDITED) if task.context.get("editable") else (Decision.APPROVED,)
    match task.request_type:
        case RequestType.SELECTION if task.options:
            return (Decision.SELECTED,)
        case RequestType.FREEFORM:
            return (Decision.PROVIDED,)
        case RequestType.CORRECTION:
            return (Decision.EDITED, Decision.APPROVED)
        case _:
            return (Decision.APPROVED, *chosen, Decision.EDITED)


def _parameters(task: HumanTask) -> Mapping[str, Any] | None:
    """Return the schema of the arguments that may be changed; None when there are none."""
    if not task.is_call or not task.context.get("editable"):
        return None
    try:
        tool = load_plan(task.run.snapshot_id).tools.get(task.context["tool"])
    except KneoError:  # the spec is of another release: the call can still be looked at and rejected
        return None
    if tool is None:
        return None
    schema = tool.parameters
    return schema if isinstance(schema.get("properties"), Mapping) else {"type": "object", "properties": {}}
