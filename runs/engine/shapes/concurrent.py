"""All steps at once, on the same input: each is a branch, a line of work of its own."""

from collections.abc import Mapping
from typing import Any

from runs.engine.shapes.ending import Ending
from runs.engine.state import Frame, Line
from specs.language.conditions import Facts
from specs.language.plan import ConcurrentPlan, StepPlan


def branches(workflow: ConcurrentPlan, frame: Frame, text_at: int) -> tuple[Line, ...]:
    """Return a line for each step of the workflow at ``frame``, on the text of checkpoint ``text_at``."""
    return tuple(
        Line(
            text_at=text_at,
            frames=(Frame(workflow=frame.workflow, input_at=text_at, prefix=frame.prefix, at=branch, is_branch=True),),
        )
        for branch in range(len(workflow.steps))
    )


def current(workflow: ConcurrentPlan, frame: Frame) -> StepPlan:
    """Return the step of the branch."""
    return workflow.steps[frame.at]


def after(_workflow: ConcurrentPlan, _frame: Frame, _facts: Facts) -> Frame | Ending:
    """Return that the branch is done: it has one step."""
    return Ending.FINISHED


def iteration(_workflow: ConcurrentPlan, _frame: Frame) -> int:
    """Return 1: a branch visits its step once."""
    return 1


def facts(workflow: ConcurrentPlan) -> Mapping[str, Any]:
    """Return what the trace tells when the workflow starts."""
    return {"workflow_type": workflow.shape.value, "participant_count": len(workflow.steps)}
