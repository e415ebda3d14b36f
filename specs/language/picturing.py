"""The way through a plan as nodes and edges, with the workflows inside its steps as groups: what pages draw."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from specs.language.conditions import Condition
from specs.language.plan import ConcurrentPlan, GraphPlan, MapPlan, Plan, StepKind, StepPlan, TurnsPlan, WorkflowPlan

START = "(start)"
ON_ERROR = "on error"
DEEPEST = 6
MOST_LABEL_CHARS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A step, named by the way to it: ``review/legal`` is the step ``legal`` of the workflow that ``review`` is."""

    id: str
    label: str
    kind: str
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A way from step to step; ``is_conditional`` tells that it is not always taken."""

    source: str
    target: str
    label: str | None = None
    is_conditional: bool = False


@dataclass(slots=True, kw_only=True)
class Picture:
    """What is to be drawn, groups before what is in them; an edge may lead to a step that is not there."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


def picture(plan: Plan, workflow: WorkflowPlan | None) -> Picture:
    """Return the picture of ``workflow``, the one that a run of ``plan`` goes through; without one, of its agent."""
    drawn = Picture(nodes=[Node(id=START, label="Start", kind="start")])
    if workflow is None:
        name = plan.agent.name
        drawn.nodes.append(Node(id=name, label=name, kind=StepKind.AGENT))
        drawn.edges.append(Edge(source=START, target=name))
        return drawn
    drawn.edges.extend(Edge(source=START, target=step_id) for step_id in _beginnings(workflow))
    _draw(drawn, plan, workflow, parent=None, depth=0)
    return drawn


def _draw(drawn: Picture, plan: Plan, workflow: WorkflowPlan, *, parent: str | None, depth: int) -> None:
    prefix = f"{parent}/" if parent else ""
    for step in workflow.steps:
        node = Node(id=f"{prefix}{step.id}", label=step.id, kind=step.kind, parent=parent)
        drawn.nodes.append(node)
        inner = plan.workflows.get(step.ref) if step.kind is StepKind.WORKFLOW else None
        if inner is not None and depth < DEEPEST:
            _draw(drawn, plan, inner, parent=node.id, depth=depth + 1)
    drawn.edges.extend(
        Edge(
            source=f"{prefix}{edge.source}",
            target=f"{prefix}{edge.target}",
            label=edge.label,
            is_conditional=edge.is_conditional,
        )
        for edge in _ways(workflow)
    )


def _beginnings(workflow: WorkflowPlan) -> list[str]:
    if isinstance(workflow, GraphPlan):
        return [workflow.start]
    if isinstance(workflow, TurnsPlan):
        return [workflow.steps[workflow.order[0]].id]
    return [step.id for step in workflow.steps]


def _ways(workflow: WorkflowPlan) -> Iterator[Edge]:
    if isinstance(workflow, GraphPlan):
        for edge in (edge for edges in workflow.edges.values() for edge in edges):
            label = edge.label or _said(edge.condition)
            yield Edge(source=edge.source, target=edge.target, label=label, is_conditional=edge.condition is not None)
    elif isinstance(workflow, TurnsPlan):
        yield from _turns(workflow)
    if not isinstance(workflow, ConcurrentPlan | MapPlan):
        yield from (_fallback(step) for step in workflow.steps if step.fallback)


def _turns(workflow: TurnsPlan) -> Iterator[Edge]:
    turns = [workflow.steps[position].id for position in workflow.order]
    yield from (Edge(source=source, target=target) for source, target in dict.fromkeys(pairwise(turns)))
    if workflow.rounds > 1:
        yield Edge(source=turns[-1], target=turns[0], label=f"{workflow.rounds} rounds", is_conditional=True)


def _fallback(step: StepPlan) -> Edge:
    return Edge(source=step.id, target=step.fallback or "", label=ON_ERROR, is_conditional=True)


def _said(condition: Condition | None) -> str | None:
    """Return a condition in a few words; what it is made of only when that is one thing."""
    if condition is None:
        return None
    key, value = condition.key, "" if condition.value is None else str(condition.value)
    said = " ".join(filter(None, [condition.type.replace("_", " "), key, value]))
    return said if len(said) <= MOST_LABEL_CHARS else f"{said[:MOST_LABEL_CHARS]}…"
