"""The admin's actions: they call the services, are audited under the user's name, and need permission."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from humantasks.models import HumanTask
from kneo_project.audit.models import AuditEvent
from kneo_project.celery import app
from kneo_project.site import acting
from runs.models import Run
from tests.browser.scenery import expense_claim
from tests.factories import HumanTaskFactory, RunFactory
from tests.integration.admin_site import RUNS, TASKS, act, member, operator, page_of, text
from tests.integration.driving import advance, spec_of, start, step
from tests.integration.functions import FAILING

ACTIONS = ("approve_selected", "reject_selected")
FITTING = {"form.amount": "5", "form.kind": "travel"}


@pytest.fixture
def browser() -> Client:
    return operator()


@pytest.fixture
def bell() -> Iterator[None]:
    """Let the bell advance the run in the process that rings it."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def task() -> HumanTask:
    """Return the open question of a run that really got there."""
    return HumanTask.objects.get(run=expense_claim())


def status_of(run: Run) -> str:
    """Return the run's status now."""
    return Run.objects.values_list("status", flat=True).get(pk=run.pk)


def decisions() -> list[tuple[str, str | None]]:
    """Return who was recorded as having done what, but for the creations."""
    done = AuditEvent.objects.exclude(event_type="run.created").order_by("pk")
    return list(done.values_list("event_type", "actor"))


def test_cancelling_asks_first(browser: Client) -> None:
    run = RunFactory.create(status="running", workflow_name="nightly")
    page = text(act(browser, "cancel_selected", run.pk))
    assert "Cancel these runs?" in page
    assert "nightly" in page
    assert (status_of(run), decisions()) == ("running", [])


def test_cancelled_runs_are_counted_and_those_that_had_ended_are_named(browser: Client) -> None:
    running, blocked = RunFactory.create(status="running"), RunFactory.create(status="blocked")
    ended = RunFactory.create(status="completed", workflow_name="done-before")
    page = text(act(browser, "cancel_selected", running.pk, blocked.pk, ended.pk, confirmed="yes"))
    assert "Cancelled 2 runs." in page
    assert f"Unchanged: done-before {ended.pk} (completed) had ended already." in page
    assert [status_of(run) for run in (running, blocked, ended)] == ["cancelled", "cancelled", "completed"]
    assert decisions() == [("run.cancelled", "olivia")] * 2


def test_cancelling_closes_the_open_question(browser: Client, task: HumanTask) -> None:
    act(browser, "cancel_selected", task.run_id, confirmed="yes")
    task.refresh_from_db()
    assert task.status == "cancelled"


@pytest.mark.parametrize("action", ACTIONS)
def test_deciding_asks_first(browser: Client, task: HumanTask, action: str) -> None:
    page = text(act(browser, action, task.pk))
    assert "Approve this expense claim (expense-approval, run" in page
    assert "Comment" in page
    task.refresh_from_db()
    assert (task.status, decisions()) == ("open", [])


def test_an_approved_run_goes_on_at_once(browser: Client, task: HumanTask, bell: None) -> None:
    page = text(act(browser, "approve_selected", task.pk, confirmed="yes", comment="Fine by me"))
    assert "Approved 1 human task." in page
    task.refresh_from_db()
    assert (task.status, task.decision, task.decided_by, task.content) == (
        "answered",
        "approved",
        "olivia",
        "Fine by me",
    )
    assert status_of(task.run) == "completed"
    assert decisions() == [("human.decision", "olivia")]


def test_a_rejected_run_ends_where_its_spec_says_so(browser: Client, task: HumanTask) -> None:
    page = text(act(browser, "reject_selected", task.pk, confirmed="yes", comment="No receipt"))
    assert "Rejected 1 human task." in page
    task.run.refresh_from_db()
    assert (task.run.status, task.run.error_type) == ("failed", "human_rejected")
    assert decisions() == [("human.decision", "olivia")]


