"""The admin's pages: what they show, what they cost, and that they change nothing."""

import re
from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from humantasks.models import HumanTask
from kneo_project.audit.services import record
from kneo_project.beatjobs.services import noted
from kneo_project.site import pages
from kneo_project.site.showing import short_id
from runs.admin.run_page.pages import Tab
from runs.models import Run
from tests.browser import scenery
from tests.factories import CheckpointFactory, HumanTaskFactory, RunFactory, SnapshotFactory, TraceEventFactory
from tests.integration.admin_site import MODELS, RUNS, TASKS, member, operator, page_of, text
from tests.integration.webhooks import ping, subscribe

# Whole texts and documents: no list may read them.
PAYLOADS = re.compile(
    r'SELECT [^(]*"(input_text|output_text|prompt|context|content|cursor|details|caller_metadata|payload|secret)"'
)


@pytest.fixture
def browser() -> Client:
    return operator()


@pytest.fixture
def troubled() -> Mapping[str, Run]:
    return scenery.troubled_runs()


def one_of_each(run: Run) -> None:
    """Leave one row of every kind that belongs to a run, and a little more."""
    CheckpointFactory.create(run=run, started_at=timezone.now() - timedelta(seconds=3))
    TraceEventFactory.create(run=run)
    HumanTaskFactory.create(run=run)
    record("run.created", actor="op", run_id=run.pk)
    ping(subscribe())
    with noted("sweep"):
        pass


