"""Steps: ids, references, fallbacks, nested people."""

from typing import Any

import pytest

from specs.language.checking import check
from tests.unit.specs.factories import ONE_AGENT, document, found_in, graph, sequential, step


@pytest.mark.parametrize("kind", ["agent", "function", "human", "workflow"])
def test_an_unknown_reference_is_an_error_even_of_a_disabled_step(kind: str) -> None:
    assert found_in(sequential(step(kind=kind, ref="ghost", enabled=False), step("other"))) == [
        (f"E_STEP_{kind.upper()}_REF", "workflow.steps[0].ref")
    ]


def test_a_guardrail_step_names_an_agent() -> None:
    assert found_in(sequential(step(kind="guardrail"))) == []
    assert found_in(sequential(step(kind="guardrail", ref="ghost"))) == [
        ("E_STEP_GUARDRAIL_REF", "workflow.steps[0].ref")
    ]


def test_each_repeated_id_is_reported() -> None:
    assert found_in(sequential(step(), step(), step())) == [
        ("E_STEP_DUPLICATE_ID", "workflow.steps[1].id"),
        ("E_STEP_DUPLICATE_ID", "workflow.steps[2].id"),
    ]


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"on_error": "fallback"}, ["E_STEP_FALLBACK_REF"]),
        ({"fallback_ref": "ghost"}, ["E_STEP_FALLBACK_UNKNOWN"]),
        ({"fallback_ref": "person"}, ["E_STEP_FALLBACK_HUMAN"]),
        ({"fallback_ref": "off"}, ["W_STEP_FALLBACK_DISABLED"]),
        ({"fallback_ref": "nobody"}, ["E_STEP_FALLBACK_HUMAN", "W_STEP_FALLBACK_DISABLED"]),
        ({"on_error": "fallback", "fallback_ref": "other"}, []),
    ],
)
def test_a_fallback_must_be_a_step_that_can_take_over(fields: dict[str, Any], codes: list[str]) -> None:
    others = [
        step("other"),
        step("off", enabled=False),
        step("person", "human", "boss"),
        step("nobody", "human", "boss", enabled=False),
    ]

    found = found_in(sequential(step(**fields), *others))

    assert found == [(code, "workflow.steps[0].fallback_ref") for code in codes]


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"on_error": "fallback"}, ["E_GRAPH_NODE_FALLBACK_REF"]),
        ({"fallback_ref": "ghost"}, ["E_GRAPH_NODE_FALLBACK_UNKNOWN"]),
        ({"fallback_ref": "off"}, ["E_GRAPH_NODE_FALLBACK_DISABLED"]),
        ({"fallback_ref": "nobody"}, ["E_GRAPH_FALLBACK_HUMAN", "E_GRAPH_NODE_FALLBACK_DISABLED"]),
    ],
)
def test_nodes_have_codes_of_their_own(fields: dict[str, Any], codes: list[str]) -> None:
    nodes = {
        "a": step("a", **fields),
        "off": step("off", enabled=False),
        "nobody": step("nobody", "human", "boss", enabled=False),
    }

    assert found_in(graph(nodes)) == [(code, "workflow.nodes.a.fallback_ref") for code in codes]


def nested(*, inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
    workflows = {
        "middle": {"type": "sequential", "steps": [step("m", "workflow", "inner")]},
        "inner": {"type": "sequential", "steps": [inner, step("i")]},
    }
    return sequential(outer, components={**ONE_AGENT, "workflows": workflows})


def test_a_person_may_be_asked_inside_a_nested_workflow_however_deep() -> None:
    data = nested(inner=step("h", "human", "boss"), outer=step("o", "workflow", "middle"))

    assert found_in(data) == []


def test_a_workflow_must_not_run_itself() -> None:
    loop = {"type": "sequential", "steps": [step("s", "workflow", "loop")]}

    assert found_in(document(components={"workflows": {"loop": loop}})) == [
        ("E_STEP_WORKFLOW_SELF_REF", "components.workflows.loop.steps[0].ref"),
        ("E_BUILD_CYCLE", "components"),
    ]


def test_a_mistyped_reference_is_answered_with_the_likely_name() -> None:
    (found,) = check(sequential(step(ref="onw")))

    assert found.suggestion == "Did you mean 'one'?"


def test_guessing_stops_after_a_hundred_findings_and_the_fixed_advice_stays() -> None:
    found = check(sequential(*[step(f"s{n}", ref="onw") for n in range(101)]))

    assert found[99].suggestion == "Did you mean 'one'?"
    assert found[100].suggestion == "Declare it under components.agents."
