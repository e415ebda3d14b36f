"""POST /v1/runs."""

import secrets
from typing import Any

import pytest
from django.test import override_settings

from kneo_project.audit.models import AuditEvent
from kneo_project.prices import read_prices
from runs.models import Run
from tests.api.conftest import Api
from tests.api.specs import agent, workflow
from tests.integration.test_agents import served
from tests.settings import DATABASE
from tests.stubs.chat_server import Answer, ChatServer, failure

ANSWER_KEYS = {"run_id", "status", "output_text", "human_intervention_required", "continuation_id", "metadata"}


def test_a_synchronous_run_answers_with_its_outcome(api: Api) -> None:
    answer = api.run(workflow("a", "b"))
    assert answer.keys() == ANSWER_KEYS
    assert (answer["status"], answer["output_text"]) == ("completed", "hi>a>b")
    path = ["a", "b"]
    assert answer["metadata"]["workflow"] == {"name": "flow", "type": "sequential", "visited_steps": path}


def test_a_run_of_the_agent_tells_which_runtime_served_it(api: Api) -> None:
    answer = api.run(agent())
    assert answer["output_text"] == "Final answer: hi"
    assert answer["metadata"]["runtime_name"] == "simple@dummy"


def test_the_target_agent_leaves_the_workflow_alone(api: Api) -> None:
    answer = api.run(workflow("a"), target="agent")
    assert answer["output_text"] == "Final answer: hi"
    assert api.get(f"/runs/{answer['run_id']}")["workflow_kind"] == "agent"


def test_a_run_that_asks_a_person_answers_blocked_with_the_question(api: Api) -> None:
    answer = api.run(workflow("a", "human"))
    assert (answer["status"], answer["output_text"]) == ("blocked", "Human intervention required.")
    assert answer["human_intervention_required"] is True
    assert answer["metadata"]["continuation_id"] == answer["continuation_id"]
    assert answer["metadata"]["pending_step_id"] == "human"
    assert answer["metadata"]["request"]["title"] == "Check it"


def test_an_asynchronous_run_answers_running_whatever_happened_since(api: Api) -> None:
    answer = api.run(workflow("a"), 202, async_mode=True, metadata={"ticket": "T1"})
    assert answer.keys() == ANSWER_KEYS
    assert (answer["status"], answer["output_text"]) == ("running", None)
    assert answer["metadata"]["caller_metadata"] == {"ticket": "T1"}
    assert answer["metadata"]["frozen_spec"]["base"] == workflow("a")
    assert api.get(f"/runs/{answer['run_id']}")["status"] == "completed"


def test_a_failed_run_is_an_internal_error_that_names_the_run(api: Api) -> None:
    detail = api.run(workflow("a", "boom"), 500)["detail"]
    run = api.get(f"/runs/{detail['run_id']}")
    assert (detail["error"], detail["error_type"]) == ("internal_error", "RuntimeError")
    assert "boom" not in detail["message"]
    assert run["error"] == {"message": "boom hi>a", "type": "RuntimeError"}


def test_a_run_past_its_deadline_is_an_internal_error_that_names_the_run(api: Api) -> None:
    detail = api.run(workflow("nap"), 500, timeout_seconds=1)["detail"]
    assert (detail["error"], detail["error_type"]) == ("internal_error", "run_timed_out")


def test_a_spent_token_budget_is_a_bad_request_that_names_the_run(api: Api) -> None:
    detail = api.run(workflow("spender"), 400)["detail"]
    assert detail["error"] == "token_budget_exceeded"
    assert Run.objects.filter(pk=detail["run_id"], status="failed").exists()


def test_a_blocked_guardrail_is_unprocessable_and_names_the_run(api: Api) -> None:
    detail = api.run(workflow("guarded"), 422)["detail"]
    assert (detail["error"], detail["violation_type"]) == ("guardrail_violation", "GuardrailViolation")
    assert Run.objects.filter(pk=detail["run_id"], status="failed").exists()


