"""Graphs: start, reachability, edges, conditions."""

from typing import Any

import pytest

from tests.unit.specs.factories import found_in, graph, step

A_AND_B = {"a": step("a"), "b": step("b")}
VALUE, KEY = ("E_CONDITION_VALUE", ".value"), ("E_CONDITION_KEY", ".key")


def edge(source: str = "a", target: str = "b", **fields: Any) -> dict[str, Any]:
    return {"from": source, "to": target, **fields}


def test_an_unknown_start_is_reported_among_the_workflows_and_among_the_graphs() -> None:
    assert found_in(graph({"a": step("a")}, start="ghost")) == [
        ("E_GRAPH_START_UNKNOWN", "workflow.start"),
        ("E_GRAPH_START", "workflow.start"),
    ]


def test_a_disabled_start_says_nothing_about_reachability() -> None:
    nodes = {**A_AND_B, "a": step("a", enabled=False)}

    assert found_in(graph(nodes)) == [("E_GRAPH_START_DISABLED", "workflow.start")]


def test_unreachable_nodes_are_reported_in_the_order_of_their_names() -> None:
    nodes = {"z": step("z"), "b": step("b"), "off": step("off", enabled=False), "a": step("a")}

    assert found_in(graph(nodes, edge("a", "off"), edge("off", "b"))) == [
        ("W_GRAPH_NODE_UNREACHABLE", "workflow.nodes.b"),
        ("W_GRAPH_NODE_UNREACHABLE", "workflow.nodes.z"),
    ]


def test_a_fallback_makes_a_node_reachable() -> None:
    assert found_in(graph({**A_AND_B, "a": step("a", fallback_ref="b")})) == []


def test_the_key_of_a_node_counts() -> None:
    assert found_in(graph({"a": step("alpha")})) == [("W_GRAPH_NODE_ID_MISMATCH", "workflow.nodes.a.id")]


def test_a_graph_must_be_allowed_a_step() -> None:
    assert found_in(graph({"a": step("a")}, max_steps=0)) == [("E_GRAPH_MAX_STEPS", "workflow.max_steps")]


def test_both_ends_of_an_edge_must_exist() -> None:
    assert found_in(graph({"a": step("a")}, edge("x", "y"))) == [
        ("E_GRAPH_EDGE_FROM", "workflow.edges[0]"),
        ("E_GRAPH_EDGE_TO", "workflow.edges[0]"),
    ]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"type": "always"}, []),
        ({"type": "output_contains"}, [VALUE]),
        ({"type": "output_equals", "value": ""}, []),
        ({"type": "status_is", "value": None}, [VALUE]),
        ({"type": "metadata_equals", "key": "k", "value": False}, []),
        ({"type": "variable_equals"}, [VALUE, KEY]),
        ({"type": "all_of"}, [("E_CONDITION_CHILDREN", ".conditions")]),
        ({"type": "any_of", "conditions": [{"type": "never"}]}, []),
        ({"type": "not"}, [("E_CONDITION_CHILD", ".condition")]),
        ({"type": "not", "condition": {"type": "status_is"}}, [("E_CONDITION_VALUE", ".condition.value")]),
        (
            {"type": "always", "conditions": [{"type": "never"}, {"type": "not"}]},
            [("E_CONDITION_CHILD", ".conditions[1].condition")],
        ),
    ],
)
def test_a_condition_needs_what_its_type_looks_at(condition: object, found: list[tuple[str, str]]) -> None:
    expected = [(code, f"workflow.edges[0].condition{path}") for code, path in found]

    assert found_in(graph(A_AND_B, edge(condition=condition))) == expected
