"""Nodes and edges: after a node the first edge that matches is followed; none ends the workflow."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runs.engine.shapes.ending import Ending
from runs.engine.state import Frame
from specs.language.conditions import Facts, matches
from specs.language.plan import GraphPlan, StepPlan


def current(workflow: GraphPlan, frame: Frame) -> StepPlan:
    """Return the node that is visited."""
    node = frame.node or workflow.start
    return next(step for step in workflow.steps if step.id == node)


def after(workflow: GraphPlan, frame: Frame, facts: Facts) -> Frame | Ending:
    """Return the frame of the next node, if an edge leads to one."""
    node = frame.node or workflow.start
    edge = next((edge for edge in workflow.edges.get(node, ()) if matches(edge.condition, facts)), None)
    if edge is None:
        return Ending.FINISHED
    visits = {**frame.visits, node: frame.visits.get(node, 0) + 1}
    return replace(frame, at=frame.at + 1, node=edge.target, visits=visits)


def is_too_far(workflow: GraphPlan, frame: Frame) -> bool:
    """Return whether there is a node to go to and no visit left."""
    return frame.at >= workflow.max_steps


def iteration(workflow: GraphPlan, frame: Frame) -> int:
    """Return which visit of the node this is."""
    return frame.visits.get(frame.node or workflow.start, 0) + 1


def facts(workflow: GraphPlan) -> Mapping[str, Any]:
    """Return what the trace tells when the workflow starts."""
    return {"workflow_type": workflow.shape.value, "start": workflow.start, "max_steps": workflow.max_steps}
