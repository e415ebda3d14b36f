"""The gate of an environment: which specs it blocks, why, and in which order it says so."""

from typing import Any

import pytest
from pydantic import ValidationError

from specs.language.checking import examine
from specs.language.policy import EnvironmentPolicy, gate
from tests.unit.specs.factories import document, marks, orchestration, sequential, step

TOOLS = {"t": {"description": "d", "implementation": "acme.tools.t"}}


def blocked(data: dict[str, Any], **demands: Any) -> list[tuple[str, str | None]]:
    examination = examine(data)
    assert examination.spec is not None
    return marks(gate(examination.spec, examination.diagnostics, EnvironmentPolicy(**demands)))


def with_tools(**selection: Any) -> dict[str, Any]:
    return document(tools=TOOLS) | {"agent": {"name": "root", "tools": {"include": ["t"], **selection}}}


def test_no_demands_block_nothing() -> None:
    assert blocked(with_tools()) == []


def test_a_policy_that_is_switched_off_blocks_nothing() -> None:
    assert blocked(document(), enabled=False, require_guardrails=True) == []


def test_a_listed_code_and_any_warning_are_told_side_by_side() -> None:
    data = document() | {"agent": {"name": "root", "strategy": "react"}}

    assert blocked(data, blocked_diagnostic_codes=["W_AGENT_MODEL"], fail_on_warnings=True) == [
        ("E_ENV_POLICY_DIAGNOSTIC", "agent.model"),
        ("E_ENV_POLICY_WARNING", "agent.model"),
    ]


def test_errors_are_not_warnings() -> None:
    data = document() | {"agent": {"name": "root", "skills": ["ghost"]}}

    assert blocked(data, fail_on_warnings=True) == []


@pytest.mark.parametrize(
    ("data", "is_blocked"),
    [
        (document(), True),
        (sequential(step()), True),
        (sequential(step(kind="human", ref="boss")), False),
        (sequential(step(), step("h", "human", "boss", enabled=False)), True),
        (orchestration("concurrent", step("h", "human", "boss")), False),
        (
            document(
                components={
                    "humans": {"boss": {}},
                    "workflows": {"unused": {"type": "sequential", "steps": [step("h", "human", "boss")]}},
                }
            ),
            True,
        ),
    ],
    ids=["agent", "nobody", "asked", "disabled", "participant", "unused workflow"],
)
def test_only_a_person_the_root_workflow_asks_is_a_review(data: dict[str, Any], is_blocked: bool) -> None:
    assert blocked(data, require_human_review=True) == [("E_ENV_POLICY_HUMAN_REVIEW", "workflow")] * is_blocked


@pytest.mark.parametrize(("selection", "is_blocked"), [({}, True), ({"permissions": {}}, False)])
def test_included_tools_need_permissions(selection: dict[str, Any], is_blocked: bool) -> None:
    expected = [("E_ENV_POLICY_TOOL_PERMISSIONS", "agent.tools.permissions")] * is_blocked

    assert blocked(with_tools(**selection), require_tool_permissions=True) == expected


@pytest.mark.parametrize(
    ("permissions", "is_blocked"),
    [
        (None, True),
        ({}, False),
        ({"allow_shell": True}, True),
        ({"allow_filesystem_read": True}, True),
        ({"allow_filesystem_write": True}, True),
        ({"allow_network": True}, True),
        ({"allow_network": True, "allowed_domains": ["example.com"]}, False),
    ],
)
def test_tools_without_bounds_are_unrestricted(permissions: dict[str, Any] | None, is_blocked: bool) -> None:
    expected = [("E_ENV_POLICY_UNRESTRICTED_TOOLS", "agent.tools")] * is_blocked

    assert blocked(with_tools(permissions=permissions), deny_unrestricted_tools=True) == expected


@pytest.mark.parametrize(
    ("guardrails", "is_blocked"), [(None, True), ({"input": []}, True), ({"input": [{"id": "g", "type": "x"}]}, False)]
)
def test_one_guardrail_anywhere_is_enough(guardrails: dict[str, Any] | None, is_blocked: bool) -> None:
    data = document(components={"agents": {"a": {"name": "a", "guardrails": guardrails}}})

    assert blocked(data, require_guardrails=True) == [("E_ENV_POLICY_GUARDRAILS", "agent.guardrails")] * is_blocked


def test_every_demand_is_told_in_the_public_order() -> None:
    demands = dict.fromkeys(
        ("require_guardrails", "deny_unrestricted_tools", "require_tool_permissions", "require_human_review"), True
    )

    assert [code for code, _ in blocked(with_tools(), **demands)] == [
        "E_ENV_POLICY_HUMAN_REVIEW",
        "E_ENV_POLICY_TOOL_PERMISSIONS",
        "E_ENV_POLICY_UNRESTRICTED_TOOLS",
        "E_ENV_POLICY_GUARDRAILS",
    ]


def test_an_unknown_demand_is_refused() -> None:
    with pytest.raises(ValidationError):
        EnvironmentPolicy(require_human_reveiw=True)  # type: ignore[call-arg]


def test_changes_are_told_field_by_field() -> None:
    stricter = EnvironmentPolicy(require_guardrails=True)

    assert stricter.changes_from(EnvironmentPolicy()) == {"require_guardrails": {"from": False, "to": True}}
    assert stricter.changes_from(None)["require_human_review"] == {"from": None, "to": False}