def test_a_comment_that_is_too_long_is_asked_for_again(browser: Client, task: HumanTask, settings: Settings) -> None:
    settings.MAX_HUMAN_CONTENT_CHARS = 5
    page = text(act(browser, "reject_selected", task.pk, confirmed="yes", comment="123456"))
    assert "at most 5 characters" in page
    assert decisions() == []


def test_a_question_that_was_answered_meanwhile_stays_answered(browser: Client, task: HumanTask) -> None:
    act(browser, "approve_selected", task.pk, confirmed="yes")
    page = text(act(browser, "reject_selected", task.pk, confirmed="yes"))
    assert "is not open any more (answered)." in page
    task.refresh_from_db()
    assert task.decision == "approved"


def test_a_question_whose_deadline_has_passed_says_why_it_cannot_be_answered(browser: Client) -> None:
    late = HumanTaskFactory.create(expires_at=timezone.now() - timedelta(hours=1))
    page = text(act(browser, "approve_selected", late.pk, confirmed="yes"))
    assert "Not done for Check it" in page
    late.refresh_from_db()
    assert (late.status, decisions()) == ("open", [])


def test_a_rows_page_offers_its_actions_and_gets_the_user_back(browser: Client) -> None:
    run = RunFactory.create(status="running")
    page = page_of("runs/run", run.pk)
    assert "Cancel this run…" in text(browser.get(page))
    answered = act(browser, "cancel_selected", run.pk, confirmed="yes", from_page="1")
    assert answered.request["PATH_INFO"] == page
    assert "Cancel this run…" not in text(answered)


def test_too_many_rows_at_once_are_refused(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "MOST_AT_ONCE", 1)
    runs = RunFactory.create_batch(2, status="running")
    page = text(act(browser, "cancel_selected", *(run.pk for run in runs), confirmed="yes"))
    assert "Nothing was done: select at most 1 at a time." in page
    assert {status_of(run) for run in runs} == {"running"}


def test_a_viewer_is_offered_nothing_and_can_do_nothing(task: HumanTask) -> None:
    browser = member("vera", "view_run", "view_humantask")
    for address in (RUNS, TASKS, page_of("runs/run", task.run_id), page_of("humantasks/humantask", task.pk)):
        page = browser.get(address).content.decode()
        assert not any(action in page for action in (*ACTIONS, "cancel_selected"))
    act(browser, "cancel_selected", task.run_id, confirmed="yes")
    for action in ACTIONS:
        act(browser, action, task.pk, confirmed="yes")
    task.refresh_from_db()
    assert (task.status, status_of(task.run), decisions()) == ("open", "blocked", [])


def test_who_may_change_tasks_may_decide_and_not_cancel(task: HumanTask, bell: None) -> None:
    browser = member("mario", "view_run", "view_humantask", "change_humantask")
    act(browser, "cancel_selected", task.run_id, confirmed="yes")
    act(browser, "approve_selected", task.pk, confirmed="yes")
    assert (status_of(task.run), decisions()) == ("completed", [("human.decision", "mario")])


def test_an_action_needs_the_token_of_its_form() -> None:
    run = RunFactory.create(status="running")
    strict = operator(enforce_csrf_checks=True)
    answer = strict.post(RUNS, {"action": "cancel_selected", "_selected_action": [str(run.pk)], "confirmed": "yes"})
    assert (answer.status_code, status_of(run)) == (403, "running")


