"""What matches the language and could not be built or run is found before anything is run."""

from typing import Any

import pytest

from specs.language.checking import check
from tests.unit.specs.factories import document, found_in, graph, orchestration, sequential, step

CONFIG = "agent.guardrails.input[0].config"
FUNCTIONS = {"functions": {"f": {"implementation": "acme.f"}}}


def agent(**fields: Any) -> dict[str, Any]:
    return document(components=FUNCTIONS) | {"agent": {"name": "root", **fields}}


def guardrail(**fields: Any) -> dict[str, Any]:
    return agent(guardrails={"input": [{"id": "g", **fields}]})


def test_an_agent_needs_a_name() -> None:
    assert found_in(agent(name=" ")) == [("E_AGENT_NAME", "agent.name")]


def test_an_agent_may_be_a_workflow_that_asks_a_person() -> None:
    workflows = {"w": {"type": "sequential", "steps": [step("h", "human", "boss")]}}
    data = document(components={"humans": {"boss": {}}, "workflows": workflows})

    assert found_in(data | {"agent": {"name": "root", "as_agent": "w"}}) == []


@pytest.mark.parametrize("path", ["tidy", "acme:tidy", "acme.", "acme.1"])
def test_an_implementation_is_a_dotted_path(path: str) -> None:
    tools = {"t": {"description": "d", "implementation": path}}

    assert found_in(document(components={"functions": {"f": {"implementation": path}}}, tools=tools)) == [
        ("E_FUNCTION_PATH", "tools.t.implementation"),
        ("E_FUNCTION_PATH", "components.functions.f.implementation"),
    ]


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (sequential(), "workflow.steps"),
        (sequential(step(enabled=False)), "workflow.steps"),
        (orchestration("concurrent"), "workflow.participants"),
        (
            document(components={"workflows": {"w": {"type": "sequential", "steps": []}}}),
            "components.workflows.w.steps",
        ),
    ],
)
def test_a_workflow_has_an_enabled_step(data: dict[str, Any], path: str) -> None:
    assert found_in(data) == [("E_WORKFLOW_EMPTY", path)]


def test_limits_below_zero_are_odd() -> None:
    assert found_in(sequential(step(max_retries=-1, timeout_seconds=-5))) == [
        ("W_STEP_LIMIT_NEGATIVE", "workflow.steps[0].max_retries"),
        ("W_STEP_LIMIT_NEGATIVE", "workflow.steps[0].timeout_seconds"),
    ]


def test_an_output_is_compared_with_a_text_however_deep() -> None:
    inner = {"type": "not", "condition": {"type": "output_equals", "value": 5}}
    condition = {"type": "all_of", "conditions": [{"type": "output_contains", "value": "5"}, inner]}
    edge = {"from": "a", "to": "a", "condition": condition}

    assert found_in(graph({"a": step("a")}, edge)) == [
        ("E_CONDITION_TEXT", "workflow.edges[0].condition.conditions[1].condition.value")
    ]


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        ({"policy": "full"}, []),
        ({"policy": "sliding_window", "max_messages": 3}, []),
        ({"policy": "summary", "summarizer": {"ref": "f"}}, []),
        ({"policy": "sumary"}, [("E_MEMORY_POLICY", "agent.memory.policy")]),
        ({"policy": ["full"]}, [("E_MEMORY_POLICY", "agent.memory.policy")]),
        ({"policy": "sliding_window", "max_messages": -1}, [("E_MEMORY_FIELDS", "agent.memory.max_messages")]),
        ({"policy": "full", "top_k": True}, [("E_MEMORY_FIELDS", "agent.memory.top_k")]),
        (
            {"policy": "full", "preserve_system_messages": "no"},
            [("E_MEMORY_FIELDS", "agent.memory.preserve_system_messages")],
        ),
        ({"policy": "summary"}, [("E_MEMORY_REF", "agent.memory.summarizer")]),
        ({"policy": "retrieval", "retriever": {"ref": "ghost"}}, [("E_MEMORY_REF", "agent.memory.retriever")]),
    ],
)
def test_a_memory_policy_is_known_and_has_what_it_needs(
    memory: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert found_in(agent(memory=memory)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "keyword", "config": {"keywords": ["x"]}}, []),
        ({"type": "function", "ref": "f"}, []),
        ({"type": "regexp"}, [("E_GUARDRAIL_TYPE", "agent.guardrails.input[0].type")]),
        ({"type": ["regex"]}, [("E_GUARDRAIL_TYPE", "agent.guardrails.input[0].type")]),
        ({"type": "function"}, [("E_GUARDRAIL_REF", "agent.guardrails.input[0].ref")]),
        ({"type": "agent", "ref": "ghost"}, [("E_GUARDRAIL_REF", "agent.guardrails.input[0].ref")]),
        ({"type": "agent", "ref": "f"}, [("E_GUARDRAIL_REF", "agent.guardrails.input[0].ref")]),
        ({"type": "keyword", "config": {"keywords": "x"}}, [("E_GUARDRAIL_CONFIG", f"{CONFIG}.keywords")]),
        ({"type": "regex", "config": {"patterns": ["x", 5]}}, [("E_GUARDRAIL_CONFIG", f"{CONFIG}.patterns")]),
        ({"type": "regex", "config": ["x"]}, [("E_GUARDRAIL_CONFIG", CONFIG)]),
    ],
)
def test_a_guardrail_is_of_a_known_type_and_asks_somebody_declared(
    fields: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert found_in(guardrail(**fields)) == expected


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?<=a)b", r"(a)\1", "x" * 501])
def test_a_pattern_is_a_regular_expression_of_moderate_length(pattern: object) -> None:
    data = guardrail(type="regex", config={"patterns": ["ok", pattern]})

    assert found_in(data) == [("E_GUARDRAIL_PATTERN", "agent.guardrails.input[0].config.patterns[1]")]


def test_an_unknown_stage_checks_nothing_and_is_odd() -> None:
    (found,) = check(agent(guardrails={"inputs": [{"id": "g", "type": "keyword"}]}))

    assert (found.code, found.path) == ("W_GUARDRAIL_STAGE", "agent.guardrails.inputs")
    assert found.suggestion == "Did you mean 'input'?"


def test_what_is_mistyped_is_answered_with_the_likely_name() -> None:
    assert [found.suggestion for found in check(agent(memory={"policy": "sumary"}))] == ["Did you mean 'summary'?"]
