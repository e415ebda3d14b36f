"""The schema of the language: the published one plus what is declared as added, in words a person can act on."""

from typing import Any

import pytest

from specs.language.checking import check
from specs.language.diagnostics import Diagnostic
from specs.language.parsing import load
from specs.language.schema import Spec
from tests.corpus import published_schema
from tests.unit.specs.factories import document, found_in, graph, sequential, step

OURS_BY_PUBLISHED = {
    "AgentSpec": "AgentSpec",
    "ComponentsSpec": "Components",
    "ConcurrentWorkflowSpec": "ConcurrentSpec",
    "EdgeConditionSpec": "ConditionSpec",
    "FunctionComponentSpec": "FunctionSpec",
    "GraphEdgeSpec": "EdgeSpec",
    "GraphWorkflowSpec": "GraphSpec",
    "GroupChatWorkflowSpec": "GroupChatSpec",
    "HandoffSelectorSpec": "SelectorSpec",
    "HandoffWorkflowSpec": "HandoffSpec",
    "HumanComponentSpec": "HumanSpec",
    "MCPServerSpec": "McpServerSpec",
    "ModelSpec": "ModelSpec",
    "RuntimePreferences": "RuntimePreferences",
    "SequentialWorkflowSpec": "SequentialSpec",
    "SkillSpec": "SkillSpec",
    "StrategySpec": "StrategySpec",
    "ToolPermissions": "ToolPermissions",
    "ToolSelection": "ToolSelection",
    "ToolSpec": "ToolSpec",
    "WorkflowStepSpec": "StepSpec",
}
ADDED = {
    "HumanSpec": {"on_reject", "form", "sets", "approvals", "exclude_requester"},
    "FunctionSpec": {"sets"},
    "ToolSpec": {"http", "retry_unsafe", "approval", "approver", "edit_arguments"},
    "Components": {"waits", "signals"},
    "McpServerSpec": {"header_refs", "env_refs"},
    "ConcurrentSpec": {"max_parallel"},
}
PUBLISHED = published_schema()
OURS = Spec.model_json_schema(by_alias=True)


def schema_error(data: object) -> Diagnostic:
    (found,) = check(data)
    assert (found.code, found.path) == ("E_SCHEMA", None)
    return found


def test_every_published_block_exists() -> None:
    assert set(PUBLISHED["$defs"]) == set(OURS_BY_PUBLISHED)


@pytest.mark.parametrize(("published", "ours"), OURS_BY_PUBLISHED.items())
def test_a_block_has_the_published_keys_and_the_declared_additions(published: str, ours: str) -> None:
    theirs, mine = PUBLISHED["$defs"][published], OURS["$defs"][ours]

    assert set(mine["properties"]) == set(theirs["properties"]) | ADDED.get(ours, set())
    assert set(mine.get("required", [])) == set(theirs.get("required", []))


def test_the_root_has_the_published_keys() -> None:
    assert set(OURS["properties"]) == set(PUBLISHED["properties"])
    assert OURS["required"] == PUBLISHED["required"]


def test_one_diagnostic_names_every_problem_with_its_path() -> None:
    data = sequential(step(on_error="explode"), tools={"t": {}}, nonsense=1)

    assert schema_error(data).message == (
        "The document does not match the v1 language: "
        "workflow.steps[0].on_error must be 'fail', 'continue', 'retry' or 'fallback'; "
        "tools.t.description is required; nonsense is not a key of the language."
    )


@pytest.mark.parametrize(
    ("data", "suggestion"),
    [
        (document(workfow=None), "Did you mean 'workflow' instead of 'workfow'?"),
        (sequential(step(max_retry=1)), "Did you mean 'max_retries' instead of 'max_retry'?"),
        (sequential(step(kind="agnet")), "Did you mean 'agent' instead of 'agnet'?"),
        (document(workflow={"type": "sequental", "steps": []}), "Did you mean 'sequential' instead of 'sequental'?"),
        (document(components={"agents": {"x": {"name": "x", "tool": []}}}), "Did you mean 'tools' instead of 'tool'?"),
        (graph({"a": step()}, {"form": "a", "to": "a"}), "Did you mean 'from' instead of 'form'?"),
    ],
)
def test_a_misspelt_word_is_recognised(data: object, suggestion: str) -> None:
    assert schema_error(data).suggestion == suggestion


