"""What is told to webhooks: every end and every question, once, if and only if it was committed."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision
from kneo_project.webhooks import outbox
from kneo_project.webhooks.models import WebhookDelivery
from kneo_project.webhooks.outbox import wanted
from runs import deadlines, executor, services
from runs.engine.lifecycle import Status
from runs.models import Run
from tests.integration import questions
from tests.integration.crashing import crashes
from tests.integration.driving import advance, human, spec_of, start, step
from tests.integration.test_approvals import asked
from tests.integration.test_fan_outs import LIST, drive, over
from tests.integration.test_shapes import spec_of as shaped
from tests.integration.webhooks import subscribe, told
from tests.stubs.chat_server import ChatServer

TWO = spec_of(step("a"), step("b"))
BOSS = spec_of(step("a"), human(), humans={"boss": {"assignee": "ceo", "timeout_seconds": 60}})


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Let the process forget who listened to the test before."""
    wanted.forget()


def types() -> list[str]:
    return [event_type for event_type, _ in told()]


def answer(run: Run) -> None:
    task = HumanTask.objects.open().get(run=run)
    yes = Answer(request_id=str(task.request_id), decision=Decision.APPROVED)
    services.resume_run(task.pk, yes, actor="bob")


def test_a_run_that_completes_is_told_of_with_what_listeners_may_know() -> None:
    subscribe()
    run = start(TWO, tags=("t",), session_id="s", metadata={"token": "x"})
    advance(run)
    ((event_type, data),) = told()
    assert event_type == "run.completed"
    assert (data["run_id"], data["status"], data["output_preview"]) == (str(run.pk), "completed", "hi>a>b")
    assert (data["workflow_name"], data["agent_name"], data["session_id"]) == ("flow", "root", "s")
    assert (data["tags"], data["metadata"], data["error"]) == (["t"], {"token": "[REDACTED]"}, None)
    assert data["completed_at"]


def test_a_run_that_fails_tells_why_without_secrets() -> None:
    subscribe()
    advance(start(spec_of(step("boom")), "password=hunter2hunter2"))
    ((event_type, data),) = told()
    assert (event_type, data["error"]["type"]) == ("run.failed", "RuntimeError")
    assert "hunter2" not in str(data)


def test_a_question_its_run_and_its_answer_are_told_in_order() -> None:
    subscribe()
    run = start(BOSS)
    advance(run)
    task = HumanTask.objects.get(run=run)
    assert sorted(types()) == ["human_task.opened", "run.blocked"]
    opened = dict(told())["human_task.opened"]
    assert (opened["continuation_id"], opened["assignee"], opened["run_id"]) == (str(task.pk), "ceo", str(run.pk))
    assert (opened["branch_within"], opened["title"]) == (None, task.title)
    assert opened["expires_at"]
    answer(run)
    assert types()[2:] == ["run.completed"]


@pytest.mark.parametrize(("on_timeout", "event"), [("fail", "run.expired"), ("escalate", "human_task.escalated")])
def test_a_missed_deadline_is_told(on_timeout: str, event: str) -> None:
    run = questions.overdue(on_timeout)
    subscribe()
    deadlines.expire_overdue_tasks()
    deadlines.expire_overdue_tasks()
    ((event_type, data),) = told()
    assert (event_type, data["run_id"]) == (event, str(run.pk))


def test_a_run_that_is_ended_from_outside_is_told_of_once() -> None:
    subscribe()
    run, late = start(TWO), start(TWO, timeout_seconds=1)
    for _ in range(2):
        services.cancel_run(run.pk, actor="op")
    Run.objects.filter(pk=late.pk).update(deadline_at=late.created_at)
    deadlines.time_out_overdue_runs()
    assert [(kind, data["run_id"]) for kind, data in told()] == [
        ("run.cancelled", str(run.pk)),
        ("run.timed_out", str(late.pk)),
    ]


def test_branches_are_not_told_of_but_their_questions_are() -> None:
    subscribe()
    spec = shaped(over(human()))
    spec["components"]["humans"] = {"boss": {}}
    run = start(spec, LIST)
    drive(run)
    assert types() == ["human_task.opened"] * 3
    assert {data["branch_within"] for _, data in told()} == {str(run.pk)}
    for task in HumanTask.objects.open():
        answer(task.run)
    drive(run)
    assert types()[3:] == ["run.completed"]


def test_a_question_in_the_middle_of_a_step_is_told() -> None:
    subscribe(event_types=["human_task.opened"])
    with ChatServer() as chat:
        run = asked(chat, approver="boss")
    ((event_type, data),) = told()
    assert (event_type, data["run_id"], data["assignee"]) == ("human_task.opened", str(run.pk), "ceo")


def test_a_run_that_goes_on_waiting_is_not_told_of_again() -> None:
    subscribe(event_types=["run.blocked"])
    both = {"type": "concurrent", "participants": [human(), step("chief", "boss", "human")]}
    spec = shaped(both)
    spec["components"]["humans"] = {"boss": {}}
    run = start(spec)
    advance(run)
    first = HumanTask.objects.open().filter(run=run).first()
    assert first is not None
    yes = Answer(request_id=str(first.request_id), decision=Decision.APPROVED)
    services.resume_run(first.pk, yes, actor="bob")
    run.refresh_from_db()
    assert (run.status, types()) == (Status.BLOCKED, ["run.blocked"])


def test_only_those_hear_who_asked_for_it() -> None:
    heard = subscribe(event_types=["run.completed"], workflow_name="flow")
    for other in (
        {"event_types": ["run.failed"]},
        {"workflow_name": "other"},
        {"environment": "prod"},
        {"is_enabled": False},
    ):
        subscribe(**other)
    advance(start(TWO))
    assert [row.subscription_id for row in WebhookDelivery.objects.all()] == [heard.subscription.pk]


def test_what_is_rolled_back_is_not_told() -> None:
    subscribe()
    run = start(TWO)
    with transaction.atomic():
        services.cancel_run(run.pk, actor="op")
        assert types() == ["run.cancelled"]
        transaction.set_rollback(True)
    assert types() == []


def test_whatever_a_crash_leaves_an_end_and_its_notice_agree() -> None:
    subscribe()
    for run in crashes(lambda: start(TWO), lambda run: services.cancel_run(run.pk, actor="op")):
        told_of = [data for _, data in told() if data["run_id"] == str(run.pk)]
        assert len(told_of) == (run.status == Status.CANCELLED)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was looked up be known for longer than a slow machine takes."""
    monkeypatch.setattr(outbox, "LOOK_AGAIN_SECONDS", 3600.0)


def test_without_a_subscription_a_run_costs_no_query_more(known: None) -> None:
    advance(start(TWO))  # whether somebody listens is looked up now
    run = start(BOSS)
    with CaptureQueriesContext(connection) as captured:
        executor.advance(run.pk)
        answer(run)
    assert [query["sql"] for query in captured if "webhook" in query["sql"]] == []


def test_a_subscription_to_other_events_costs_no_query_more(known: None) -> None:
    subscribe(event_types=["run.failed"])
    advance(start(TWO))
    run = start(TWO)
    with CaptureQueriesContext(connection) as captured:
        executor.advance(run.pk)
    assert [query["sql"] for query in captured if "webhook" in query["sql"]] == []
