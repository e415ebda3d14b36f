"""The graph view of a spec's root workflow: nodes and the ways between them, whatever the shape."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from specs.language.explaining import workflow_name
from specs.language.schema import Spec
from specs.language.schema.workflows import (
    ConcurrentSpec,
    GraphSpec,
    GroupChatSpec,
    HandoffSpec,
    MapSpec,
    SequentialSpec,
    StepSpec,
    WorkflowSpec,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """An enabled step as a vertex. ``name`` is the component it runs; ``fallback_node`` an enabled node."""

    id: str
    kind: str
    name: str
    on_error: str
    fallback_node: str | None
    max_retries: int
    timeout_seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeView:
    """A way from node to node. The language has no priorities; the field is part of the public form."""

    source: str
    target: str
    label: str | None = None
    conditional: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphView:
    """A workflow as nodes and edges; empty for a spec that is an agent only.

    Concurrent participants have no edges between them and no start: all begin at once.
    """

    workflow_name: str | None = None
    workflow_kind: str | None = None
    start: str | None = None
    max_steps: int | None = None
    nodes: tuple[NodeView, ...] = ()
    edges: tuple[EdgeView, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the public form."""
        return asdict(self) | {"nodes": [asdict(node) for node in self.nodes], "edges": [asdict(e) for e in self.edges]}


def draw(spec: Spec) -> GraphView:
    """Return the graph view of the root workflow of ``spec``, in which no check has found an error."""
    workflow = spec.workflow
    if workflow is None:
        return GraphView()
    enabled = _enabled(workflow)
    return GraphView(
        workflow_name=workflow_name(workflow),
        workflow_kind="group-chat" if isinstance(workflow, GroupChatSpec) else workflow.type,
        start=_start(workflow, enabled),
        max_steps=workflow.max_steps if isinstance(workflow, GraphSpec) else None,
        nodes=tuple(_node(key, step, enabled) for key, step in enabled.items()),
        edges=tuple(_edges(workflow, enabled)),
    )


def _enabled(workflow: WorkflowSpec) -> dict[str, StepSpec]:
    """Return the enabled steps by the id that counts, which in a graph is the key."""
    if isinstance(workflow, GraphSpec):
        return {key: node for key, node in workflow.nodes.items() if node.enabled}
    return {step.id: step for step in workflow.all_steps if step.enabled}


def _start(workflow: WorkflowSpec, enabled: dict[str, StepSpec]) -> str | None:
    if isinstance(workflow, GraphSpec):
        return workflow.start
    if isinstance(workflow, ConcurrentSpec):
        return None
    if isinstance(workflow, MapSpec):
        return next(iter(enabled), None)
    return next(iter(_turns(workflow, enabled)), None)


def _node(key: str, step: StepSpec, enabled: dict[str, StepSpec]) -> NodeView:
    return NodeView(
        id=key,
        kind=step.kind,
        name=step.ref,
        on_error=step.on_error,
        fallback_node=step.fallback_ref if step.on_error == "fallback" and step.fallback_ref in enabled else None,
        max_retries=step.max_retries,
        timeout_seconds=step.timeout_seconds,
    )


def _edges(workflow: WorkflowSpec, enabled: dict[str, StepSpec]) -> Iterator[EdgeView]:
    if isinstance(workflow, GraphSpec):
        for edge in workflow.edges:
            if edge.from_ in enabled and edge.to in enabled:
                conditional = edge.condition is not None
                yield EdgeView(source=edge.from_, target=edge.to, label=edge.label, conditional=conditional)
    elif not isinstance(workflow, ConcurrentSpec | MapSpec):
        ways = dict.fromkeys(pairwise(_turns(workflow, enabled)))
        yield from (EdgeView(source=source, target=target) for source, target in ways)


def _turns(workflow: SequentialSpec | HandoffSpec | GroupChatSpec, enabled: dict[str, StepSpec]) -> list[str]:
    """Return who comes after whom. A group chat of several rounds begins again once, which shows the circle."""
    turns = list(enabled)
    if isinstance(workflow, HandoffSpec):
        named = [name for name in workflow.selector.sequence if name in enabled]
        turns = named if workflow.selector.type == "sequence" and named else turns
        limit = workflow.max_iterations
        return turns if limit is None or limit < 1 else turns[:limit]
    if isinstance(workflow, GroupChatSpec) and workflow.rounds > 1:
        return [*turns, *turns[:1]]
    return turns
