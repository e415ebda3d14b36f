"""A plan as what pages draw (``static/kneo/graph.js``): nodes and edges, redacted."""

from typing import Any, cast

from kneo_project.redaction import redact
from specs.language.picturing import Edge, Node, picture
from specs.language.plan import Plan


def graph_of(plan: Plan) -> dict[str, Any]:
    """Return the workflow of ``plan``, or its agent where it has none."""
    drawn = picture(plan, plan.workflow)
    graph = {"nodes": [_node(node) for node in drawn.nodes], "edges": [_edge(edge) for edge in drawn.edges]}
    return cast("dict[str, Any]", redact(graph))


def _node(node: Node) -> dict[str, Any]:
    shown = {"id": node.id, "label": node.label, "kind": str(node.kind)}
    return {**shown, "parent": node.parent} if node.parent else shown


def _edge(edge: Edge) -> dict[str, Any]:
    label = {"label": edge.label} if edge.label else {}
    return {"source": edge.source, "target": edge.target, "conditional": edge.is_conditional, **label}
