"""``spec compile``, ``explain``, ``graph`` and ``policy-report``: one spec, looked into."""

from pathlib import Path

import pytest

from tests.unit.specs.commands import BAD, GOOD, PROJECT, spec, write

CHAIN = """\
version: v1
agent: {name: root}
workflow: {type: sequential, name: chain, steps: [b, a]}
components: {agents: {b: {name: b}, a: {name: a}}}
"""
COMMANDS = ["compile", "explain", "graph", "policy-report"]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("chain.yaml", CHAIN), ("bad.yaml", BAD), ("broken.yaml", "a: [\n"), ("main.yaml", GOOD)):
        write(tmp_path / name, text)


def test_compile_sums_up() -> None:
    assert spec("compile", "chain.yaml", "--json").json == {
        "ok": True,
        "summary": {"has_root_agent": True, "has_root_workflow": True, "component_agents": ["a", "b"]},
        "diagnostics": [],
    }


def test_compile_refuses_what_cannot_be_run() -> None:
    write(Path("empty.yaml"), "version: v1\nagent: {name: r}\nworkflow: {type: sequential, steps: []}\n")

    ended = spec("compile", "empty.yaml", "--json")

    assert ended.status == 1
    assert [found["code"] for found in ended.failure["diagnostics"]] == ["E_WORKFLOW_EMPTY"]


def test_explain_names_the_parts() -> None:
    assert spec("explain", "chain.yaml", "--json").json == {
        "summary": {
            "root_agent": "root",
            "root_workflow": "chain",
            "component_agents": ["a", "b"],
            "component_workflows": [],
        }
    }
    assert spec("explain", "chain.yaml").out.startswith("root_agent: root\nroot_workflow: chain\n")


def test_graph_prints_json_mermaid_and_dot() -> None:
    assert spec("graph", "chain.yaml").json["edges"][0]["source"] == "b"
    assert spec("graph", "chain.yaml", "--format", "mermaid").out.startswith("flowchart TD\n")
    assert spec("graph", "chain.yaml", "--format", "dot").out.startswith('digraph "chain" {\n')


def test_a_policy_report_is_given_of_an_invalid_spec_too() -> None:
    ended = spec("policy-report", "bad.yaml", "--json")

    assert (ended.status, ended.json["valid"]) == (0, False)


@pytest.mark.parametrize("command", COMMANDS[:3])
def test_an_invalid_spec_is_refused_with_its_diagnostics(command: str) -> None:
    told, shown = spec(command, "bad.yaml", "--json"), spec(command, "bad.yaml")

    assert (told.status, told.out, told.failure["error"]) == (1, "", "spec_invalid")
    assert (shown.status, shown.out) == (1, "")
    assert "E_SKILL_REF" in shown.err


@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_read_is_told_from_what_is_invalid(command: str) -> None:
    assert spec(command, "broken.yaml", "--json").failure["diagnostics"][0]["code"] == "E_SYNTAX"
    assert spec(command, "broken.yaml").status == 1
    assert spec(command, "missing.yaml", "--json").failure["error"] == "invalid_request"
    assert spec(command, "missing.yaml").status == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_a_spec_that_the_environment_blocks_is_refused(command: str) -> None:
    write(Path(".kneo/config.yaml"), PROJECT.replace("prod", "dev"))
    write(Path("dev.yaml"), "agent: {system_prompt: Careful.}\n")

    ended = spec(command)
    told = spec(command, "--json").err

    assert ended.status == 1
    assert "E_ENV_POLICY_GUARDRAILS" in ended.err
    assert '"error": "environment_policy_blocked"' in told