def test_a_run_that_outlasts_the_waiting_answers_accepted(api: Api, broken_bell: None) -> None:
    with override_settings(SYNC_WAIT_SECONDS=0.01):
        answer = api.run(workflow("a"), 202)
    assert (answer["status"], answer["output_text"]) == ("running", None)


def test_a_broker_that_is_down_does_not_fail_the_request(api: Api, broken_bell: None) -> None:
    answer = api.run(workflow("a"), 202, async_mode=True)
    run = api.get(f"/runs/{answer['run_id']}")
    assert (run["status"], run["queued"]) == ("running", True)


def test_a_full_queue_refuses_and_leaves_no_run(api: Api, broken_bell: None) -> None:
    with override_settings(MAX_QUEUE_DEPTH=1):
        api.run(workflow("a"), 202, async_mode=True)
        detail = api.run(workflow("a"), 503, async_mode=True)["detail"]
    assert (detail["error"], detail["queue_depth"], detail["limit"]) == ("queue_full", 1, 1)
    assert Run.objects.count() == 1


def test_every_field_of_the_order_reaches_the_run(api: Api) -> None:
    order = {
        "environment": "stage",
        "overrides": {"agent": {"name": "other"}},
        "session_id": "s-1",
        "metadata": {"ticket": "T1"},
        "timeout_seconds": 60,
        "token_budget": 1000,
        "cost_budget": 0.25,
    }
    run = api.get(f"/runs/{api.run(agent(), **order)['run_id']}")
    assert (run["session_id"], run["agent_name"], run["timeout_seconds"]) == ("s-1", "other", 60)
    assert run["metadata"]["environment"] == "stage"
    assert run["metadata"]["overrides"] == {"agent": {"name": "other"}}
    assert run["metadata"]["caller_metadata"] == {"ticket": "T1"}
    assert run["deadline_at"] is not None
    stored = Run.objects.get(pk=run["run_id"])
    assert (stored.token_budget, stored.cost_budget_nanos, stored.ordered_by) == (1000, 250_000_000, "anonymous")


def test_creation_is_on_record_with_the_name_of_the_caller(api: Api) -> None:
    answer = api.run(agent())
    event = AuditEvent.objects.get(event_type="run.created")
    assert (str(event.run_id), event.actor) == (answer["run_id"], "anonymous")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"input": None}, ("string_type", "body.input")),
        ({"input": 3}, ("string_type", "body.input")),
        ({"target": "node"}, ("enum", "body.target")),
        ({"spec": []}, ("dict_type", "body.spec")),
        ({"spec_path": "../x.yaml"}, ("value_error", "body.spec_path")),
        ({"overlays": ["~/x"]}, ("value_error", "body.overlays.0")),
        ({"overlays": ["x"] * 101}, ("too_long", "body.overlays")),
        ({"overrides": None}, ("dict_type", "body.overrides")),
        ({"async_mode": "perhaps"}, ("bool_parsing", "body.async_mode")),
        ({"timeout_seconds": 0}, ("greater_than_equal", "body.timeout_seconds")),
        ({"timeout_seconds": 2**31}, ("less_than_equal", "body.timeout_seconds")),
        ({"timeout_seconds": True}, ("int_type", "body.timeout_seconds")),
        ({"cost_budget": 0}, ("greater_than_equal", "body.cost_budget")),
        ({"cost_budget": "1"}, ("float_type", "body.cost_budget")),
        ({"cost_budget": True}, ("float_type", "body.cost_budget")),
        ({"timeout_seconds": 1.5}, ("int_type", "body.timeout_seconds")),
        ({"skills": {"add": "x"}}, ("list_type", "body.skills.add")),
        ({"skills": {"x": []}}, ("extra_forbidden", "body.skills.x")),
        ({"colour": "red"}, ("extra_forbidden", "body.colour")),
        ({"input": "x" * 20_001}, ("string_too_long", "body.input")),
        ({"session_id": "x" * 4_097}, ("string_too_long", "body.session_id")),
        ({"metadata": {"x": "x" * 32_768}}, ("value_error", "body.metadata")),
    ],
)
def test_a_field_that_does_not_fit_is_named(api: Api, change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert api.errors_of({"input": "hi", "spec": agent(), **change}, 422) == [expected]
    assert not Run.objects.exists()


def test_the_input_is_required(api: Api) -> None:
    assert api.errors_of({"spec": agent()}, 422) == [("missing", "body.input")]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"spec": None}, 400, "invalid_request"),
        ({"spec": None, "spec_path": "missing.yaml"}, 400, "invalid_request"),
        ({"spec": None, "spec_path": "/etc/passwd"}, 422, "spec_path_confined"),
        ({"spec": {"version": "v1"}}, 400, "spec_invalid"),
        ({"skills": {"add": ["unheard-of"]}}, 400, "invalid_request"),
        ({"skills": {"add": ["x"]}, "spec": {**agent(), "skills": 5}}, 400, "spec_invalid"),
    ],
)
def test_an_order_that_cannot_run_leaves_no_run(api: Api, change: dict[str, Any], status: int, code: str) -> None:
    detail = api.post("/runs", {"input": "hi", "spec": agent(), **change}, status)["detail"]
    assert detail["error"] == code
    assert not Run.objects.exists()


