"""The views that explain a run: recovery, replay, diff, graph, policy report."""

from typing import Any

import pytest

from kneo_project.audit.models import AuditEvent
from tests.api.conftest import Api
from tests.api.specs import agent, workflow

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ROUTES = ["recovery", "replay", "graph", "policy-report", "checkpoints/diff"]
CHECKPOINT_KEYS = {"id", "sequence", "type", "created_at", "workflow_name", "step_id", "node_id"}


def run_of(api: Api, spec: dict[str, Any], status: int = 200, **order: object) -> str:
    """Return the id of a run of ``spec`` that has come to rest."""
    answer = api.run(spec, status, **order)
    return str(answer["detail"]["run_id"] if "detail" in answer else answer["run_id"])


def graph(**edge: Any) -> dict[str, Any]:
    """Return a spec of a graph of two functions."""
    spec = workflow("a")
    nodes = {name: {"id": name, "kind": "function", "ref": name} for name in ("a", "b")}
    spec["workflow"] = {
        "type": "graph",
        "name": "g",
        "start": "a",
        "nodes": nodes,
        "edges": [{"from": "a", "to": "b", **edge}],
    }
    return spec


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_run_is_not_found(api: Api, route: str) -> None:
    assert api.get(f"/runs/{UNKNOWN}/{route}", 404)["detail"]["error"] == "not_found"
    api.get(f"/runs/{UNKNOWN}/{route}", 422, colour="red")


def test_a_run_that_waits_tells_for_what_and_with_what_it_goes_on(api: Api) -> None:
    run_id = run_of(api, workflow("a", "human", "b"))
    recovery = api.get(f"/runs/{run_id}/recovery")
    assert (recovery["status"], recovery["visited_steps"], recovery["current_step_index"]) == ("blocked", ["a"], 1)
    assert recovery["pending_human_request"]["prompt"] == "Check it"
    assert recovery["continuation_id"] == api.get(f"/runs/{run_id}")["continuation_id"]
    assert recovery["replay_context"] == {
        "run_id": run_id,
        "status": "blocked",
        "workflow_type": "sequential",
        "completed_steps": ["a"],
        "completed_nodes": [],
        "failed_step": None,
        "failed_node": None,
        "next_step_index": 1,
        "resume_input": "hi>a",
        "checkpoint_count": 3,
        "can_continue": False,
        "can_replay": True,
    }


def test_a_run_that_failed_tells_where_and_can_be_gone_on_with(api: Api) -> None:
    run_id = run_of(api, workflow("a", "boom"), 500)
    recovery = api.get(f"/runs/{run_id}/recovery")
    context = recovery["replay_context"]
    assert recovery["error"]["type"] == "RuntimeError"
    assert (context["failed_step"], context["resume_input"], context["can_continue"]) == ("boom", "hi>a", True)


def test_a_run_of_an_agent_alone_has_no_steps(api: Api) -> None:
    run_id = run_of(api, agent())
    context = api.get(f"/runs/{run_id}/recovery")["replay_context"]
    assert (context["workflow_type"], context["completed_steps"], context["resume_input"]) == (None, [], "hi")


def test_the_history_names_every_checkpoint_in_order(api: Api) -> None:
    run_id = run_of(api, workflow("a", "human"))
    replay = api.get(f"/runs/{run_id}/replay")
    told = [(each["sequence"], each["type"], each["step_id"], each["status"]) for each in replay["timeline"]]
    assert told == [
        (1, "run_started", None, "running"),
        (2, "step_completed", "a", "running"),
        (3, "human_pause", "human", "blocked"),
    ]
    task = api.get(f"/runs/{run_id}")
    last = replay["timeline"][-1]
    assert (last["current_step_id"], last["continuation_id"]) == ("a", task["continuation_id"])
    assert last["pending_human_request_id"] == task["pending_human_request"]["id"]
    assert replay["checkpoint_count"] == 3


def test_nodes_of_a_graph_are_told_as_such(api: Api) -> None:
    run_id = run_of(api, graph())
    timeline = api.get(f"/runs/{run_id}/replay")["timeline"]
    assert [(each["type"], each["node_id"]) for each in timeline[1:3]] == [
        ("node_completed", "a"),
        ("node_completed", "b"),
    ]
    assert api.get(f"/runs/{run_id}/recovery")["replay_context"]["completed_nodes"] == ["a", "b"]


