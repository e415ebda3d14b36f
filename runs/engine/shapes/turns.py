"""A fixed order of turns: the steps of a sequence, the hand-overs of a handoff, the rounds of a group chat.

The output of one turn is the input of the next.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runs.engine.shapes.ending import Ending
from runs.engine.state import Frame
from specs.language.conditions import Facts
from specs.language.plan import Shape, StepPlan, TurnsPlan


def current(workflow: TurnsPlan, frame: Frame) -> StepPlan:
    """Return the step whose turn it is."""
    return workflow.steps[workflow.order[frame.at % len(workflow.order)]]


def after(workflow: TurnsPlan, frame: Frame, _facts: Facts) -> Frame | Ending:
    """Return the frame of the next turn, whatever came out of this one."""
    if frame.at + 1 >= len(workflow.order) * workflow.rounds:
        return Ending.FINISHED
    return replace(frame, at=frame.at + 1)


def iteration(workflow: TurnsPlan, frame: Frame) -> int:
    """Return how often the step will have had its turn, this one included."""
    turn, rounds = frame.at % len(workflow.order), frame.at // len(workflow.order)
    step = workflow.order[turn]
    return rounds * workflow.order.count(step) + workflow.order[: turn + 1].count(step)


def facts(workflow: TurnsPlan) -> Mapping[str, Any]:
    """Return what the trace tells when the workflow starts."""
    if workflow.shape is Shape.SEQUENTIAL:
        return {"start_index": 0, "step_count": len(workflow.steps)}
    return {"workflow_type": workflow.shape.value, "participant_count": len(workflow.steps)}
