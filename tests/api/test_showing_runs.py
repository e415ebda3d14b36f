"""GET /v1/runs/{run_id} and POST /v1/runs/{run_id}/cancel."""

import uuid
from pathlib import Path

import pytest
from django.test import override_settings

from kneo_project.audit.models import AuditEvent
from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from tests.api.conftest import Api
from tests.api.specs import agent, workflow
from tests.factories import CheckpointFactory, RunFactory
from tests.stubs.chat_server import ChatServer, completion

STATUS_KEYS = {
    "run_id",
    "status",
    "agent_name",
    "workflow_name",
    "workflow_kind",
    "session_id",
    "input_text",
    "output_text",
    "current_step_index",
    "current_node_id",
    "visited_steps",
    "visited_nodes",
    "pending_human_request",
    "continuation_id",
    "trace_event_count",
    "usage",
    "metadata",
    "error",
}
SUBROUTES = ["", "/checkpoints", "/trace"]


def test_a_run_shows_every_documented_key(api: Api) -> None:
    run_id = api.run(workflow("a"))["run_id"]
    run = api.get(f"/runs/{run_id}")
    assert run.keys() >= STATUS_KEYS
    assert (run["run_id"], run["output_text"], run["visited_steps"]) == (run_id, "hi>a", ["a"])
    assert (run["usage"], run["error"], run["continuation_id"]) == (None, None, None)
    assert run["completed_at"].endswith("+00:00")


def test_the_metadata_tell_what_was_asked_for_and_what_came_of_it(api: Api) -> None:
    spec = workflow("a", "b")
    metadata = api.get(f"/runs/{api.run(spec)['run_id']}")["metadata"]
    assert metadata["spec"] == metadata["frozen_spec"]["base"] == spec
    assert metadata["step_iteration_counts"] == {"a|": 1, "b|": 1}
    assert metadata["execution_context"]["last_input_text"] == "hi>a"
    assert metadata["workflow_steps"] == ["a", "b"]
    assert metadata["duration_ms"] > 0


def test_a_run_from_a_file_shows_the_spec_as_it_was_then(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("version: v1\nagent: {name: filed, system_prompt: x, model: {provider: dummy, name: dummy}}\n")
    with override_settings(SPEC_ROOT=tmp_path.resolve()):
        run_id = api.post("/runs", {"input": "hi", "spec_path": str(path)})["run_id"]
    path.unlink()
    metadata = api.get(f"/runs/{run_id}")["metadata"]
    assert (metadata["spec_path"], metadata["spec"]) == (str(path), None)
    assert metadata["frozen_spec"]["base"]["agent"]["name"] == "filed"


def test_a_blocked_run_shows_the_question(api: Api) -> None:
    answer = api.run(workflow("a", "human", "b"))
    run = api.get(f"/runs/{answer['run_id']}")
    assert (run["status"], run["output_text"]) == ("blocked", "Human intervention required.")
    assert run["pending_human_request"] == run["metadata"]["request"] == answer["metadata"]["request"]
    assert (run["current_step_index"], run["current_step_id"], run["visited_steps"]) == (1, "a", ["a"])
    assert run["metadata"]["workflow"] == {"name": "flow", "visited_steps": ["a"], "pending_step_id": "human"}


def test_a_failed_run_shows_the_error_and_its_last_output(api: Api) -> None:
    run_id = api.run(workflow("a", "boom"), 500)["detail"]["run_id"]
    run = api.get(f"/runs/{run_id}")
    assert (run["status"], run["output_text"], run["visited_steps"]) == ("failed", "hi>a", ["a"])
    assert run["metadata"]["execution_context"]["last_event_type"] == "step_failed"
    assert run["current_step_id"] == "boom"


def test_a_running_run_shows_its_latest_output(api: Api) -> None:
    run = RunFactory.create(status=Status.RUNNING, output_text=None)
    CheckpointFactory.create(run=run)
    CheckpointFactory.create(run=run, output_text="latest")
    assert api.get(f"/runs/{run.pk}")["output_text"] == "latest"


def test_usage_is_shown_when_it_was_reported(api: Api) -> None:
    run = RunFactory.create(input_tokens=3, output_tokens=2, total_tokens=5)
    shown = api.get(f"/runs/{run.pk}")
    assert shown["usage"] == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5} == shown["metadata"]["usage"]