def test_the_first_problem_is_located() -> None:
    text = "version: v1\nagent:\n  name: root\n  strategy: {type: simple, speed: 3}\n"
    read = load(text, name="spec.yaml")

    (found,) = check(read.data, positions=read.positions)

    assert (found.line, found.column) == (4, 28)


def test_values_of_the_document_are_not_repeated() -> None:
    data = document(agent={"name": "root", "model": {"provider": 5, "name": ["hunter2"], "max_tokens": "hunter2"}})

    assert "hunter2" not in schema_error(data).message


def test_each_problem_is_told_on_its_own_too_where_it_is_and_with_what_was_meant() -> None:
    text = "version: v1\nagent:\n  name: root\n  sytem_prompt: x\n  strategy: {type: recat}\n"
    document = load(text, name="spec.yaml")

    (found,) = check(document.data, positions=document.positions)

    assert found.as_dict()["problems"] == [
        {
            "code": "E_SCHEMA",
            "severity": "error",
            "message": "`type` must be 'simple', 'react' or 'plan-act'.",
            "path": "agent.strategy.type",
            "suggestion": "Did you mean 'react' instead of 'recat'?",
            "line": 5,
            "column": 14,
        },
        {
            "code": "E_SCHEMA",
            "severity": "error",
            "message": "`sytem_prompt` is not a key of the language.",
            "path": "agent.sytem_prompt",
            "suggestion": "Did you mean 'system_prompt' instead of 'sytem_prompt'?",
            "line": 4,
            "column": 3,
        },
    ]


def test_a_message_stays_readable_however_many_problems_there_are() -> None:
    found = schema_error(sequential(*[5] * 1_000))

    assert found.message.endswith("; and 950 more.")


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_retries", "3"), ("max_retries", 2.0), ("max_retries", True), ("enabled", "off"), ("timeout_seconds", "10")],
)
def test_scalars_are_read_leniently(field: str, value: object) -> None:
    fields: dict[str, Any] = {**step(), field: value}

    assert found_in(sequential(fields, step("other"))) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_retries", 1.5), ("id", 5), ("enabled", "perhaps"), ("on_error", "FAIL"), ("max_retries", None)],
)
def test_what_would_change_its_meaning_is_refused(field: str, value: object) -> None:
    fields: dict[str, Any] = {**step(), field: value}

    assert found_in(sequential(fields)) == [("E_SCHEMA", None)]


@pytest.mark.parametrize("block", ["tools", "skills", "components", "mcp_servers", "policies"])
def test_an_empty_block_is_written_as_a_mapping_not_as_nothing(block: str) -> None:
    assert found_in(document(**{block: None})) == [("E_SCHEMA", None)]


def test_the_tolerated_spelling_of_from_is_tolerated() -> None:
    assert found_in(graph({"a": step("a")}, {"from_": "a", "to": "a"})) == []


@pytest.mark.parametrize("path", ["~/x", "../x", "a/../b", "..\\x"])
@pytest.mark.parametrize("field", ["cwd", "ca_bundle", "client_cert", "client_key"])
def test_paths_must_not_climb(path: str, field: str) -> None:
    server = {"transport": "stdio", "command": "x", field: path}

    assert found_in(document(mcp_servers={"m": server})) == [("E_SCHEMA", None)]


@pytest.mark.parametrize("guardrails", [{"input": 5}, {"tool": "x"}, {"output": [{"id": "g", "action": ["warn"]}]}])
def test_guardrails_of_the_wrong_type_are_a_schema_error(guardrails: object) -> None:
    assert found_in(document(agent={"name": "root", "guardrails": guardrails})) == [("E_SCHEMA", None)]
