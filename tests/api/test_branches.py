"""GET /v1/runs/{run_id}/branches, and what becomes of branches elsewhere."""

import copy
import uuid
from typing import Any

import pytest

from tests.api.conftest import Api

MAP: dict[str, Any] = {
    "version": "v1",
    "agent": {"name": "root"},
    "workflow": {"type": "map", "name": "each", "step": {"id": "item", "kind": "function", "ref": "a"}},
    "components": {"functions": {"a": {"implementation": "tests.functions.append_a"}}},
}


@pytest.fixture
def run(api: Api) -> dict[str, Any]:
    """A run of three branches."""
    return api.run(MAP, input='["x", "y", "z"]')


def test_a_run_lists_its_branches_in_order(api: Api, run: dict[str, Any]) -> None:
    assert run["output_text"] == '["x>a", "y>a", "z>a"]'

    listed = api.get(f"/runs/{run['run_id']}/branches", limit=2)

    assert (listed["run_id"], listed["total"]) == (run["run_id"], 3)
    told = [(each["branch_of"], each["branch_index"], each["output_text"]) for each in listed["branches"]]
    assert told == [(run["run_id"], 0, "x>a"), (run["run_id"], 1, "y>a")]


def test_branches_are_walked_by_cursors(api: Api, run: dict[str, Any]) -> None:
    path = f"/runs/{run['run_id']}/branches"
    first = api.get(path, limit=2)
    second = api.get(path, limit=2, cursor=first["next_cursor"])
    assert [each["branch_index"] for each in first["branches"] + second["branches"]] == [0, 1, 2]
    assert second["next_cursor"] is None


def test_branches_can_be_chosen_by_their_status(api: Api, run: dict[str, Any]) -> None:
    path = f"/runs/{run['run_id']}/branches"
    assert api.get(path, status="completed")["total"] == 3
    assert api.get(path, status="failed")["branches"] == []


def test_lists_of_runs_leave_branches_out(api: Api, run: dict[str, Any]) -> None:
    listed = api.get("/runs")["runs"]
    assert [(each["run_id"], each["branch_of"]) for each in listed] == [(run["run_id"], None)]


def test_a_branch_is_a_run_with_a_record_of_its_own(api: Api, run: dict[str, Any]) -> None:
    branch = api.get(f"/runs/{run['run_id']}/branches")["branches"][1]["run_id"]

    assert api.get(f"/runs/{branch}")["input_text"] == "y"
    types = [each["type"] for each in api.get(f"/runs/{branch}/checkpoints")["checkpoints"]]
    assert types == ["run_started", "step_completed", "run_completed"]


def test_a_branch_cannot_be_cancelled_apart_from_its_run(api: Api, run: dict[str, Any]) -> None:
    branch = api.get(f"/runs/{run['run_id']}/branches")["branches"][0]["run_id"]
    for action in ("cancel", "continue", "fork"):
        refused = api.post(f"/runs/{branch}/{action}", {} if action == "fork" else None, 409)["detail"]
        assert (refused["error"], refused["branch_of"]) == ("run_state_conflict", run["run_id"])


def test_an_unknown_run_has_no_branches(api: Api) -> None:
    assert api.get(f"/runs/{uuid.uuid4()}/branches", 404)["detail"]["error"] == "not_found"


def test_the_questions_of_branches_are_found_by_their_run(api: Api) -> None:
    spec = copy.deepcopy(MAP)
    spec["workflow"]["step"] = {"id": "ok", "kind": "human", "ref": "boss"}
    spec["components"]["humans"] = {"boss": {"description": "All right?"}}
    run = api.post("/runs", {"input": '["x", "y"]', "spec": spec, "async_mode": True}, 202)

    tasks = api.get("/human-tasks", run_id=run["run_id"])["tasks"]

    assert sorted(task["current_input"] for task in tasks) == ["x", "y"]
    branches = api.get(f"/runs/{run['run_id']}/branches")["branches"]
    assert {task["run_id"] for task in tasks} == {branch["run_id"] for branch in branches}
    for task in tasks:
        answer = {"request_id": task["pending_human_request"]["id"], "decision": "approved"}
        api.post(f"/human-tasks/{task['id']}/resume", answer)
    assert api.get(f"/runs/{run['run_id']}")["output_text"] == '["x", "y"]'