@pytest.mark.parametrize("async_mode", [False, True])
def test_an_invalid_spec_is_refused_before_anything_is_promised(api: Api, async_mode: bool) -> None:
    detail = api.run({"version": "v1"}, 400, async_mode=async_mode)["detail"]
    assert {"code", "severity", "message", "path"} <= detail["diagnostics"][0].keys()


def test_an_empty_skills_overlay_is_no_overlay(api: Api) -> None:
    assert api.run(agent(), skills={"add": [], "disable": []})["status"] == "completed"


def test_the_list_parameters_are_unknown_to_an_order(api: Api) -> None:
    detail = api.post("/runs?limit=1", {"input": "hi", "spec": agent()}, 422)["detail"]
    assert (detail["error"], detail["unknown"]) == ("unknown_query_parameters", ["limit"])


def test_the_bare_path_is_the_same_route(api: Api) -> None:
    response = api.client.post("/runs", {"input": "hi", "spec": agent()}, "application/json")
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("answers", "status", "code", "kind"),
    [
        ([failure(400, "no such model")], 502, "provider_error", "ProviderError"),
        ([Answer(after_seconds=None)], 504, "provider_timeout", "ProviderTimeout"),
    ],
)
def test_a_run_that_fails_at_its_model_says_so_and_is_not_run_again_for_the_same_key(
    api: Api, answers: list[Answer], status: int, code: str, kind: str
) -> None:
    with ChatServer() as chat, override_settings(PROVIDER_RETRIES=0, PROVIDER_TIMEOUT_SECONDS=0.3):
        chat.queue(*answers)
        spec = agent()
        spec["agent"] = {
            "name": "root",
            "model": {"provider": "openai", "name": "small", "extra": {"base_url": chat.base_url}},
            "runtime_preferences": {"preferred_mode": "native", "native_provider": "openai"},
        }
        order = {"input": "hi", "spec": spec}
        details = [api.post("/runs", order, status, key="once")["detail"] for _ in range(2)]
    assert [(detail["error"], detail["error_type"]) for detail in details] == [(code, kind)] * 2
    assert details[0]["run_id"] == details[1]["run_id"] == str(Run.objects.get().pk)
    assert len(chat.requests) == 1


def test_a_run_that_spent_its_money_says_so(api: Api) -> None:
    with ChatServer() as chat, override_settings(MODEL_PRICES=read_prices(["small=1/2"])):
        spec = workflow("agent", "agent-2")
        spec["components"]["agents"]["writer"] = served(chat)
        detail = api.run(spec, 400, cost_budget=0.000001)["detail"]
    assert (detail["error"], len(chat.requests)) == ("cost_budget_exceeded", 1)


@pytest.mark.skipif(DATABASE != "postgres", reason="only its indexes have no room for just any text")
def test_a_session_that_the_database_has_no_room_for_is_refused_for_good(api: Api) -> None:
    refused = api.run(workflow("a"), 400, session_id=secrets.token_hex(2_048))
    assert refused["detail"]["error"] == "invalid_request"
    assert not Run.objects.exists()
