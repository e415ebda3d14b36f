"""The policy report says who may do what and who is asked."""

from typing import Any

from specs.language.checking import examine
from specs.language.policy_report import policy_report
from tests.unit.specs.factories import document, orchestration, sequential, step

DEPLOY = sequential(
    step("sign", "human", "boss"),
    tools={
        "deploy": {"description": "d", "implementation": "acme.deploy"},
        "look": {"description": "d", "mcp": {"server": "m"}},
    },
    mcp_servers={"m": {"transport": "stdio", "command": "mcp"}},
) | {
    "agent": {
        "name": "root",
        "memory": {"policy": "full"},
        "tools": {"include": ["deploy"], "permissions": {"allow_shell": True}},
        "guardrails": {"input": [{"id": "g", "type": "keyword"}], "output": []},
    }
}


def report_on(data: object) -> dict[str, Any]:
    return policy_report(examine(data))


def test_a_report_counts_what_there_is() -> None:
    assert report_on(DEPLOY)["summary"] == {
        "agent_count": 2,
        "workflow_count": 1,
        "tool_count": 2,
        "mcp_tool_count": 1,
        "human_reviewer_count": 1,
        "human_review_step_count": 1,
        "diagnostic_count": 1,
    }


def test_a_report_names_tools_and_permissions() -> None:
    tools = report_on(DEPLOY)["tools"]

    assert tools["declared"] == ["deploy", "look"]
    assert tools["mcp_imports"] == [{"name": "look", "config": {"server": "m"}}]
    assert tools["agent_policies"][0]["unrestricted"] is True
    assert tools["agent_policies"][0]["permissions"]["allow_shell"] is True
    assert tools["agent_policies"][1] == {
        "agent": "components.agents.one",
        "include": [],
        "exclude": [],
        "permissions": None,
        "unrestricted": False,
    }


def test_a_report_names_memory_and_guardrails() -> None:
    report = report_on(DEPLOY)

    assert report["memory"]["agents"][0]["policy"] == "full"
    assert report["guardrails"]["agents"][0] == {"agent": "agent", "configured": True, "stages": {"input": 1}}


def test_what_is_privileged_requires_a_review() -> None:
    review = report_on(DEPLOY)["human_review"]

    assert review["reviewers"] == ["boss"]
    assert review["workflow_steps"] == [{"workflow": "workflow", "step_id": "sign", "ref": "boss"}]
    assert [need["code"] for need in review["requirements"]] == ["W_TOOL_SHELL_ALLOWED"]
    assert (review["required"], review["missing"]) == (True, False)


def test_a_participant_who_is_asked_counts_as_a_review() -> None:
    report = report_on(orchestration("concurrent", step("h", "human", "boss")))

    assert report["summary"]["human_review_step_count"] == 1
    assert report["human_review"]["requirements"] == [
        {
            "code": "I_HUMAN_REVIEW_CONFIGURED",
            "path": "components.humans",
            "reason": "People are declared whom the spec can ask; an entry of the policy report only.",
        }
    ]


def test_a_report_on_an_invalid_spec_says_so() -> None:
    report = report_on(document() | {"agent": {"name": "root", "skills": ["ghost"]}})

    assert report["valid"] is False
    assert report["diagnostics"][0]["code"] == "E_SKILL_REF"


def test_a_report_on_what_is_no_spec_is_its_diagnostics() -> None:
    report = report_on({"version": "v1"})

    assert list(report) == ["valid", "diagnostics"]
    assert report["valid"] is False
