"""GET /v1/human-tasks, GET /v1/human-tasks/{continuation_id} and POST …/resume."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from humantasks.models import HumanTask
from kneo_project.audit.models import AuditEvent
from runs.models import Checkpoint, Run
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.factories import EPOCH, CheckpointFactory, HumanTaskFactory

ITEM_KEYS = {
    "id",
    "run_id",
    "workflow_name",
    "workflow_kind",
    "current_step_index",
    "current_node_id",
    "current_input",
    "visited_steps",
    "visited_nodes",
    "messages",
    "variables",
    "pending_human_request_id",
    "pending_human_request",
    "expires_at",
    "trace_events",
    "metadata",
}
PENDING = uuid.UUID(int=1)
ESCALATED = uuid.UUID(int=2)
ENDLESS = uuid.UUID(int=3)


class Question:
    """A run that waits for a person."""

    def __init__(self, api: Api, *steps: str, **human: Any) -> None:
        self.api = api
        self.answer = api.run(workflow(*(steps or ("a", "human", "b")), **human))
        self.path = f"/human-tasks/{self.answer['continuation_id']}"
        self.run_path = f"/runs/{self.answer['run_id']}"
        self.request = self.answer["metadata"]["request"]

    def decide(self, decision: str, code: int = 200, /, key: str | None = None, **more: object) -> dict[str, Any]:
        """Answer the question."""
        body = {"request_id": self.request["id"], "decision": decision, **more}
        return self.api.post(f"{self.path}/resume", body, code, key)

    def expire(self) -> None:
        """Let the deadline pass."""
        past = timezone.now() - timedelta(seconds=1)
        HumanTask.objects.filter(pk=self.answer["continuation_id"]).update(expires_at=past)


@pytest.fixture
def cast(api: Api) -> Api:
    """Three open tasks: one with a deadline, one escalated, one with all the time in the world; and one answered."""
    HumanTaskFactory.create(id=PENDING, expires_at=EPOCH + timedelta(hours=2), shape="graph")
    HumanTaskFactory.create(id=ESCALATED, expires_at=EPOCH + timedelta(hours=1), escalated_at=EPOCH)
    HumanTaskFactory.create(id=ENDLESS)
    HumanTaskFactory.create(status="answered")
    return api


def test_an_item_has_every_documented_key(api: Api) -> None:
    question = Question(api)
    (item,) = api.get("/human-tasks")["tasks"]
    assert item.keys() >= ITEM_KEYS
    assert (item["id"], item["run_id"]) == (question.answer["continuation_id"], question.answer["run_id"])
    assert (item["workflow_kind"], item["current_step_index"], item["current_input"]) == ("sequential", 1, "hi>a")
    assert (item["visited_steps"], item["metadata"]) == (["a"], {"step_id": "human"})
    assert item["pending_human_request"] == question.request


def test_an_item_tells_what_was_said_and_done_before(api: Api) -> None:
    Question(api)
    (item,) = api.get("/human-tasks")["tasks"]
    assert [(each["role"], each["content"], each["name"]) for each in item["messages"]] == [
        ("user", "hi", None),
        ("assistant", "hi>a", "a"),
    ]
    assert [event["type"] for event in item["trace_events"]] == ["workflow_started", "human_intervention_requested"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [PENDING, ESCALATED, ENDLESS]),
        ({"status": "pending"}, [PENDING, ENDLESS]),
        ({"status": "escalated"}, [ESCALATED]),
        ({"workflow_kind": "graph"}, [PENDING]),
        ({"workflow_kind": ""}, []),
        ({"run_id": ""}, [PENDING, ESCALATED, ENDLESS]),
        ({"run_id": "x"}, []),
        ({"run_id": str(uuid.UUID(int=7))}, []),
        ({"sort_order": "desc"}, [ENDLESS, ESCALATED, PENDING]),
        ({"sort_by": "expires_at"}, [ESCALATED, PENDING, ENDLESS]),
        ({"sort_by": "expires_at", "sort_order": "desc"}, [PENDING, ESCALATED, ENDLESS]),
        ({"sort_by": "created_at", "sort_order": "desc"}, [ENDLESS, ESCALATED, PENDING]),
        ({"limit": 1, "offset": 1}, [ESCALATED]),
    ],
)
def test_tasks_are_filtered_sorted_and_cut(cast: Api, query: dict[str, object], expected: list[uuid.UUID]) -> None:
    assert [task["id"] for task in cast.get("/human-tasks", **query)["tasks"]] == [str(each) for each in expected]


def test_the_tasks_of_one_run_can_be_asked_for(cast: Api) -> None:
    run_id = HumanTask.objects.get(pk=PENDING).run_id
    assert cast.get("/human-tasks", run_id=run_id)["total"] == 1


def test_an_unknown_status_is_refused(api: Api) -> None:
    (problem,) = api.get("/human-tasks", 422, status="")["detail"]
    assert (problem["type"], problem["loc"]) == ("enum", ["query", "status"])


def test_a_longer_page_takes_no_more_queries(api: Api) -> None:
    def queries_for(limit: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get("/human-tasks", limit=limit)["count"] == limit
        return len(captured)

    for _ in range(5):
        CheckpointFactory.create(run=HumanTaskFactory.create().run)
    assert queries_for(1) == queries_for(5) <= 5


def test_a_task_shows_the_question_and_the_conversation(api: Api) -> None:
    question = Question(api)
    task = api.get(question.path)
    assert task["continuation_id"] == question.answer["continuation_id"]
    assert task["request"] == question.request
    assert [message["content"] for message in task["messages"]] == ["hi", "hi>a"]


@pytest.mark.parametrize("task_id", ["x", str(uuid.UUID(int=7))])
def test_an_unknown_task_is_not_found(api: Api, task_id: str) -> None:
    body = {"request_id": "x", "decision": "approved"}
    assert api.get(f"/human-tasks/{task_id}", 404)["detail"]["error"] == "not_found"
    assert api.post(f"/human-tasks/{task_id}/resume", body, 404)["detail"]["error"] == "not_found"


def test_an_escalated_question_tells_since_when(api: Api) -> None:
    question = Question(api)
    HumanTask.objects.update(escalated_at=EPOCH)
    request = api.get(question.path)["request"]
    assert request["escalated_at"] == EPOCH.timestamp()
    assert request["original_expires_at"] > request["escalated_at"]


@pytest.mark.parametrize(
    ("decision", "more", "output"),
    [
        ("approved", {"content": "ignored"}, "hi>a>b"),
        ("rejected", {"content": "no"}, "Rejected by human reviewer: no>b"),
        ("edited", {"content": "new"}, "new>b"),
        ("edited", {}, "hi>a>b"),
        ("provided", {"content": "new"}, "new>b"),
        ("selected", {"selected_option": "yes"}, "yes>b"),
    ],
)
def test_the_decision_decides_what_flows_on(api: Api, decision: str, more: dict[str, str], output: str) -> None:
    question = Question(api)
    outcome = question.decide(decision, **more)
    assert outcome.keys() == {"run_id", "status", "output_text", "metadata"}
    assert (outcome["status"], outcome["output_text"]) == ("completed", output)
    assert outcome["metadata"]["resumed_from_continuation_id"] == question.answer["continuation_id"]
    api.get(question.path, 404)


def test_a_run_that_asks_again_names_the_next_task(api: Api) -> None:
    outcome = Question(api, "human", "human-2").decide("approved")
    (task,) = api.get("/human-tasks")["tasks"]
    assert (outcome["status"], outcome["output_text"]) == ("blocked", "Human intervention required.")
    assert outcome["metadata"]["continuation_id"] == task["id"]
    assert outcome["metadata"]["pending_step_id"] == "human-2"


def test_a_decision_is_on_record_with_the_name_of_the_caller(api: Api) -> None:
    Question(api).decide("edited", content="new")
    event = AuditEvent.objects.get(event_type="human.decision")
    assert event.actor == "anonymous"
    assert (event.metadata["decision"], event.metadata["has_content"]) == ("edited", True)


def test_a_final_rejection_is_a_decision_that_worked(api: Api) -> None:
    question = Question(api, on_reject="fail")
    outcome = question.decide("rejected", content="no")
    assert outcome["status"] == "failed"
    assert api.get(question.run_path)["error"]["type"] == "human_rejected"


def test_a_step_that_fails_after_the_answer_is_an_internal_error_that_names_the_run(api: Api) -> None:
    question = Question(api, "human", "boom")
    detail = question.decide("approved", 500)["detail"]
    assert (detail["error"], detail["run_id"]) == ("internal_error", question.answer["run_id"])
    assert api.get(question.run_path)["status"] == "failed"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"decision": "approved"}, ("missing", ["body", "request_id"])),
        ({"request_id": "x"}, ("missing", ["body", "decision"])),
        ({"request_id": "x", "decision": "maybe"}, ("enum", ["body", "decision"])),
        ({"request_id": "x", "decision": "approved", "content": 1}, ("string_type", ["body", "content"])),
        ({"request_id": "x", "decision": "approved", "colour": 1}, ("extra_forbidden", ["body", "colour"])),
        ({"request_id": "x" * 4_097, "decision": "approved"}, ("string_too_long", ["body", "request_id"])),
    ],
)
def test_an_answer_that_does_not_fit_is_named(api: Api, body: dict[str, Any], expected: tuple[str, list[str]]) -> None:
    (problem,) = api.post(f"/human-tasks/{uuid.uuid4()}/resume", body, 422)["detail"]
    assert (problem["type"], problem["loc"]) == expected


def test_a_decision_that_there_is_not_is_refused_with_those_that_there_are(api: Api) -> None:
    body = {"request_id": "x", "decision": "approve"}
    (problem,) = api.post(f"/human-tasks/{uuid.uuid4()}/resume", body, 422)["detail"]
    assert problem["msg"] == "Input should be one of: approved, rejected, edited, selected, provided"


def test_the_answer_to_another_question_is_refused(api: Api) -> None:
    question = Question(api)
    body = {"request_id": str(uuid.uuid4()), "decision": "approved"}
    detail = api.post(f"{question.path}/resume", body, 409)["detail"]
    assert (detail["error"], detail["request_id"]) == ("human_request_mismatch", question.request["id"])
    assert api.get(question.run_path)["status"] == "blocked"


def test_an_option_that_was_not_offered_is_refused(api: Api) -> None:
    question = Question(api, options=["yes", "no"], request_type="selection")
    detail = question.decide("selected", 422, selected_option="perhaps")["detail"]
    assert (detail["error"], detail["options"]) == ("invalid_decision", ["yes", "no"])


@pytest.mark.parametrize("on_timeout", ["fail", "continue"])
def test_a_late_answer_is_refused_even_before_the_sweep(api: Api, on_timeout: str) -> None:
    question = Question(api, on_timeout=on_timeout)
    question.expire()
    detail = question.decide("approved", 409)["detail"]
    assert (detail["error"], detail["continuation_id"]) == ("human_task_expired", question.answer["continuation_id"])
    assert isinstance(detail["expires_at"], float)


def test_a_late_answer_to_an_escalating_task_is_welcome(api: Api) -> None:
    question = Question(api, on_timeout="escalate")
    question.expire()
    assert question.decide("approved")["status"] == "completed"


def test_an_answer_is_taken_once(api: Api) -> None:
    question = Question(api)
    question.decide("approved")
    assert question.decide("rejected", 404)["detail"]["error"] == "not_found"


def test_an_answer_sent_again_under_its_key_is_answered_again_though_the_task_is_gone(api: Api) -> None:
    question = Question(api)
    first, again = (question.decide("approved", key="k") for _ in range(2))
    assert first == again
    assert AuditEvent.objects.filter(event_type="human.decision").count() == 1


def test_another_answer_under_the_same_key_is_a_conflict(api: Api) -> None:
    question = Question(api)
    question.decide("approved", key="k")
    detail = question.decide("rejected", 409, key="k")["detail"]
    assert (detail["error"], detail["scope"]) == ("idempotency_key_conflict", "human:resume")


@pytest.mark.parametrize("key", ["k", None])
def test_of_answers_that_race_one_counts(api: Api, key: str | None) -> None:
    question = Question(api)
    body = {"request_id": question.request["id"], "decision": "approved"}
    headers = {"Idempotency-Key": key} if key else {}

    def send(_: int) -> int:
        try:
            return Client().post(f"/v1{question.path}/resume", body, "application/json", headers=headers).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        codes = sorted(pool.map(send, range(3)))
    assert codes == [200, 200, 200] if key else [200, 404, 404]
    assert Checkpoint.objects.filter(type="human_resume").count() == 1


def test_an_answer_whose_run_outlasts_the_waiting_is_accepted(api: Api, request: pytest.FixtureRequest) -> None:
    question = Question(api)
    request.getfixturevalue("broken_bell")
    with override_settings(SYNC_WAIT_SECONDS=0.01):
        outcome = question.decide("approved", 202)
    assert outcome["status"] == "running"
    assert Run.objects.get(pk=outcome["run_id"]).wake_at is not None


FORM = {
    "type": "object",
    "properties": {"amount": {"type": "number", "maximum": 100}, "note": {"type": "string"}},
    "required": ["amount"],
    "additionalProperties": False,
}


def test_a_form_is_shown_and_its_answer_is_kept(api: Api) -> None:
    question = Question(api, form=FORM)
    assert question.request["form"] == FORM
    listed = api.get("/human-tasks")["tasks"][0]
    assert listed["pending_human_request"]["form"] == FORM

    answer = question.decide("provided", form={"amount": 5, "note": "ok"})

    assert answer["output_text"] == '{"amount": 5, "note": "ok"}>b'
    assert HumanTask.objects.get().filled_form == {"amount": 5, "note": "ok"}
    decision = AuditEvent.objects.get(event_type="human.decision")
    assert decision.metadata["has_form"] is True
    assert "ok" not in str(decision.metadata)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (None, "form"),
        ({}, "form"),
        ({"amount": "hunter2"}, "form.amount"),
        ({"amount": 1e6}, "form.amount"),
        ({"amount": 1, "hunter2": 1}, "form"),
    ],
)
def test_a_form_that_does_not_fit_is_refused_by_its_field(api: Api, form: dict[str, Any] | None, field: str) -> None:
    question = Question(api, form=FORM)

    refused = question.decide("approved", 422, form=form)["detail"]

    assert (refused["error"], refused["field"]) == ("invalid_decision", field)
    assert ("hunter2" in refused["message"]) == ("hunter2" in (form or {}))
    assert question.decide("approved", form={"amount": 1})["status"] == "completed"


def test_a_field_too_long_for_its_variable_is_refused_and_may_be_answered_again(api: Api) -> None:
    question = Question(api, form=FORM, sets={"why": "note"})
    refused = question.decide("approved", 422, form={"amount": 1, "note": "hunter2" * 300})["detail"]
    assert (refused["error"], refused["field"]) == ("invalid_decision", "form")
    assert "hunter2" not in str(refused)
    assert question.decide("approved", form={"amount": 1, "note": "short"})["status"] == "completed"


def test_a_place_that_the_answer_names_is_told_in_short(api: Api) -> None:
    question = Question(api, form={**FORM, "additionalProperties": {"type": "string"}})
    refused = question.decide("approved", 422, form={"amount": 1, "k" * 5_000: 1})["detail"]
    assert refused["field"] == f"form.{'k' * 100}"


def test_whoever_rejects_fills_in_nothing(api: Api) -> None:
    assert Question(api, form=FORM).decide("rejected", content="no")["status"] == "completed"


def test_a_question_without_a_form_takes_none(api: Api) -> None:
    question = Question(api)
    assert "form" not in question.request
    assert question.decide("approved", 422, form={"amount": 1})["detail"]["field"] == "form"
