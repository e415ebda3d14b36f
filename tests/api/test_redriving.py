"""POST /v1/runs/{run_id}/continue and /fork."""

import asyncio
import uuid
from typing import Any

import pytest
from kneo_client import KneoClient
from kneo_client.core import Profile
from pytest_django.live_server_helper import LiveServer

from kneo_project.audit.models import AuditEvent
from runs.models import Checkpoint, Run
from tests.api.conftest import Api
from tests.api.specs import agent, workflow
from tests.functions import UNREACHABLE


@pytest.fixture(autouse=True)
def reachable() -> None:
    """Let everything be reached."""
    UNREACHABLE.clear()


def failed(api: Api) -> str:
    """Return the id of a run whose second step failed, for a reason that has passed."""
    UNREACHABLE.add("shaky")
    run_id: str = api.run(workflow("a", "shaky", "c"), 500)["detail"]["run_id"]
    UNREACHABLE.clear()
    return run_id


def test_a_failed_run_is_gone_on_with_and_answers_like_a_new_one(api: Api) -> None:
    run_id = failed(api)

    answer = api.post(f"/runs/{run_id}/continue")

    assert (answer["run_id"], answer["status"], answer["output_text"]) == (run_id, "completed", "hi>a>shaky>c")
    assert answer["metadata"]["workflow"]["visited_steps"] == ["a", "shaky", "c"]
    shown = api.get(f"/runs/{run_id}")
    assert (shown["error"], shown["status"]) == (None, "completed")
    types = [row["type"] for row in api.get(f"/runs/{run_id}/checkpoints")["checkpoints"]]
    assert types == [
        "run_started",
        "step_completed",
        "step_failed",
        "run_failed",
        "replay_context",
        "step_completed",
        "step_completed",
        "run_completed",
    ]


def test_a_run_that_fails_again_says_so(api: Api) -> None:
    run_id = failed(api)
    UNREACHABLE.add("shaky")
    detail = api.post(f"/runs/{run_id}/continue", None, 500)["detail"]
    assert (detail["run_id"], detail["error_type"]) == (run_id, "ConnectionResetError")


def test_one_key_goes_on_once(api: Api) -> None:
    run_id = failed(api)
    first = api.post(f"/runs/{run_id}/continue", None, 200, "k")
    assert api.post(f"/runs/{run_id}/continue", None, 200, "k") == first
    assert api.post(f"/runs/{run_id}/continue", None, 409, "other")["detail"]["error"] == "run_state_conflict"
    assert Checkpoint.objects.filter(type="replay_context").count() == 1


@pytest.mark.parametrize("path", ["continue", "fork"])
def test_an_unknown_run_is_not_found(api: Api, path: str) -> None:
    assert api.post(f"/runs/{uuid.uuid4()}/{path}", {}, 404)["detail"]["error"] == "not_found"


@pytest.mark.parametrize("spec", [workflow("a"), workflow("human"), agent()])
def test_what_has_not_failed_is_left_alone(api: Api, spec: dict[str, Any]) -> None:
    run = api.run(spec)
    detail = api.post(f"/runs/{run['run_id']}/continue", None, 409)["detail"]
    assert (detail["error"], detail["status"]) == ("run_state_conflict", run["status"])


def test_the_published_client_goes_on_with_a_run(engine: None, live_server: LiveServer) -> None:
    run_id = failed(Api())

    async def scene() -> str:
        async with KneoClient(Profile(name="test", url=live_server.url, api_key="unused")) as client:
            return str((await client.platform.runs.continue_(run_id)).status)

    assert asyncio.run(scene()) == "completed"


def test_a_fork_goes_another_way_from_a_checkpoint(api: Api) -> None:
    run_id = api.run(workflow("a", "b", "c"))["run_id"]

    fork = api.post(f"/runs/{run_id}/fork", {"checkpoint": 3, "input": "other", "metadata": {"why": "a try"}})

    assert (fork["status"], fork["output_text"]) == ("completed", "other>c")
    shown = api.get(f"/runs/{fork['run_id']}")
    assert shown["metadata"]["forked_from"] == {"run_id": run_id, "checkpoint": 3}
    assert shown["metadata"]["caller_metadata"] == {"why": "a try"}
    listed = {item["id"]: item["parent_run_id"] for item in api.get("/runs")["runs"]}
    assert listed == {run_id: None, fork["run_id"]: run_id}
    event = AuditEvent.objects.get(event_type="run.forked")
    assert (str(event.run_id), event.metadata["parent_run_id"]) == (fork["run_id"], run_id)


def test_a_fork_may_have_a_newer_spec(api: Api) -> None:
    run_id = failed(api)
    newer = workflow("a", "b", "c")
    refused = api.post(f"/runs/{run_id}/fork", {"spec": newer}, 409)["detail"]
    assert refused["error"] == "fork_not_possible"
    mended = workflow("a", "shaky", "c")
    mended["components"]["functions"]["shaky"] = {"implementation": "tests.functions.append_b"}
    assert api.post(f"/runs/{run_id}/fork", {"spec": mended})["output_text"] == "hi>a>b>c"


def test_a_fork_answers_at_once_when_asked_to_and_only_once_under_a_key(api: Api) -> None:
    run_id = api.run(workflow("a", "b"))["run_id"]
    body = {"checkpoint": 2, "async_mode": True}
    first = api.post(f"/runs/{run_id}/fork", body, 202, "k")
    assert api.post(f"/runs/{run_id}/fork", body, 202, "k") == first
    assert Run.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [({"checkpoint": 0}, 422), ({"checkpoint": "2"}, 422), ({"step": 2}, 422), ({"overrides": {"a": 1}}, 400)],
)
def test_an_unclear_fork_is_refused(api: Api, body: dict[str, Any], status: int) -> None:
    run_id = api.run(workflow("a"))["run_id"]
    api.post(f"/runs/{run_id}/fork", body, status)
    assert Run.objects.count() == 1


def test_a_signal_is_told_over_http(api: Api) -> None:
    spec = workflow("a", "b")
    spec["workflow"]["steps"].insert(1, {"id": "paid", "kind": "signal", "ref": "payment"})
    schema = {"type": "object", "required": ["amount"]}
    spec["components"]["signals"] = {"payment": {"payload_schema": schema}}
    run_id = api.run(spec, 202, async_mode=True)["run_id"]
    path = f"/runs/{run_id}/signals"

    assert api.post(f"{path}/payment", {"payload": {}}, 422)["detail"]["error"] == "invalid_signal"
    assert api.post(f"{path}/ghost", {}, 404)["detail"]["error"] == "not_found"
    told = api.post(f"{path}/payment", {"payload": {"amount": 5}}, 202, "k")
    assert (told["run_id"], told["name"]) == (run_id, "payment")
    assert api.get(f"/runs/{run_id}")["output_text"] == '{"amount": 5}>b'
    assert api.post(f"{path}/payment", {"payload": {"amount": 5}}, 409, "other")["detail"]["status"] == "completed"
