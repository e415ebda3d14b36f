"""The inbox of the admin: whose tasks it shows, in which order, and the page that answers one."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from humantasks.models import HumanTask, TaskApproval
from kneo_project.audit.models import AuditEvent
from kneo_project.celery import app
from tests.browser.scenery import DELIVERY, asked, question_about_a_call, reviewer
from tests.factories import EPOCH, HumanTaskFactory
from tests.integration.admin_site import TASKS, member, page_of, text

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Page

pytestmark = pytest.mark.django_db
FITTING = {"form.cost_center": "office", "form.amount": "12.5"}


@pytest.fixture(autouse=True)
def bell() -> Iterator[None]:
    """Let the bell advance the run in the process that rings it."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def bea() -> Client:
    """A reviewer of the finance group, who may not see runs."""
    return browser_of(reviewer("bea", "finance"))


@pytest.fixture
def mario() -> Client:
    """A reviewer who may see runs."""
    return browser_of(reviewer("mario", sees_runs=True))


def titles(browser: Client, **query: str) -> list[str]:
    """Return the questions that the list shows, in order."""
    return [task.title for task in browser.get(TASKS, query).context["cl"].result_list]


def press(browser: Client, task: HumanTask, button: str, where: str = "", **filled: str) -> "Page":
    """Press a button of the task's page."""
    return browser.post(page_of("humantasks/humantask", task.pk) + where, {"do": button, **filled}, follow=True)


def outcome(task: HumanTask) -> tuple[str | None, str | None, str]:
    """Return the decision, who made it, and the status of the run."""
    task.refresh_from_db()
    return task.decision, task.decided_by, task.run.status


def audited() -> list[tuple[str, str | None]]:
    events = AuditEvent.objects.exclude(event_type="run.created").order_by("pk")
    return list(events.values_list("event_type", "actor"))


# The list


def test_the_most_urgent_come_first() -> None:
    now = timezone.now()
    HumanTaskFactory.create(title="whenever")
    HumanTaskFactory.create(title="soon", expires_at=now + timedelta(hours=1))
    HumanTaskFactory.create(title="late", expires_at=now - timedelta(hours=1))
    HumanTaskFactory.create(title="flagged", expires_at=now - timedelta(minutes=5), escalated_at=now)
    HumanTaskFactory.create(title="done", status="answered", decision="approved")
    browser = browser_of(reviewer("bea"))
    assert titles(browser) == ["flagged", "late", "soon", "whenever"]
    assert titles(browser, stage="answered") == ["done"]
    assert titles(browser, stage="every") == ["done", "flagged", "late", "soon", "whenever"]
    page = text(browser.get(TASKS))
    assert "flagged escalated" in page
    assert "late overdue" in page


def test_a_tab_shows_what_is_assigned_to_a_person_or_his_groups(bea: Client) -> None:
    User.objects.filter(username="bea").update(email="bea@example.com")
    for assignee, more in {
        "bea": {},
        "bea@example.com": {},
        "finance": {},
        "legal": {},
        "bea ": {"assignee_kind": "group"},
    }.items():
        HumanTaskFactory.create(title=assignee, assignee=assignee, **more)
    HumanTaskFactory.create(title="taken from me", assignee="bea", claimed_by="mario")
    HumanTaskFactory.create(title="taken by me", claimed_by="bea")
    HumanTaskFactory.create(title="a group like me", assignee="bea", assignee_kind="group")
    HumanTaskFactory.create(title="a user like my group", assignee="finance", assignee_kind="user")

    assert set(titles(bea, whose="mine")) == {"bea", "bea@example.com", "taken by me"}
    assert set(titles(bea, whose="groups")) == {"finance"}
    assert len(titles(bea)) == len(titles(bea, whose="nobody's")) == 9
    assert "My tasks 3 My groups 1 All 9" in text(bea.get(TASKS))


def test_tasks_are_found_by_words_names_and_ids(bea: Client) -> None:
    HumanTaskFactory.create(title="Sign the lease", workflow_name="rent", assignee="legal")
    done = HumanTaskFactory.create(title="Sign off", status="answered")
    for words in ("LEASE", "rent", "legal"):
        assert titles(bea, q=words) == ["Sign the lease"]
    assert titles(bea, q="sign") == ["Sign the lease"]
    assert titles(bea, q=str(done.pk)[:13]) == ["Sign off"]
    assert titles(bea, run=str(done.run_id)) == ["Sign off"]


