"""One module per way of going from step to step; here is which of them a workflow has.

Each answers the same four questions: ``current`` (the step at a frame), ``after`` (the frame that follows, or how the
workflow ends), ``iteration`` (which visit of the step it is) and ``facts`` (what the trace tells when it starts).
"""

from collections.abc import Mapping
from typing import Any, Protocol

from runs.engine.shapes import concurrent, graph, mapping, turns
from runs.engine.shapes.ending import Ending
from runs.engine.state import Frame, Line
from specs.language.conditions import Facts
from specs.language.plan import ConcurrentPlan, GraphPlan, MapPlan, ParallelPlan, StepPlan, TurnsPlan, WorkflowPlan


class _Way[W](Protocol):
    def current(self, workflow: W, frame: Frame) -> StepPlan: ...

    def after(self, workflow: W, frame: Frame, facts: Facts) -> Frame | Ending: ...

    def iteration(self, workflow: W, frame: Frame) -> int: ...

    def facts(self, workflow: W) -> Mapping[str, Any]: ...


def current(workflow: WorkflowPlan, frame: Frame) -> StepPlan:
    """Return the step at ``frame``."""
    return _way(workflow).current(workflow, frame)


def after(workflow: WorkflowPlan, frame: Frame, facts: Facts) -> Frame | Ending:
    """Return the frame after the step at ``frame`` came out as ``facts`` tell, or how the workflow ends."""
    return _way(workflow).after(workflow, frame, facts)


def is_too_far(workflow: WorkflowPlan, frame: Frame) -> bool:
    """Return whether the workflow has no visit left for the step at ``frame``; only graphs count them."""
    return isinstance(workflow, GraphPlan) and graph.is_too_far(workflow, frame)


def iteration(workflow: WorkflowPlan, frame: Frame) -> int:
    """Return which visit of the step at ``frame`` this is, from 1."""
    return _way(workflow).iteration(workflow, frame)


def opening_facts(workflow: WorkflowPlan) -> Mapping[str, Any]:
    """Return what the trace tells when the workflow starts."""
    return _way(workflow).facts(workflow)


def branches(workflow: ParallelPlan, frame: Frame, text_at: int) -> tuple[Line, ...]:
    """Return the lines that the workflow at ``frame`` divides into, on the text of checkpoint ``text_at``."""
    if isinstance(workflow, MapPlan):
        return mapping.branches(workflow, frame, text_at)
    return concurrent.branches(workflow, frame, text_at)


def fallback_of(workflow: WorkflowPlan, step: StepPlan) -> StepPlan | None:
    """Return the step that stands in for ``step``, if it has one that is enabled."""
    return next((other for other in workflow.steps if other.id == step.fallback), None)


def _way(workflow: WorkflowPlan) -> _Way[Any]:
    match workflow:
        case TurnsPlan():
            return turns
        case GraphPlan():
            return graph
        case ConcurrentPlan():
            return concurrent
        case MapPlan():
            return mapping
