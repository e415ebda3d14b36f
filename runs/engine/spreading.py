"""Branches that are runs of their own: what they begin with, and what they come to for the run that fanned out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from runs.engine import interpreter, shapes
from runs.engine.actions import Join, Spread
from runs.engine.outcomes import Failed, Fault
from runs.engine.places import place_of
from runs.engine.progress import Progress
from runs.engine.shapes import mapping
from runs.engine.state import RUN_INPUT, State
from runs.engine.walk import Result
from specs.language.plan import MapPlan, Plan, WorkflowPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a branch ended: with ``output``, or else with ``fault``. The rest is what its step recorded."""

    text: str
    output: str | None = None
    fault: Fault | None = None
    attempt: int = 1
    started_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllEnded:
    """How all branches have ended, in declared order, and what variables they have set."""

    ended: Sequence[Ended] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)


class NotSpreadable(Exception):
    """The input of the workflow does not say what its branches are; ``fault`` tells why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def branches_of(action: Spread, state: State) -> list[State]:
    """Return where each branch of ``action``, of a run at ``state``, begins; its input is the one text of it.

    Raises:
        NotSpreadable: the input of a map is not a list.
    """
    lines = shapes.branches(action.workflow, action.frame, RUN_INPUT)
    texts = [action.text] * len(lines)
    if isinstance(action.workflow, MapPlan):
        texts = _items(action.text)
        lines *= len(texts)
    return [
        State(root=line, texts={RUN_INPUT: text}, variables=state.variables)
        for line, text in zip(lines, texts, strict=True)
    ]


def spread(plan: Plan, workflow: WorkflowPlan, state: State, action: Spread, number: int, at: datetime) -> Progress:
    """Return what changes in the run when its branches have become the fan-out ``number``."""
    walk = interpreter.begun(plan, workflow, state, at)
    walk.spread(action.way, number)
    return interpreter.progress_of(state, walk)


def refuse(plan: Plan, workflow: WorkflowPlan, state: State, action: Spread, fault: Fault, at: datetime) -> Progress:
    """Return what changes in the run when the workflow of ``action`` cannot begin because of ``fault``."""
    walk = interpreter.begun(plan, workflow, state, at)
    walk.refuse(action.way, fault)
    return interpreter.progress_of(state, walk)


def join(
    plan: Plan, workflow: WorkflowPlan, state: State, action: Spread | Join, branches: AllEnded, at: datetime
) -> Progress:
    """Return what changes in the run when all ``branches`` of ``action`` have ended."""
    ended = branches.ended
    state = replace(state, variables=interpreter.with_variables(state, branches.variables))
    walk = interpreter.begun(plan, workflow, state, at)
    results = [_gathered(action, ended, at)] if isinstance(action.workflow, MapPlan) else [_of(e, at) for e in ended]
    walk.join(action.way, action.workflow, results)
    return interpreter.progress_of(state, walk)


def step_paths(action: Join) -> Iterator[str]:
    """Yield the path of the step of each branch; that of a map is the same for all items."""
    for line in shapes.branches(action.workflow, action.frame, RUN_INPUT):
        yield place_of(action.workflow, line.top).path


def _items(text: str) -> list[str]:
    try:
        return mapping.items(text)
    except mapping.NotItems as error:
        raise NotSpreadable(Fault(type="MapInputInvalid", message=str(error))) from None


def _of(ended: Ended, at: datetime) -> Result:
    record = {"attempt": ended.attempt, "started_at": ended.started_at or at}
    if ended.output is None:
        return Result(text=ended.text, failed=_failed(ended, at), details=ended.details, record=record)
    if ended.fault:
        record["fault"] = ended.fault
    return Result(text=ended.text, output=ended.output, details=ended.details, record=record)


def _gathered(action: Spread | Join, ended: Sequence[Ended], at: datetime) -> Result:
    failed = [index for index, each in enumerate(ended) if each.output is None]
    details = {"items": len(ended), "failed_items": failed} if failed else {"items": len(ended)}
    if failed:
        return Result(text=action.text, failed=_failed(ended[failed[0]], at), details=details)
    outputs = [each.output or "" for each in ended]
    return Result(text=action.text, output=mapping.gathered(outputs), details=details, record={"started_at": at})


def _failed(ended: Ended, at: datetime) -> Failed:
    fault = ended.fault or Fault(type="internal_error", message="A branch ended without a result.")
    return Failed(fault=fault, started_at=ended.started_at or at, finished_at=at, is_retriable=False)
