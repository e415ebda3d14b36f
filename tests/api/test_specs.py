"""Judging, explaining and drawing specs over HTTP."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from kneo_client import KneoClient
from kneo_client.core import Profile
from pytest_django.live_server_helper import LiveServer

from kneo_project.audit.models import AuditEvent
from runs.models import Run
from specs.language.json_schema import author_schema
from tests.api.conftest import Api
from tests.api.specs import agent, workflow

QUESTIONS = ("validate", "compile", "explain", "graph", "policy-report")
NO_SUCH_AGENT = {
    **agent(),
    "workflow": {"type": "sequential", "steps": [{"id": "a", "kind": "agent", "ref": "nobody"}]},
}


def ask(api: Api, question: str, spec: dict[str, Any], status: int = 200, **more: object) -> dict[str, Any]:
    """Return the answer to ``question`` about ``spec``."""
    return api.post(f"/specs/{question}", {"spec": spec, **more}, status)


def test_a_good_spec_is_valid_and_compiles(api: Api) -> None:
    assert ask(api, "validate", workflow("a")) == {"valid": True, "diagnostics": []}
    assert ask(api, "compile", workflow("a")) == {
        "ok": True,
        "diagnostics": [],
        "summary": {"has_root_agent": True, "has_root_workflow": True, "component_agents": ["writer"]},
    }


def test_a_spec_is_explained_and_drawn(api: Api) -> None:
    summary = ask(api, "explain", workflow("a", "human"))["summary"]
    assert (summary["root_agent"], summary["root_workflow"], summary["component_agents"]) == (
        "root",
        "flow",
        ["writer"],
    )
    drawn = ask(api, "graph", workflow("a", "human"))
    assert (drawn["workflow_kind"], drawn["start"], [node["id"] for node in drawn["nodes"]]) == (
        "sequential",
        "a",
        ["a", "human"],
    )


def test_errors_are_a_verdict_for_validate_and_a_refusal_elsewhere(api: Api) -> None:
    codes = [each["code"] for each in ask(api, "validate", NO_SUCH_AGENT)["diagnostics"]]
    assert codes == ["E_STEP_AGENT_REF"]
    for question in ("compile", "explain", "graph"):
        refused = ask(api, question, NO_SUCH_AGENT, 400)["detail"]
        assert (refused["error"], [each["code"] for each in refused["diagnostics"]]) == ("spec_invalid", codes)
    report = ask(api, "policy-report", NO_SUCH_AGENT)
    assert (report["valid"], report["report"]["diagnostics"][0]["code"]) == (False, codes[0])


def test_compiling_leniently_gives_the_summary_beside_the_errors(api: Api) -> None:
    answer = ask(api, "compile", NO_SUCH_AGENT, strict=False)
    assert (answer["ok"], len(answer["diagnostics"]), answer["summary"]["has_root_workflow"]) == (False, 1, True)


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_cannot_be_read_is_refused_in_the_same_way(api: Api, question: str, tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "broken.yaml").write_text("a: [\n")
    with override_settings(SPEC_ROOT=tmp_path):
        refusals = {
            name: api.post(f"/specs/{question}", {"spec_path": str(path)}, status)["detail"]
            for name, path, status in (
                ("missing", tmp_path / "none.yaml", 400),
                ("list", tmp_path / "list.yaml", 400),
                ("broken", tmp_path / "broken.yaml", 400),
                ("directory", tmp_path, 400),
                ("outside", "/etc/passwd", 422),
            )
        }
    assert {name: detail["error"] for name, detail in refusals.items()} == {
        "missing": "invalid_request",
        "list": "spec_invalid",
        "broken": "spec_invalid",
        "directory": "invalid_request",
        "outside": "spec_path_confined",
    }


@pytest.mark.parametrize("question", QUESTIONS)
def test_neither_a_spec_nor_a_path_is_no_question(api: Api, question: str) -> None:
    assert api.post(f"/specs/{question}", {}, 400)["detail"]["error"] == "invalid_request"
    assert api.post(f"/specs/{question}", {"spec": {}, "colour": 1}, 422)["detail"][0]["type"] == "extra_forbidden"


def test_every_question_is_audited(api: Api) -> None:
    for question in QUESTIONS:
        ask(api, question, workflow("a"))
    events = AuditEvent.objects.order_by("pk").values_list("event_type", flat=True)
    assert list(events) == [
        "spec.validated",
        "spec.compiled",
        "spec.explained",
        "spec.graph",
        "spec.policy_reported",
    ]


def test_the_language_is_published_for_editors(api: Api) -> None:
    assert api.get("/specs/schema") == author_schema()


def test_running_a_spec_is_a_run_with_a_key_and_an_event_of_its_own(api: Api) -> None:
    body = {"input": "hi", "spec": workflow("a")}
    first, again = (api.post("/specs/run", body, key="k") for _ in range(2))
    other = api.post("/runs", body, key="k")
    assert (first["status"], first["output_text"]) == ("completed", "hi>a")
    assert (again["run_id"], other["run_id"] == first["run_id"]) == (first["run_id"], False)
    events = AuditEvent.objects.order_by("pk").values_list("event_type", flat=True)
    assert (list(events), Run.objects.count()) == (["spec.run", "run.created"], 2)


def test_the_published_client_asks_about_specs(engine: None, live_server: LiveServer) -> None:
    async def scene() -> list[Any]:
        async with KneoClient(Profile(name="test", url=live_server.url, api_key="unused")) as client:
            specs, body = client.agent.specs, {"spec": workflow("a")}
            return [
                await specs.validate(body),
                await specs.compile(body),
                await specs.explain(body),
                await specs.graph(body),
                await specs.policy_report(body),
                await specs.run({**body, "input": "hi"}),
            ]

    validated, compiled, explained, drawn, report, ran = asyncio.run(scene())
    assert validated.valid
    assert compiled.ok
    assert explained.to_dict()["summary"]["root_workflow"] == "flow"
    assert drawn.to_dict()["nodes"][0]["id"] == "a"
    assert report.valid
    assert ran.output_text == "hi>a"


def test_skills_that_lie_ready_are_listed(api: Api, tmp_path: Path) -> None:
    for name in ("b-skill", "a-skill"):
        directory = tmp_path / ".agents" / "skills" / name
        directory.mkdir(parents=True)
        (directory / "SKILL.md").write_text(f"---\nname: {name}\ndescription: d\n---\nx")

    with override_settings(SPEC_ROOT=tmp_path.resolve()):
        listed = api.get("/skills", limit=1)
        newest_first = api.get("/skills", sort_order="desc")

    assert listed["skills"] == [{"name": "a-skill", "description": "d", "path": ".agents/skills/a-skill"}]
    assert (listed["count"], listed["total"], listed["sort_by"]) == (1, 2, "name")
    assert [skill["name"] for skill in newest_first["skills"]] == ["b-skill", "a-skill"]


def test_a_run_keeps_the_skills_it_was_created_with(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.md").write_text("Rule one.")
    spec = agent() | {"skills": {"rules": {"source": "rules.md"}}}

    with override_settings(SPEC_ROOT=tmp_path.resolve()):
        run = api.run(spec, skills={"add": ["rules"]})
        refused = api.run(spec, 400, skills={"add": ["ghost"]})

    shown = api.get(f"/runs/{run['run_id']}")
    assert shown["metadata"]["skills_overlay"] == {"add": ["rules"], "disable": []}
    stored = Run.objects.get(pk=run["run_id"]).snapshot.content
    assert stored["skills"]["rules"]["instructions"] == "Rule one."
    assert refused["detail"]["error"] == "invalid_request"
