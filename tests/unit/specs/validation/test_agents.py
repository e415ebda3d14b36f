"""Agents: tools, permissions, skills, runtime, model, memory, guardrails, workflows as agents."""

from typing import Any

import pytest

from tests.unit.specs.factories import document, found_in, step

TOOLS = {"t": {"description": "d", "implementation": "acme.tools.t"}}
FLOW = {"agents": {"one": {"name": "one"}}, "workflows": {"flow": {"type": "sequential", "steps": [step()]}}}


def agent(**fields: Any) -> dict[str, Any]:
    return document(agent={"name": "root", **fields}, tools=TOOLS, components=FLOW)


def test_a_tool_must_be_declared_and_not_excluded() -> None:
    tools = {"include": ["t", "ghost"], "exclude": ["t", "unknown"], "permissions": {}}

    assert found_in(agent(tools=tools)) == [("E_TOOL_REF", "agent.tools"), ("E_TOOL_CONFLICT", "agent.tools")]


@pytest.mark.parametrize(
    ("permissions", "code", "field"),
    [
        ({"allow_network": True}, "W_TOOL_NETWORK_UNRESTRICTED", ".allowed_domains"),
        ({"allow_shell": True}, "W_TOOL_SHELL_ALLOWED", ".allow_shell"),
        ({"allow_filesystem_write": True}, "W_TOOL_FILESYSTEM_WRITE_ALLOWED", ".allow_filesystem_write"),
        ({"allow_filesystem_read": True}, "W_TOOL_FILESYSTEM_READ_ALLOWED", ".allow_filesystem_read"),
        (None, "W_TOOL_POLICY_UNRESTRICTED", ""),
    ],
)
def test_what_is_privileged_is_a_warning_and_asks_for_a_person(permissions: object, code: str, field: str) -> None:
    assert found_in(agent(tools={"permissions": permissions})) == [
        (code, f"agent.tools.permissions{field}"),
        ("W_HUMAN_APPROVAL_MISSING", "workflow"),
    ]


def test_a_network_with_a_list_of_hosts_is_not_privileged() -> None:
    assert found_in(agent(tools={"permissions": {"allow_network": True, "allowed_domains": ["a.example"]}})) == []


def test_a_person_in_any_workflow_is_enough() -> None:
    components = {
        "humans": {"boss": {}},
        "workflows": {"unused": {"type": "concurrent", "participants": [step("h", "human", "boss")]}},
    }
    data = document(agent={"name": "root", "tools": {}}, components=components)

    assert found_in(data) == [("W_TOOL_POLICY_UNRESTRICTED", "agent.tools.permissions")]


@pytest.mark.parametrize("path", ["os.system", "sys.exit", "importlib.import_module", "eval", "__import__"])
def test_imports_that_reach_the_machine_are_errors(path: str) -> None:
    data = document(components={"functions": {"f": {"implementation": path}}, "humans": {}})

    assert found_in(data)[0] == ("E_UNSAFE_FUNCTION_IMPORT", "components.functions.f.implementation")


@pytest.mark.parametrize("path", ["osmosis.run", "acme.os.system", "systems.tool", "evaluate.it"])
def test_imports_that_only_look_alike_pass(path: str) -> None:
    assert found_in(document(components={"functions": {"f": {"implementation": path}}})) == []


def test_a_skill_must_be_declared() -> None:
    assert found_in(agent(skills=["ghost"])) == [("E_SKILL_REF", "agent.skills")]


@pytest.mark.parametrize(
    ("preferences", "code", "field"),
    [
        (
            {"preferred_mode": "bridge", "allowed_modes": ["native"]},
            "E_RUNTIME_PREFERRED_NOT_ALLOWED",
            "preferred_mode",
        ),
        ({"fallback_mode": "bridge", "allowed_modes": ["native"]}, "E_RUNTIME_FALLBACK_NOT_ALLOWED", "fallback_mode"),
        ({"preferred_mode": "native"}, "W_RUNTIME_NATIVE_PROVIDER", "native_provider"),
        ({"preferred_mode": "adapter"}, "W_RUNTIME_ADAPTER_REF", "adapter_ref"),
    ],
)
def test_runtime_preferences_must_agree_with_each_other(preferences: object, code: str, field: str) -> None:
    assert found_in(agent(runtime_preferences=preferences)) == [(code, f"agent.runtime_preferences.{field}")]


def test_no_allowed_modes_means_no_restriction() -> None:
    assert found_in(agent(runtime_preferences={"preferred_mode": "bridge", "allowed_modes": []})) == []


@pytest.mark.parametrize("strategy", ["react", "plan-act"])
def test_a_looping_strategy_needs_a_model(strategy: str) -> None:
    assert found_in(agent(strategy=strategy)) == [("W_AGENT_MODEL", "agent.model")]
    assert found_in(agent(strategy=strategy, model="m")) == []


def test_a_memory_block_needs_a_policy() -> None:
    assert found_in(agent(memory={"max_messages": 5})) == [("E_MEMORY_POLICY_REQUIRED", "agent.memory.policy")]
    assert found_in(agent(memory={})) == []


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("word", [("E_GUARDRAIL_FIELDS", "")]),
        ({}, [("E_GUARDRAIL_FIELDS", ".id"), ("E_GUARDRAIL_FIELDS", ".type")]),
        ({"id": "g", "type": "regex", "mode": None}, [("E_GUARDRAIL_MODE_UNSUPPORTED", ".mode")]),
        ({"id": "g", "type": "regex", "action": "revise"}, [("E_GUARDRAIL_ACTION_UNSUPPORTED", ".action")]),
        ({"id": "g", "type": "regex", "action": None}, [("E_GUARDRAIL_ACTION_UNSUPPORTED", ".action")]),
        ({"id": "g", "type": "regex"}, []),
    ],
)
def test_a_guardrail_has_an_identity_and_an_action_of_its_stage(item: object, found: list[tuple[str, str]]) -> None:
    expected = [(code, f"agent.guardrails.input[0]{path}") for code, path in found]

    assert found_in(agent(guardrails={"input": [item]})) == expected


def test_guardrails_are_checked_stage_by_stage() -> None:
    guardrails = {"workflow": [{}], "input": ["x"], "tool": {"a": {}, "b": {}}, "unknown": 5}

    assert found_in(agent(guardrails=guardrails)) == [
        ("E_GUARDRAIL_FIELDS", "agent.guardrails.input[0]"),
        ("E_GUARDRAIL_FIELDS", "agent.guardrails.tool[0]"),
        ("E_GUARDRAIL_FIELDS", "agent.guardrails.tool[1]"),
        ("E_GUARDRAIL_FIELDS", "agent.guardrails.workflow[0].id"),
        ("E_GUARDRAIL_FIELDS", "agent.guardrails.workflow[0].type"),
        ("W_GUARDRAIL_STAGE", "agent.guardrails.unknown"),
    ]


@pytest.mark.parametrize("fields", [{"strategy": "simple"}, {"tools": {"permissions": {}}}, {"skills": ["x"]}])
def test_an_agent_that_is_a_workflow_has_nothing_of_its_own(fields: dict[str, Any]) -> None:
    assert ("E_AS_AGENT_FIELDS", "agent") in found_in(agent(as_agent="flow", **fields))


def test_the_workflow_behind_an_agent_must_be_declared() -> None:
    assert found_in(agent(as_agent="ghost")) == [("E_AS_AGENT_UNKNOWN_WORKFLOW", "agent.as_agent")]
    assert found_in(agent(as_agent="flow")) == []