def test_the_inbox_costs_the_same_with_many_tasks(bea: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            bea.get(TASKS, {"whose": "mine"})
        return len(captured)

    HumanTaskFactory.create(assignee="bea", approvals_needed=2)
    few = cost()
    for task in HumanTaskFactory.create_batch(20, assignee="bea", approvals_needed=2):
        TaskApproval.objects.create(task=task, decided_by="mario", decided_at=EPOCH, decision="approved")
    assert cost() == few <= 15
    assert "1 of 2" in text(bea.get(TASKS))


def test_the_groups_of_who_looks_are_read_once(bea: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        bea.get(TASKS, {"whose": "groups"})
    assert len([query for query in captured if '"auth_group"."name"' in query["sql"]]) == 1


# One task


def test_one_press_approves_and_leads_to_the_next(mario: Client) -> None:
    first = asked(timeout_seconds=60)
    second = asked(description="And this one?")
    page = press(mario, first, "approved", comment="Fine")
    assert outcome(first) == ("approved", "mario", "completed")
    assert first.content == "Fine"
    assert page.redirect_chain == [(page_of("humantasks/humantask", second.pk), 302)]
    shown = page.content.decode()
    assert "Approved: Release this order? (purchase-order, run" in shown
    assert f'<a href="/admin/runs/run/{first.run_id}/change/">Open the run</a>' in shown
    assert audited() == [("human.decision", "mario")]


def test_the_next_is_of_the_same_inbox_and_nothing_that_others_do(bea: Client) -> None:
    first, other = asked(assignee="bea"), asked(assignee="mario", timeout_seconds=60)
    HumanTaskFactory.create(assignee="bea", claimed_by="mario")
    page = press(bea, first, "approved", "?_changelist_filters=whose%3Dmine")
    assert page.redirect_chain == [(f"{TASKS}?whose=mine", 302)]
    assert "Nothing else waits for you here." in text(page)
    other.refresh_from_db()
    assert other.status == "open"


def test_a_rejection_is_asked_about_once_and_keeps_its_comment(bea: Client) -> None:
    task = asked(on_reject="fail")
    page = text(press(bea, task, "rejected", comment="Too dear"))
    assert "The run ends as failed." in page
    assert "Too dear" in page
    assert outcome(task)[0] is None
    press(bea, task, "", action="rejected", confirmed="yes", comment="Too dear")
    assert outcome(task) == ("rejected", "bea", "failed")
    assert task.content == "Too dear"


def test_a_double_press_is_told_who_was_first(bea: Client, mario: Client) -> None:
    task = asked()
    press(mario, task, "approved")
    page = text(press(bea, task, "approved"))
    assert "Nothing was done: this human task was answered meanwhile (approved by mario)." in page
    assert audited() == [("human.decision", "mario")]


def test_what_is_asked_is_readable_and_redacted(bea: Client) -> None:
    orders = [{"item": "Desk", "pieces": 2}, {"item": "Chair", "api_key": "sk-live-1234567890abcdef"}]
    task = asked('{"total": 12}', context={"orders": orders, "note": "<b>bold</b>"})
    page = bea.get(page_of("humantasks/humantask", task.pk)).content.decode()
    assert "<dt>total</dt><dd>12</dd>" in page
    assert '<th scope="col">pieces</th>' in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "sk-live" not in page


def test_a_call_shows_its_arguments_as_facts(bea: Client) -> None:
    page = bea.get(page_of("humantasks/humantask", question_about_a_call().pk)).content.decode()
    assert "<dt>query</dt><dd>search the handbook for travel</dd>" in page
    assert 'value="edited"' not in page


def test_a_form_becomes_inputs_and_what_is_filled_in_is_the_answer(bea: Client) -> None:
    task = asked(form=DELIVERY)
    page = bea.get(page_of("humantasks/humantask", task.pk)).content.decode()
    for part in ("Amount in euros", 'type="date"', "Deliver to", 'value="2"', "Who pays for it.", "<textarea"):
        assert part in page
    filled = {
        "form.pay_on": "2026-12-24",
        "form.urgent": "on",
        "form.references": "A 1\nB 2",
        "form.address.street": "Hauptplatz 1",
        "form.address.floor": "3",
    }
    press(bea, task, "approved", **FITTING, **filled)
    task.refresh_from_db()
    assert task.filled_form == {
        "cost_center": "office",
        "amount": 12.5,
        "pay_on": "2026-12-24",
        "urgent": True,
        "references": ["A 1", "B 2"],
        "address": {"street": "Hauptplatz 1", "floor": 3},
    }


@pytest.mark.parametrize(
    ("filled", "field", "complaint"),
    [
        ({"form.amount": "1"}, "form.cost_center", "This field is required."),
        (FITTING | {"form.amount": "10001"}, "form.amount", "10000"),
        (FITTING | {"form.pay_on": "Xmas"}, "form.pay_on", "Enter a valid date."),
        (FITTING | {"form.address.street": "x", "form.address.floor": "top"}, "form.address.floor", "whole number"),
    ],
)
def test_what_is_wrong_is_said_beside_the_input(
    bea: Client, filled: dict[str, str], field: str, complaint: str
) -> None:
    task = asked(form=DELIVERY)
    page = press(bea, task, "approved", **filled)
    assert page.status_code == 422
    assert complaint in str(page.context["form"].errors[field])
    assert outcome(task)[0] is None


def test_an_enumeration_of_numbers_and_a_list_of_words(bea: Client) -> None:
    words = {"type": "array", "items": {"enum": ["red", "blue"]}}
    numbers = {"type": "array", "items": {"type": "integer"}}
    form = {"type": "object", "properties": {"size": {"enum": [1, 2]}, "colours": words, "parts": numbers}}
    task = asked(form=form)
    answer = {"do": "approved", "form.size": "2", "form.colours": ["red"], "form.parts": "4\n5"}
    bea.post(page_of("humantasks/humantask", task.pk), answer)
    task.refresh_from_db()
    assert task.filled_form == {"size": 2, "colours": ["red"], "parts": [4, 5]}


@pytest.mark.parametrize(
    ("human", "button", "filled", "output"),
    [
        ({"request_type": "selection", "options": ["x", "y"]}, "selected", {"selected_option": "y"}, "y"),
        ({"request_type": "freeform"}, "provided", {"text": "Thank you"}, "Thank you"),
        ({"request_type": "correction"}, "edited", {"text": "Please, pay."}, "Please, pay."),
        ({}, "edited", {"text": "Pay half", "comment": "too dear"}, "Pay half"),
        ({"request_type": "correction"}, "approved", {"text": "ignored"}, "Please pay."),
    ],
)
def test_each_kind_of_request_has_its_answer(
    bea: Client, human: dict[str, Any], button: str, filled: dict[str, str], output: str
) -> None:
    task = asked(**human)
    assert f'value="{button}"' in bea.get(page_of("humantasks/humantask", task.pk)).content.decode()
    press(bea, task, button, **filled)
    task.run.refresh_from_db()
    assert (task.run.status, task.run.output_text) == ("completed", output)


@pytest.mark.parametrize(
    ("human", "button", "field"),
    [
        ({"request_type": "selection", "options": ["x", "y"]}, "selected", "selected_option"),
        ({"request_type": "freeform"}, "provided", "text"),
        ({}, "edited", "text"),
    ],
)
def test_an_answer_without_its_content_is_asked_for_it(
    bea: Client, human: dict[str, Any], button: str, field: str
) -> None:
    task = asked(**human)
    page = press(bea, task, button)
    assert "This field is required." in str(page.context["form"].errors[field])
    assert outcome(task)[0] is None


def test_a_text_with_hidden_parts_is_not_offered_for_change(bea: Client) -> None:
    task = asked("Write to jane.doe@example.com", request_type="correction")
    page = bea.get(page_of("humantasks/humantask", task.pk)).content.decode()
    assert "Parts of the text are hidden from this page" in page
    assert "jane.doe" not in page


# Several people


def test_two_people_approve_and_each_sees_how_far_it_is(bea: Client, mario: Client) -> None:
    task = asked(approvals=2)
    told = text(press(mario, task, "approved", comment="as agreed"))
    assert "1 of 2 have approved." in told
    again = text(mario.get(page_of("humantasks/humantask", task.pk)))
    assert "You have approved this already" in again
    assert "Nothing was done: You have approved" in text(press(mario, task, "approved"))

    seen = text(bea.get(page_of("humantasks/humantask", task.pk)))
    assert "Approved by 1 of 2 mario approved" in seen
    assert "as agreed" in seen
    press(bea, task, "approved")
    assert outcome(task) == ("approved", "bea", "completed")
    assert audited() == [("human.approval", "mario"), ("human.decision", "bea")]


def test_the_second_approves_the_form_of_the_first(bea: Client, mario: Client) -> None:
    task = asked(approvals=2, form=DELIVERY)
    press(mario, task, "approved", **FITTING)
    page = bea.get(page_of("humantasks/humantask", task.pk)).content.decode()
    assert 'name="form.amount"' not in page
    assert "<dt>cost_center</dt><dd>office</dd>" in page
    press(bea, task, "approved")
    task.refresh_from_db()
    assert task.filled_form == {"cost_center": "office", "amount": 12.5, "urgent": False}


def test_who_started_the_run_can_only_reject(bea: Client) -> None:
    task = asked(by="bea", exclude_requester=True)
    page = bea.get(page_of("humantasks/humantask", task.pk)).content.decode()
    assert "You started this run" in page
    assert 'value="approved"' not in page
    assert "Nothing was done: You started this run" in text(press(bea, task, "approved"))
    press(bea, task, "rejected", confirmed="yes")
    assert outcome(task)[0] == "rejected"


# Who works on it


def test_a_claim_keeps_others_away_until_it_is_released(bea: Client, mario: Client) -> None:
    task = asked()
    press(mario, task, "claim")
    page = text(bea.get(page_of("humantasks/humantask", task.pk)))
    assert "mario has claimed this." in page
    assert "Your answer" not in page
    assert "Nothing was done: mario has claimed" in text(press(bea, task, "approved"))
    assert "Nothing was done: mario has claimed" in text(press(bea, task, "claim"))
    press(bea, task, "release")
    press(bea, task, "approved")
    assert outcome(task)[:2] == ("approved", "bea")
    told = [("human.claimed", "mario"), ("human.released", "bea"), ("human.decision", "bea")]
    assert audited() == told


def test_a_task_is_assigned_to_a_group_or_a_user(bea: Client) -> None:
    task = asked(assignee="legal")
    press(bea, task, "assign", assignee="group:finance", expected="legal")
    assert titles(bea, whose="groups") == ["Release this order?"]
    refused = text(press(bea, task, "assign", assignee="user:mario", expected="legal"))
    assert "assigned to somebody else by now" in refused
    press(bea, task, "assign", assignee="", expected="finance")
    task.refresh_from_db()
    assert (task.assignee, task.assignee_kind) == (None, None)


# Who may what


def test_a_viewer_sees_no_button_and_cannot_forge_one() -> None:
    task = asked()
    browser = member("vera", "view_run", "view_humantask")
    page = browser.get(page_of("humantasks/humantask", task.pk)).content.decode()
    assert "Please pay." in page
    assert 'name="do"' not in page
    for button in ("approved", "rejected", "edited", "claim", "release", "assign", ""):
        assert press(browser, task, button, confirmed="yes").status_code == 403
    assert outcome(task)[0] is None
    assert audited() == []


def test_a_reviewer_is_led_to_no_run_that_he_may_not_see(bea: Client, mario: Client) -> None:
    task = asked()
    for address in (TASKS, page_of("humantasks/humantask", task.pk)):
        link = f"/admin/runs/run/{task.run_id}/change/"
        assert link not in bea.get(address).content.decode()
        assert link in mario.get(address).content.decode()


def test_who_may_see_no_tasks_is_refused() -> None:
    task = asked()
    browser = member("nina", "view_run")
    assert browser.get(page_of("humantasks/humantask", task.pk)).status_code == 403
    assert browser.get(page_of("humantasks/humantask", task.run_id)).status_code == 403