def test_two_checkpoints_are_compared_path_by_path(api: Api) -> None:
    run_id = run_of(api, workflow("a", "b"))
    diff = api.get(f"/runs/{run_id}/checkpoints/diff", from_sequence=2, to_sequence=3)
    changed = {each["path"]: (each["before"], each["after"]) for each in diff["changed"]}
    assert changed["state.output_text"] == ("hi>a", "hi>a>b")
    assert changed["state.current_step_id"] == ("a", "b")
    assert {"path": "state.visited_steps[1]", "value": "b"} in diff["added"]
    assert diff["change_count"] == len(diff["added"]) + len(diff["removed"]) + len(diff["changed"])
    assert (diff["truncated"], set(diff["from_checkpoint"])) == (False, CHECKPOINT_KEYS)

    back = api.get(f"/runs/{run_id}/checkpoints/diff", from_sequence=3, to_sequence=2)
    assert back["added"] == diff["removed"]


def test_the_last_two_checkpoints_are_compared_by_default(api: Api) -> None:
    run_id = run_of(api, workflow("a"))
    diff = api.get(f"/runs/{run_id}/checkpoints/diff")
    assert (diff["from_checkpoint"]["sequence"], diff["to_checkpoint"]["sequence"]) == (2, 3)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"from_sequence": 2, "to_sequence": 2}, "name the same"),
        ({"from_sequence": 99}, "no checkpoint 99"),
        ({"from_sequence": 98, "to_sequence": 99}, "no checkpoint 98 and no checkpoint 99"),
    ],
)
def test_what_cannot_be_compared_is_told(api: Api, asked: dict[str, int], message: str) -> None:
    run_id = run_of(api, workflow("a"))
    detail = api.get(f"/runs/{run_id}/checkpoints/diff", 400, **asked)["detail"]
    assert (detail["error"], message in detail["message"]) == ("invalid_request", True)
    api.get(f"/runs/{run_id}/checkpoints/diff", 422, from_sequence=0)


def test_secrets_are_not_compared(api: Api) -> None:
    run_id = run_of(api, workflow("a"), input="token=abc123def")
    assert "abc123def" not in str(api.get(f"/runs/{run_id}/checkpoints/diff", from_sequence=1, to_sequence=2))


def test_a_run_is_drawn_with_where_it_is(api: Api) -> None:
    run_id = run_of(api, workflow("a", "human", "b"))
    drawn = api.get(f"/runs/{run_id}/graph")
    assert (drawn["workflow_kind"], drawn["start"], drawn["current"], drawn["visited"]) == (
        "sequential",
        "a",
        "human",
        ["a"],
    )
    assert [(node["id"], node["kind"]) for node in drawn["nodes"]] == [
        ("a", "function"),
        ("human", "human"),
        ("b", "function"),
    ]
    assert [(edge["source"], edge["target"]) for edge in drawn["edges"]] == [("a", "human"), ("human", "b")]


def test_a_graph_that_ended_is_drawn_with_its_way(api: Api) -> None:
    drawn = api.get(f"/runs/{run_of(api, graph(label='ok'))}/graph")
    assert (drawn["workflow_kind"], drawn["visited"], drawn["current"]) == ("graph", ["a", "b"], "b")
    assert drawn["edges"][0]["label"] == "ok"


def test_an_agent_alone_has_nothing_to_draw(api: Api) -> None:
    drawn = api.get(f"/runs/{run_of(api, agent())}/graph")
    assert (drawn["workflow_kind"], drawn["nodes"], drawn["current"]) == (None, [], None)


def test_the_policy_report_of_a_run_is_that_of_its_spec_and_on_record(api: Api) -> None:
    spec = workflow("a", "human")
    run_id = run_of(api, spec)
    assert api.get(f"/runs/{run_id}/policy-report") == api.post("/specs/policy-report", {"spec": spec})
    event = AuditEvent.objects.get(event_type="spec.policy_reported", run_id=run_id)
    assert (event.actor, event.metadata) == ("anonymous", {"valid": True, "source": "run"})


def test_a_policy_report_shows_where_a_tool_sends_requests_and_not_the_key_in_the_address(api: Api) -> None:
    tool = {"description": "d", "http": {"url": "https://example.org/?api_key=hunter2"}}
    spec = workflow("a") | {"tools": {"ask": tool}}
    run_id = run_of(api, spec)
    for answer in (api.get(f"/runs/{run_id}/policy-report"), api.post("/specs/policy-report", {"spec": spec})):
        (request,) = answer["report"]["tools"]["http_requests"]
        assert request["url"] == "https://example.org/?api_key=[REDACTED]"