def test_the_cost_is_shown_where_there_is_a_price(api: Api) -> None:
    priced, free = RunFactory.create(cost_nanos=1_250_000), RunFactory.create(cost_nanos=0)
    assert api.get(f"/runs/{priced.pk}")["cost"] == {"amount": 0.00125, "currency": "USD"}
    assert api.get(f"/runs/{free.pk}")["cost"] is None


def test_secrets_are_redacted_and_the_session_is_a_label(api: Api) -> None:
    secrets = {"password": "hunter2", "note": "write to ann@example.org"}
    run_id = api.run(agent(), input="token=abc123def", session_id="s-1", metadata=secrets)["run_id"]
    run = api.get(f"/runs/{run_id}")
    assert run["metadata"]["caller_metadata"] == {"password": "[REDACTED]", "note": "write to [REDACTED_EMAIL]"}
    assert "abc123def" not in str(run)
    assert run["session_id"] == "s-1"


@pytest.mark.parametrize("route", SUBROUTES)
@pytest.mark.parametrize("run_id", [str(uuid.UUID(int=7)), "x", "{00000000-0000-0000-0000-000000000000}", "0" * 32])
def test_an_unknown_run_is_not_found(api: Api, run_id: str, route: str) -> None:
    assert api.get(f"/runs/{run_id}{route}", 404)["detail"]["error"] == "not_found"


@pytest.mark.parametrize("route", SUBROUTES)
def test_an_unknown_parameter_wins_over_an_unknown_run(api: Api, route: str) -> None:
    assert api.get(f"/runs/x{route}", 422, colour="red")["detail"]["error"] == "unknown_query_parameters"


def test_cancelling_ends_a_queued_run(api: Api) -> None:
    run = RunFactory.create(status=Status.CREATED, output_text=None)
    cancelled = api.post(f"/runs/{run.pk}/cancel")
    assert cancelled.keys() >= STATUS_KEYS
    assert cancelled["status"] == "cancelled"
    assert cancelled["error"] == {"message": "Run cancellation requested.", "type": "cancelled"}
    assert AuditEvent.objects.get().event_type == "run.cancelled"


def test_cancelling_a_blocked_run_closes_its_task(api: Api) -> None:
    answer = api.run(workflow("human"))
    cancelled = api.post(f"/runs/{answer['run_id']}/cancel")
    assert (cancelled["status"], cancelled["continuation_id"]) == ("cancelled", None)
    assert api.get("/human-tasks")["total"] == 0
    api.get(f"/human-tasks/{answer['continuation_id']}", 404)


def test_cancelling_what_has_ended_changes_nothing_and_is_not_on_record(api: Api) -> None:
    run_id = api.run(workflow("a"))["run_id"]
    before = api.get(f"/runs/{run_id}")
    assert api.post(f"/runs/{run_id}/cancel") == before
    assert not AuditEvent.objects.filter(event_type="run.cancelled").exists()


def test_cancelling_ignores_a_body_however_broken(api: Api) -> None:
    run = RunFactory.create()
    response = api.client.post(f"/v1/runs/{run.pk}/cancel", b"{", "application/json")
    assert response.status_code == 200


def test_cancelling_an_unknown_run_is_not_found(api: Api) -> None:
    assert api.post("/runs/x/cancel", status=404)["detail"]["error"] == "not_found"


def test_steps_that_ran_twice_count_twice(api: Api) -> None:
    run = RunFactory.create()
    for iteration in (1, 2):
        CheckpointFactory.create(run=run, type=RecordType.STEP_COMPLETED, step_id="a", iteration=iteration)
    shown = api.get(f"/runs/{run.pk}")
    assert shown["visited_steps"] == ["a", "a"]
    assert shown["metadata"]["step_iteration_counts"] == {"a|": 2}


def test_a_key_that_a_model_repeats_is_masked_in_everything_that_is_shown(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "orchid-lantern-42-harbour"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    with ChatServer(lambda _: completion(f"my key is {secret}")) as chat:
        spec = workflow("agent", "a")
        extra = {"base_url": chat.base_url, "api_key_ref": "OPENAI_API_KEY"}
        spec["components"]["agents"]["writer"] = {
            "name": "writer",
            "model": {"provider": "openai", "name": "small", "extra": extra},
            "runtime_preferences": {"preferred_mode": "native", "native_provider": "openai"},
        }
        answer = api.run(spec)
    shown = [answer, *(api.get(f"/runs/{answer['run_id']}{view}") for view in ("", "/trace", "/checkpoints"))]
    assert chat.requests[0].authorization == f"Bearer {secret}"
    assert answer["output_text"] == "my key is [REDACTED]>a"
    assert secret not in str(shown)
