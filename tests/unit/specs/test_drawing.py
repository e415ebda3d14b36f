"""The graph view of every shape, and its diagrams."""

from typing import Any

import pytest

from specs.language.diagrams import dot, mermaid
from specs.language.drawing import GraphView, draw
from tests.unit.specs.factories import document, graph, orchestration, sequential, step
from tests.unit.specs.test_explaining import spec_of

ROUTED = graph(
    {
        "a": step("a", on_error="fallback", fallback_ref="b"),
        "b": step("b", "human", "boss", timeout_seconds=9),
        "off": step("off", enabled=False),
    },
    {"from": "a", "to": "b", "label": 'say "hi"', "condition": {"type": "always"}},
    {"from": "a", "to": "off"},
    max_steps=7,
)


def view_of(data: dict[str, Any]) -> GraphView:
    return draw(spec_of(data))


def ways(view: GraphView) -> list[tuple[str, str]]:
    return [(edge.source, edge.target) for edge in view.edges]


def test_a_graph_shows_its_enabled_nodes_and_the_edges_between_them() -> None:
    assert view_of(ROUTED).as_dict() == {
        "workflow_name": "graph-workflow",
        "workflow_kind": "graph",
        "start": "a",
        "max_steps": 7,
        "nodes": [
            {
                "id": "a",
                "kind": "agent",
                "name": "one",
                "on_error": "fallback",
                "fallback_node": "b",
                "max_retries": 0,
                "timeout_seconds": None,
            },
            {
                "id": "b",
                "kind": "human",
                "name": "boss",
                "on_error": "fail",
                "fallback_node": None,
                "max_retries": 0,
                "timeout_seconds": 9,
            },
        ],
        "edges": [{"source": "a", "target": "b", "label": 'say "hi"', "conditional": True, "priority": 0}],
    }


def test_a_sequence_is_a_chain_of_its_enabled_steps_with_their_kinds() -> None:
    view = view_of(sequential(step("a"), step("off", enabled=False), step("b", "human", "boss"), step("c")))

    assert (view.workflow_kind, view.start, view.max_steps) == ("sequential", "a", None)
    assert [(node.id, node.kind) for node in view.nodes] == [("a", "agent"), ("b", "human"), ("c", "agent")]
    assert ways(view) == [("a", "b"), ("b", "c")]


def test_an_agent_alone_is_an_empty_graph() -> None:
    assert view_of(document()).as_dict() == {
        "workflow_name": None,
        "workflow_kind": None,
        "start": None,
        "max_steps": None,
        "nodes": [],
        "edges": [],
    }


@pytest.mark.parametrize(
    ("shape", "fields", "start", "expected"),
    [
        ("concurrent", {}, None, []),
        ("handoff", {}, "a", [("a", "b")]),
        ("handoff", {"selector": {"sequence": ["b", "a", "b", "a"]}}, "b", [("b", "a"), ("a", "b")]),
        ("handoff", {"selector": {"sequence": ["b", "a", "b"]}, "max_iterations": 2}, "b", [("b", "a")]),
        ("handoff", {"selector": {"type": "round_robin", "sequence": ["b"]}}, "a", [("a", "b")]),
        ("group-chat", {}, "a", [("a", "b")]),
        ("group_chat", {"rounds": 3}, "a", [("a", "b"), ("b", "a")]),
    ],
)
def test_an_orchestration_shows_who_comes_after_whom(
    shape: str, fields: dict[str, Any], start: str | None, expected: list[tuple[str, str]]
) -> None:
    view = view_of(orchestration(shape, step("a"), step("b"), **fields))

    assert (view.workflow_kind, view.start) == (shape.replace("_", "-"), start)
    assert ways(view) == expected


def test_mermaid_draws_nodes_ways_conditions_and_fallbacks() -> None:
    assert mermaid(view_of(ROUTED)) == (
        "flowchart TD\n"
        '    n0["a: one"]\n'
        '    n1{{"b: boss"}}\n'
        "    start(( )) --> n0\n"
        '    n0 -.->|"say #34;hi#34;"| n1\n'
        '    n0 -. "on error" .-> n1\n'
    )


def test_dot_draws_nodes_ways_conditions_and_fallbacks() -> None:
    assert dot(view_of(ROUTED)) == (
        'digraph "graph-workflow" {\n'
        '    start [shape=circle label="" width=0.2];\n'
        '    n0 [shape=box label="a: one"];\n'
        '    n1 [shape=hexagon label="b: boss"];\n'
        "    start -> n0;\n"
        '    n0 -> n1 [style=dashed label="say \\"hi\\""];\n'
        '    n0 -> n1 [style=dotted label="on error"];\n'
        "}\n"
    )


def test_participants_that_begin_at_once_are_drawn_side_by_side() -> None:
    view = view_of(orchestration("concurrent", step("a"), step("b")))

    assert mermaid(view).count("start(( )) -->") == 2
    assert "start -> n0;" in dot(view)
    assert "start -> n1;" in dot(view)


@pytest.mark.parametrize("name", ['"];\nevil', "a|b", "`x`", "<script>", "#quot;", "]]"])
def test_a_name_cannot_become_part_of_the_drawing(name: str) -> None:
    view = view_of(sequential(step(name)))

    assert len(mermaid(view).splitlines()) == 3
    assert len(dot(view).splitlines()) == 5
    assert name not in mermaid(view)