@pytest.fixture
def form_task(task: HumanTask) -> HumanTask:
    """Return a question with a form."""
    task.form = {
        "type": "object",
        "properties": {
            "amount": {"type": "number", "maximum": 100, "title": "Amount in euros"},
            "kind": {"enum": ["travel", "training"]},
            "urgent": {"type": "boolean"},
            "parts": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["amount", "kind"],
    }
    task.save()
    return task


def test_a_form_is_asked_for_field_by_field(browser: Client, form_task: HumanTask) -> None:
    page = text(act(browser, "approve_selected", form_task.pk))
    assert [name for name in ("Amount in euros", "Kind", "Urgent", "Parts", "Comment") if name not in page] == []


def test_what_was_filled_in_is_the_answer(browser: Client, form_task: HumanTask, bell: None) -> None:
    filled = {"form.amount": "12.5", "form.kind": "travel", "form.urgent": "on", "form.parts": "[1, 2]"}
    act(browser, "approve_selected", form_task.pk, confirmed="yes", **filled)
    form_task.refresh_from_db()
    assert form_task.filled_form == {"amount": 12.5, "kind": "travel", "urgent": True, "parts": [1, 2]}
    assert status_of(form_task.run) == "completed"


@pytest.mark.parametrize(
    ("filled", "complaint"),
    [
        ({"form.kind": "travel"}, "This field is required."),
        ({"form.amount": "500", "form.kind": "travel"}, "greater than the maximum of 100"),
        ({"form.amount": "5", "form.kind": "fun"}, "Select a valid choice"),
        ({"form.amount": "5", "form.kind": "travel", "form.parts": '["x"]'}, "is not of type"),
        ({"form.amount": "5", "form.kind": "travel", "form.parts": "[1"}, "Enter a valid JSON."),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(
    browser: Client, form_task: HumanTask, filled: dict[str, str], complaint: str
) -> None:
    page = text(act(browser, "approve_selected", form_task.pk, confirmed="yes", **filled))
    assert complaint in page
    form_task.refresh_from_db()
    assert form_task.status == "open"


@pytest.mark.parametrize(
    "parts", ["NaN", "[1e999]", '["\\u0000"]', '["\\ud800"]', '{"\\ud800": 1}', "9" * 5_000, "[" * 100_000]
)
def test_what_the_api_would_not_take_is_not_taken_here(browser: Client, form_task: HumanTask, parts: str) -> None:
    assert form_task.form is not None
    form_task.form["properties"]["parts"] = {}
    form_task.save()
    page = text(act(browser, "approve_selected", form_task.pk, confirmed="yes", **FITTING, **{"form.parts": parts}))
    assert "Enter a valid JSON." in page
    form_task.refresh_from_db()
    assert form_task.status == "open"


def test_what_is_wrong_with_the_form_as_a_whole_is_said_too(browser: Client, form_task: HumanTask) -> None:
    assert form_task.form is not None
    form_task.form["minProperties"] = 4
    form_task.save()
    page = text(act(browser, "approve_selected", form_task.pk, confirmed="yes", **FITTING))
    assert "less than 4 properties" in page


def test_a_form_has_the_bound_that_it_has_in_the_api(browser: Client, form_task: HumanTask, settings: Settings) -> None:
    settings.MAX_METADATA_BYTES = 60
    page = text(act(browser, "approve_selected", form_task.pk, confirmed="yes", **FITTING, **{"form.parts": "[1000]"}))
    assert "more than 60 bytes" in page
    form_task.refresh_from_db()
    assert form_task.status == "open"


def test_questions_with_forms_are_answered_one_by_one(browser: Client, form_task: HumanTask) -> None:
    other = HumanTask.objects.get(run=expense_claim())
    page = text(act(browser, "approve_selected", form_task.pk, other.pk, confirmed="yes"))
    assert "needs the form of the request filled in" in page
    assert "Approved 1 human task." in page


def test_a_rejection_asks_for_no_form(browser: Client, form_task: HumanTask) -> None:
    act(browser, "reject_selected", form_task.pk, confirmed="yes")
    form_task.refresh_from_db()
    assert (form_task.status, form_task.decision, form_task.filled_form) == ("answered", "rejected", None)


def test_a_failed_run_is_gone_on_with(browser: Client, bell: None) -> None:
    FAILING.add("b")
    run = start(spec_of(step("a"), step("b")))
    advance(run)
    FAILING.clear()
    running = RunFactory.create(status="running", workflow_name="nightly")

    assert "Go on from where it failed" in text(browser.get(f"/admin/runs/run/{run.pk}/change/"))
    page = text(act(browser, "continue_selected", run.pk, running.pk, confirmed="yes"))

    assert "Went on with 1 run." in page
    assert "has not failed." in page
    assert status_of(run) == "completed"
