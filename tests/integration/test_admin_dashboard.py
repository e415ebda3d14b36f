"""The first page of the admin: its figures, where they lead, what they cost, and who sees them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from kneo_project.beatjobs.services import noted
from kneo_project.celery import app
from kneo_project.webhooks.models import WebhookDelivery
from runs import statistics
from runs.admin.figures import Figure
from runs.engine.lifecycle import Status
from runs.models import LeaseOwner
from tests.browser import scenery
from tests.factories import CheckpointFactory, HumanTaskFactory, RunFactory
from tests.integration.admin_site import member, operator, text
from tests.integration.webhooks import ping, subscribe

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Page

FIRST = "/admin/"
MOST_QUERIES = 15
PERMISSIONS = {
    "view_run": "What needs somebody Runs by status Queue The last hour Tokens Cost",
    "view_humantask": "Human tasks",
    "view_leaseowner": "Workers",
    "view_beatjob": "Beat",
    "view_webhookdelivery": "Webhooks",
}


@pytest.fixture
def browser() -> Client:
    return operator()


def settle() -> None:
    while statistics.settle(settled_after=timedelta(0)):
        pass


def beat() -> None:
    """Have the beat on time."""
    for job in app.conf.beat_schedule:
        with noted(job):
            pass


def values(page: "Page", *parts: str) -> dict[str, str]:
    """Return the values of figures by their labels."""
    return {strip_tags(figure.label): figure.value for part in parts for figure in page.context[part]}


def counts(page: "Page") -> Iterator[Figure]:
    """Return the figures that count rows which are there now."""
    for part in ("needs", "statuses", "queue", "people", "webhooks"):
        yield from (figure for figure in page.context[part] if figure.url and "beatjob" not in figure.url)


def failed_deliveries(count: int) -> None:
    webhook = subscribe()
    for _ in range(count):
        ping(webhook)
    WebhookDelivery.objects.update(status="dead")


def test_figures_say_what_is_the_case(browser: Client) -> None:
    scenery.troubled_runs()
    HumanTaskFactory.create(escalated_at=timezone.now())
    failed_deliveries(2)
    page = browser.get(FIRST)
    assert values(page, "needs") == {
        "stuck": "1",
        "waiting too long": "1",
        "blocked by an overdue task": "1",
        "failed in the last day": "1",
        "late jobs of the beat": str(len(app.conf.beat_schedule)),
    }
    now = values(page, "statuses", "queue", "people", "webhooks")
    assert (now["running"], now["blocked"], now["failed"], now["completed"]) == ("4", "2", "1", "0")
    assert (now["open"], now["overdue"], now["escalated"], now["deliveries given up"]) == ("2", "1", "1", "2")
    assert now["the longest has waited"].startswith("3 min")
    assert "All is well" not in text(page)


def test_every_count_leads_to_a_list_of_as_many_rows(browser: Client) -> None:
    scenery.troubled_runs()
    HumanTaskFactory.create(escalated_at=timezone.now())
    failed_deliveries(2)
    RunFactory.create_batch(3)
    found = list(counts(browser.get(FIRST)))
    assert len(found) >= 4 + len(Status) + 1 + 3 + 1
    for figure in found:
        assert figure.url
        assert browser.get(figure.url).context["cl"].result_count == int(figure.value), figure


def test_branches_are_counted_where_their_list_shows_them(browser: Client) -> None:
    now, run = timezone.now(), RunFactory.create(status=Status.RUNNING)
    RunFactory.create(status=Status.CREATED, within=run, wake_at=now - timedelta(minutes=9))
    RunFactory.create(status=Status.FAILED, within=run, updated_at=now)
    page = browser.get(FIRST)
    seen = values(page, "needs", "queue")
    assert (seen["waiting too long"], seen["waiting for a worker"], seen["failed in the last day"]) == ("1", "1", "0")
    for figure in counts(page):
        assert figure.url
        assert browser.get(figure.url).context["cl"].result_count == int(figure.value), figure


def test_a_count_goes_no_further_than_a_list_does(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.inspection.overview.MOST_COUNTED", 2)
    RunFactory.create_batch(3)
    assert values(browser.get(FIRST), "statuses")["completed"] == "2+"


def test_all_is_well_when_nothing_needs_anybody(browser: Client) -> None:
    beat()
    RunFactory.create_batch(2)
    assert "All is well." in text(browser.get(FIRST))


def test_a_job_of_the_beat_that_is_late_needs_somebody(browser: Client) -> None:
    beat()
    assert values(browser.get(FIRST), "needs")["late jobs of the beat"] == "0"
    scenery.make_late("sweep")
    page = browser.get(FIRST)
    assert values(page, "needs")["late jobs of the beat"] == "1"
    assert "late sweep" in text(page)


def test_what_happened_is_in_the_figures_once_it_is_counted(browser: Client) -> None:
    scenery.expense_claim()
    run = RunFactory.create(created_at=timezone.now() - timedelta(seconds=9))
    CheckpointFactory.create(run=run, type="run_completed")
    CheckpointFactory.create(run=run, type="run_failed", error_type="E")
    settle()
    page = browser.get(FIRST)
    lately = values(page, "lately")
    assert (lately["begun"], lately["completed"], lately["ended badly"]) == ("1", "1", "1")
    assert lately["failure rate"] == "50.0%"
    assert "Runs in the last hour: 1 begun, 1 completed, 1 ended badly, 0 cancelled." in page.content.decode()


def test_every_link_of_the_page_leads_to_a_list(browser: Client) -> None:
    scenery.troubled_runs()
    scenery.lately()
    body = browser.get(FIRST, {"fragment": "1"}).content.decode()
    links = {unescape(link) for link in re.findall(r'href="(/admin/[^"]+)"', body)}
    assert len(links) > 20
    assert {link: browser.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_what_happened_to_runs_leads_to_the_runs_that_it_happened_to(browser: Client) -> None:
    now = timezone.now()
    for status in (Status.COMPLETED, Status.FAILED, Status.TIMED_OUT):
        run = RunFactory.create(status=status, created_at=now - timedelta(seconds=9), updated_at=now)
        CheckpointFactory.create(run=run, type="run_started", created_at=now - timedelta(seconds=9))
        CheckpointFactory.create(run=run, type=f"run_{status}", created_at=now - timedelta(seconds=1))
    RunFactory.create(status=Status.FAILED, updated_at=now - timedelta(hours=3))
    settle()
    found = [figure for figure in browser.get(FIRST).context["lately"] if figure.url]
    assert [figure.value for figure in found] == ["3", "1", "2"]
    for figure in found:
        assert figure.url
        assert browser.get(figure.url).context["cl"].result_count == int(figure.value), figure


def test_tokens_and_cost_are_told_by_workflow_and_by_model(browser: Client) -> None:
    now = timezone.now() - timedelta(seconds=9)
    secret = "sk-live-1234567890abcdef"
    for name, model, tokens in (("triage", "small", 100), ("triage", "large", 900), (secret, "small", 5)):
        usage = {"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1}
        CheckpointFactory.create(
            run=RunFactory.create(workflow_name=name, created_at=now),
            type="step_completed",
            started_at=now,
            created_at=now + timedelta(seconds=2),
            details={"usage": usage, "cost": 0.25, "model": {"provider": "openai", "name": model}},
        )
    settle()
    page = browser.get(FIRST, {"over": "day"})
    assert values(page, "tokens", "cost") == {
        "sent to models": "1,005",
        "answered": "3",
        "as far as there are prices": "0.75 USD",
    }
    by_workflow, by_model = page.context["by_workflow"].rows, page.context["by_model"].rows
    assert by_workflow[0] == ["triage", "1,000", "2", "0.5 USD"]
    assert [row[:2] for row in by_model] == [["small", "105"], ["large", "900"]]
    assert secret not in page.content.decode()
    assert page.context["lengths"].rows[1][-1] == "3"


def test_workers_are_told_with_the_runs_they_hold(browser: Client) -> None:
    now = timezone.now()
    LeaseOwner.objects.create(pk="quick", host="a", pid=1, expires_at=now + timedelta(minutes=1))
    LeaseOwner.objects.create(pk="dead", host="b", pid=2, expires_at=now - timedelta(minutes=1))
    run = RunFactory.create(status=Status.RUNNING, lease_owner="quick")
    RunFactory.create(status=Status.RUNNING, lease_owner="quick", within=run)
    RunFactory.create(status=Status.RUNNING, lease_owner="resigned")
    page = browser.get(FIRST)
    assert [(row[1], strip_tags(row[0]), strip_tags(str(row[-1]))) for row in page.context["workers"].rows] == [
        ("quick", "alive", "2"),
        ("dead", "lapsed", "0"),
        ("resigned", "lapsed", "1"),
    ]
    assert browser.get("/admin/runs/run/", {"owner": "quick"}).context["cl"].result_count == 2


@pytest.mark.parametrize(
    ("over", "label", "slots"), [("hour", "hour", 60), ("week", "week", 56), ("nonsense", "hour", 60)]
)
def test_the_time_that_is_looked_at_is_chosen_by_a_link(browser: Client, over: str, label: str, slots: int) -> None:
    page = browser.get(FIRST, {"over": over})
    assert f"The last {label}" in text(page)
    assert len(page.context["runs_chart"].moments) == slots


def test_the_page_takes_few_statements_and_none_for_each_row() -> None:
    browser = member("vera", *PERMISSIONS)
    browser.get(FIRST)  # what a process looks up once
    few = cost(browser)
    for number in range(5):
        LeaseOwner.objects.create(pk=f"w{number}", host="a", pid=1, expires_at=timezone.now())
        RunFactory.create(status=Status.RUNNING, lease_owner=f"w{number}")
        HumanTaskFactory.create()
    failed_deliveries(3)
    scenery.lately()
    assert cost(browser) == few <= MOST_QUERIES


def cost(browser: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(FIRST, {"over": "week"}).status_code == 200
    return len(captured)


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_everybody_sees_what_they_may_view_and_no_more(permission: str) -> None:
    scenery.troubled_runs()
    page = member("vera", permission).get(FIRST)
    headings = [part.split("<")[0] for part in page.content.decode().split('class="kneo-heading">')[1:]]
    for needed, words in PERMISSIONS.items():
        own = {heading for heading in headings if heading in words}
        assert bool(own) == (needed == permission) or (needed, permission) == ("view_run", "view_beatjob"), needed


def test_who_may_view_nothing_is_told_so() -> None:
    assert "There is nothing here that you may see." in text(member("vera").get(FIRST))


def test_a_fragment_has_the_figures_without_the_frame(browser: Client) -> None:
    whole, fragment = browser.get(FIRST), browser.get(FIRST, {"fragment": "1"})
    assert 'data-part="needs"' in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    assert "<html" in whole.content.decode()


def test_a_fragment_is_for_who_is_logged_in() -> None:
    answer = Client().get(FIRST, {"fragment": "1"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
