"""A plan as nodes and edges: every shape, and the workflows inside steps."""

from typing import Any

from specs.language.compiling import compile_plan
from specs.language.picturing import Picture, picture

AGENTS = {name: {"name": name} for name in ("a", "b", "c")}


def pictured(workflow: dict[str, Any] | None, **workflows: Any) -> Picture:
    """Return the picture of a spec with this workflow, and with these components."""
    spec: dict[str, Any] = {"version": "v1", "agent": {"name": "root"}}
    if workflow is not None:
        spec["workflow"] = {"name": "flow", **workflow}
    plan = compile_plan(spec | {"components": {"agents": AGENTS, "workflows": workflows}})
    return picture(plan, plan.workflow)


def steps(*names: str) -> list[dict[str, str]]:
    """Return steps of agents."""
    return [{"id": name, "kind": "agent", "ref": name} for name in names]


def ways(drawn: Picture) -> list[tuple[str, str, str | None]]:
    """Return the edges as source, target and label."""
    return [(edge.source, edge.target, edge.label) for edge in drawn.edges]


def test_an_agent_alone_is_one_node() -> None:
    drawn = pictured(None)
    assert [(node.id, node.kind) for node in drawn.nodes] == [("(start)", "start"), ("root", "agent")]
    assert ways(drawn) == [("(start)", "root", None)]


def test_steps_follow_one_another() -> None:
    drawn = pictured({"type": "sequential", "steps": steps("a", "b")})
    assert ways(drawn) == [("(start)", "a", None), ("a", "b", None)]


def test_what_begins_at_once_begins_at_the_start() -> None:
    drawn = pictured({"type": "concurrent", "participants": steps("a", "b")})
    assert ways(drawn) == [("(start)", "a", None), ("(start)", "b", None)]


def test_rounds_lead_back() -> None:
    drawn = pictured({"type": "group-chat", "participants": steps("a", "b"), "rounds": 3})
    assert ways(drawn)[-1] == ("b", "a", "3 rounds")


def test_edges_say_their_label_or_their_condition() -> None:
    nodes = {name: {"id": name, "kind": "agent", "ref": name} for name in ("a", "b", "c")}
    no = {"type": "output_contains", "value": "no"}
    edges = [{"from": "a", "to": "b", "condition": no}, {"from": "a", "to": "c", "label": "else"}]
    drawn = pictured({"type": "graph", "start": "a", "nodes": nodes, "edges": edges})
    assert ways(drawn) == [("(start)", "a", None), ("a", "b", "output contains no"), ("a", "c", "else")]
    assert [edge.is_conditional for edge in drawn.edges] == [False, True, False]


def test_a_workflow_inside_a_step_is_a_group() -> None:
    inner = {"type": "sequential", "name": "inner", "steps": steps("b", "c")}
    outer = [*steps("a"), {"id": "deep", "kind": "workflow", "ref": "inner"}]
    drawn = pictured({"type": "sequential", "steps": outer}, inner=inner)
    assert [(node.id, node.parent) for node in drawn.nodes[2:]] == [
        ("deep", None),
        ("deep/b", "deep"),
        ("deep/c", "deep"),
    ]
    assert ("deep/b", "deep/c", None) in ways(drawn)