def cost(browser: Client, address: str) -> list[str]:
    """Return the statements that a page takes."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200
    return [query["sql"] for query in captured]


@pytest.mark.parametrize("model", MODELS)
def test_a_list_takes_as_many_statements_for_many_rows_as_for_few(browser: Client, model: str) -> None:
    scenery.troubled_runs()
    one_of_each(RunFactory.create(error_type="E", error_message="m", lease_owner="w"))
    few = cost(browser, f"/admin/{model}/")
    for _ in range(12):
        one_of_each(RunFactory.create(error_type="E", error_message="m", lease_owner="w"))
    assert len(cost(browser, f"/admin/{model}/")) == len(few)


@pytest.mark.parametrize("model", MODELS)
def test_a_list_reads_no_payload(browser: Client, model: str) -> None:
    one_of_each(RunFactory.create())
    statements = cost(browser, f"/admin/{model}/")
    assert [sql for sql in statements if PAYLOADS.search(sql)] == []


def test_a_runs_page_takes_as_many_statements_for_a_long_run_as_for_a_short_one(browser: Client) -> None:
    run = RunFactory.create()
    one_of_each(run)
    browser.get(page_of("runs/run", run.pk))  # what a process looks up once
    few = cost(browser, page_of("runs/run", run.pk))
    for _ in range(12):
        CheckpointFactory.create(run=run)
        TraceEventFactory.create(run=run)
    assert len(cost(browser, page_of("runs/run", run.pk))) == len(few)


@pytest.mark.parametrize("model", MODELS)
def test_a_list_counts_only_so_far_and_says_so(browser: Client, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_COUNTED", 1)
    scenery.troubled_runs()
    one_of_each(RunFactory.create())
    counts = [sql for sql in cost(browser, f"/admin/{model}/") if "COUNT(" in sql]
    assert [sql for sql in counts if "LIMIT 1" not in sql] == []
    assert "Only the first 1 are counted" in text(browser.get(f"/admin/{model}/"))


def test_every_row_has_a_page_and_every_link_on_a_runs_page_works(browser: Client) -> None:
    run = scenery.expense_claim()
    one_of_each(run)
    address = page_of("runs/run", run.pk)
    pages = [browser.get(address)] + [browser.get(address, {"tab": tab}) for tab in Tab]
    page = "".join(page.content.decode() for page in pages)
    links = set(re.findall(r'href="(/admin/(?:audit|humantasks|runs|specs)/[^"]+)"', page))
    kinds = {link.split("/")[3] for link in links if "/change/" in link}
    assert kinds == {"auditevent", "checkpoint", "humantask", "run", "specsnapshot", "traceevent"}
    assert {browser.get(link.replace("&amp;", "&")).status_code for link in links} == {200}


def test_a_runs_page_tells_its_story(browser: Client) -> None:
    run = scenery.expense_claim()
    address = page_of("runs/run", run.pk)
    page = text(browser.get(address))
    assert "Waiting for an answer: open the human task" in page
    assert "Approve this expense claim line-manager" in page
    assert re.search(r"2 step_completed classify 1 \d+ (ms|s)", text(browser.get(address, {"tab": "steps"})))
    assert "run.created expense-portal" in text(browser.get(address, {"tab": "audit"}))


def test_pages_link_back_to_the_run(browser: Client) -> None:
    run = scenery.expense_claim()
    task = HumanTask.objects.get(run=run)
    pages_of_run = [
        page_of("humantasks/humantask", task.pk),
        page_of("runs/checkpoint", run.checkpoints.first().pk),  # type: ignore[union-attr]
        page_of("specs/specsnapshot", run.snapshot_id),
    ]
    backs = [page_of("runs/run", run.pk), f"{RUNS}?spec={run.snapshot_id}"]
    for address in pages_of_run:
        page = browser.get(address).content.decode()
        assert any(back in page for back in backs)


@pytest.mark.parametrize("trouble", ["stuck", "waiting", "overdue_task", "failed"])
def test_what_needs_attention_is_one_click_away(browser: Client, troubled: Mapping[str, Run], trouble: str) -> None:
    page = browser.get(RUNS, {"attention": trouble}).content.decode()
    assert set(re.findall(r"/admin/runs/run/([0-9a-f-]{36})/change/", page)) == {str(troubled[trouble].pk)}


def test_the_list_says_whether_a_lease_owner_is_alive(browser: Client, troubled: Mapping[str, Run]) -> None:
    page = text(browser.get(RUNS))
    assert "lapsed worker-7-dead" in page
    assert "alive worker-2-alive" in page


@pytest.mark.parametrize(("attention", "title"), [("overdue", "Late"), ("escalated", "Flagged")])
def test_human_tasks_can_be_narrowed_to_what_needs_attention(browser: Client, attention: str, title: str) -> None:
    now = timezone.now()
    HumanTaskFactory.create(title="Fine", expires_at=now + timedelta(hours=1))
    HumanTaskFactory.create(title="Late", expires_at=now - timedelta(hours=1))
    HumanTaskFactory.create(title="Flagged", escalated_at=now)
    shown = text(browser.get(TASKS, {"attention": attention}))
    assert [word for word in ("Fine", "Late", "Flagged") if word in shown] == [title]


def test_a_run_is_found_by_id_by_session_and_by_what_it_runs(browser: Client) -> None:
    run = RunFactory.create(workflow_name="payroll", session_id="chat 7")
    RunFactory.create(workflow_name="other")
    for wanted in (str(run.pk), str(run.pk)[:-3], short_id(run.pk), "chat 7", "payroll"):
        page = browser.get(RUNS, {"q": wanted}).content.decode()
        assert set(re.findall(r"/admin/runs/run/([0-9a-f-]{36})/change/", page)) == {str(run.pk)}


def test_a_workflow_whose_name_could_be_an_id_is_found(browser: Client) -> None:
    RunFactory.create(workflow_name="cafe")
    assert "cafe" in text(browser.get(RUNS, {"q": "cafe"}))


@pytest.mark.parametrize("model", ["audit/auditevent", "humantasks/humantask", "runs/checkpoint", "runs/traceevent"])
def test_what_belongs_to_a_run_is_found_by_its_id(browser: Client, model: str) -> None:
    run = scenery.expense_claim()
    assert browser.get(f"/admin/{model}/", {"q": str(run.pk)[:8]}).context["cl"].result_count
    assert not browser.get(f"/admin/{model}/", {"q": "no such thing"}).context["cl"].result_count


def test_a_spec_is_found_by_the_beginning_of_its_digest(browser: Client) -> None:
    SnapshotFactory.create(digest="abc1" * 16)
    SnapshotFactory.create(digest="0bc1" * 16)
    assert browser.get("/admin/specs/specsnapshot/", {"q": "ABC1"}).context["cl"].result_count == 1


def test_a_list_can_be_narrowed_to_one_run(browser: Client) -> None:
    run, other = RunFactory.create(), RunFactory.create()
    one_of_each(run)
    one_of_each(other)
    for model in ("runs/checkpoint", "runs/traceevent", "humantasks/humantask", "audit/auditevent"):
        assert browser.get(f"/admin/{model}/", {"run": str(run.pk)}).context["cl"].result_count == 1


def test_an_id_that_is_none_leads_back_to_the_whole_list(browser: Client) -> None:
    assert browser.get("/admin/runs/checkpoint/", {"run": "nonsense"}).headers["Location"].endswith("?e=1")


@pytest.mark.parametrize("lookup", ["input_text__contains", "error_message__startswith", "snapshot__content"])
def test_columns_that_are_not_offered_cannot_be_searched(browser: Client, lookup: str) -> None:
    assert browser.get(RUNS, {lookup: "a"}).status_code == 400


def test_secrets_are_redacted_in_lists_and_on_pages(browser: Client) -> None:
    secret = "sk-live-1234567890abcdef"
    run = RunFactory.create(
        status="failed",
        workflow_name=f"key {secret}",
        error_type="E",
        error_message=f"token={secret}",
        input_text=f"use {secret}",
        caller_metadata={"api_key": "hunter2"},
        cursor={"text": secret},
    )
    CheckpointFactory.create(run=run, output_text=f"got {secret}")
    HumanTaskFactory.create(run=run, title=f"Is {secret} right?", prompt=secret, context={"password": "hunter2"})
    for address in (
        RUNS,
        page_of("runs/run", run.pk),
        *(f"{page_of('runs/run', run.pk)}?tab={tab}" for tab in Tab),
        f"/admin/runs/run/{run.pk}/download/",
        TASKS,
        page_of("humantasks/humantask", run.human_tasks.get().pk),
    ):
        page = browser.get(address).content.decode()
        assert secret not in page
        assert "hunter2" not in page
        assert "[REDACTED]" in page


def test_documents_are_indented_and_markup_is_shown_as_text(browser: Client) -> None:
    event = record("run.created", actor="op", metadata={"name": "<b>bold</b>"})
    page = browser.get(page_of("audit/auditevent", event.pk)).content.decode()
    assert "{\n  &quot;name&quot;: &quot;&lt;b&gt;bold&lt;/b&gt;&quot;\n}" in page


@pytest.mark.parametrize("model", MODELS)
def test_nobody_adds_changes_or_deletes_rows(browser: Client, model: str) -> None:
    scenery.troubled_runs()
    one_of_each(RunFactory.create())
    key = browser.get(f"/admin/{model}/").context["cl"].result_list[0].pk
    assert browser.get(f"/admin/{model}/add/").status_code == 403
    assert browser.post(f"/admin/{model}/add/", {}).status_code == 403
    assert browser.post(page_of(model, key), {"status": "completed"}).status_code == 403
    assert browser.post(f"/admin/{model}/{key}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_a_list_offers_neither_deleting_nor_adding(browser: Client, model: str) -> None:
    page = browser.get(f"/admin/{model}/").content.decode()
    assert "delete_selected" not in page
    assert f"/admin/{model}/add/" not in page


def test_staff_see_only_what_they_may_view() -> None:
    browser = member("vera", "view_run")
    assert browser.get(RUNS).status_code == 200
    assert browser.get(TASKS).status_code == 403


def test_runs_are_filtered_by_their_queue_where_there_are_several(settings: Settings) -> None:
    settings.QUEUES = ("gpu",)
    usual, special = RunFactory.create(), RunFactory.create(queue="gpu", priority=0)
    browser = operator()
    listed = text(browser.get(RUNS, {"queue": "gpu"}))
    assert short_id(special.pk) in listed
    assert short_id(usual.pk) not in listed
    details = text(browser.get(page_of("runs/run", special.pk), {"tab": Tab.DETAILS}))
    assert "queue gpu priority high" in details.lower()
