"""The page of a run: its parts, its picture and timeline, what may be done there and by whom."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from humantasks.models import HumanTask
from kneo_project.audit.models import AuditEvent
from runs import executor, services
from runs.admin.run_page.pages import Tab
from runs.models import Checkpoint, Run
from runs.redriving import ForkRun, fork_run
from tests.browser import scenery
from tests.factories import CheckpointFactory, RunFactory, TraceEventFactory
from tests.integration.admin_site import RUNS, act, member, operator, page_of, text
from tests.integration.driving import advance, human, spec_of, start, step

pytestmark = pytest.mark.django_db(transaction=True)
MOST_QUERIES = 15


@pytest.fixture
def browser() -> Client:
    return operator()


def part(browser: Client, run: Run, tab: str = "overview", **more: str) -> str:
    """Return what a part of the run's page says."""
    return text(browser.get(page_of("runs/run", run.pk), {"tab": tab, **more}))


def graph(browser: Client, run: Run) -> dict[str, Any]:
    """Return what the page draws."""
    page = browser.get(page_of("runs/run", run.pk)).content.decode()
    found = re.search(r'<script id="run-graph" type="application/json">(.*?)</script>', page)
    assert found
    drawn: dict[str, Any] = json.loads(found[1])
    return drawn


def looks(browser: Client, run: Run) -> dict[str, str]:
    """Return how each step is drawn."""
    return {node["id"]: node["status"] for node in graph(browser, run)["nodes"] if "status" in node}


def taken(browser: Client, run: Run) -> set[tuple[str, str]]:
    """Return the ways that are marked as taken."""
    return {(edge["source"], edge["target"]) for edge in graph(browser, run)["edges"] if edge.get("taken")}


def test_the_graph_says_what_is_done_where_the_run_is_and_what_is_to_come(browser: Client) -> None:
    run = start(spec_of(step("a"), human(), step("b"), humans={"boss": {}}))
    assert looks(browser, run) == {"a": "waiting", "boss": "waiting", "b": "waiting"}
    advance(run)
    assert looks(browser, run) == {"a": "done", "boss": "blocked", "b": "waiting"}
    assert [node["id"] for node in graph(browser, run)["nodes"] if node.get("current")] == ["boss"]
    assert taken(browser, run) == {("(start)", "a"), ("a", "boss")}
    scenery.approve(HumanTask.objects.get(run=run))
    advance(run)
    assert set(looks(browser, run).values()) == {"done"}
    assert taken(browser, run) == {("(start)", "a"), ("a", "boss"), ("boss", "b")}


def test_what_comes_after_a_failure_is_skipped(browser: Client) -> None:
    run = scenery.failed_run()
    assert looks(browser, run) == {"fetch": "done", "convert": "done", "post": "failed", "confirm": "skipped"}


def test_a_graph_counts_visits_and_marks_the_edges_that_were_taken(browser: Client) -> None:
    run = scenery.long_run(stages=2)
    assert ("check-1", "merge-1") in taken(browser, run)
    assert ("check-1", "repair-1") not in taken(browser, run)
    CheckpointFactory.create(run=run, step_id="load-1", path="load-1", iteration=2)
    assert next(node["count"] for node in graph(browser, run)["nodes"] if node["id"] == "load-1") == 2


def test_branches_are_a_group_that_tells_how_many_have_ended(browser: Client) -> None:
    run = scenery.batch()
    nodes = {node["id"]: node for node in graph(browser, run)["nodes"]}
    assert nodes["invoices"]["label"] == "invoices (1 of 4)"
    assert nodes["invoices/invoice/book"]["parent"] == "invoices/invoice"
    assert (nodes["invoices/invoice/book"]["count"], nodes["invoices/invoice/release"]["status"]) == (4, "blocked")


def test_a_run_of_an_agent_alone_is_one_node(browser: Client) -> None:
    run = start({"version": "v1", "agent": {"name": "root"}})
    advance(run)
    assert list(looks(browser, run)) == ["root"]


def test_a_run_whose_spec_cannot_be_drawn_still_has_a_page(browser: Client) -> None:
    assert "There is no graph:" in part(browser, RunFactory.create())


def test_the_timeline_tells_attempts_waits_and_pauses(browser: Client) -> None:
    page = part(browser, scenery.failed_run())
    assert "in the queue" in page
    assert "an attempt failed (attempt 1, TimeoutError); an attempt failed (attempt 2, TimeoutError)" in page
    assert "failed after 11.0 s (attempt 3, RuntimeError)" in page
    assert "waited 1.0 s; worked 5.0 s" in page
    waiting = scenery.expense_claim()
    assert re.search(
        r"waited for a person \d+ (ms|\.\d s|s) so far|waited for a person .* so far", part(browser, waiting)
    )


def test_branches_are_on_the_timeline_with_links_to_their_pages(browser: Client) -> None:
    run = scenery.batch()
    page = browser.get(page_of("runs/run", run.pk)).content.decode()
    lines = re.findall(r'<a class="kneo-line" href="([^"]+)">\s*<span class="kneo-line-name">branch', page)
    assert lines == [
        page_of("runs/run", branch.pk) for branch in Run.objects.filter(within=run).order_by("branch_index")
    ]


def test_a_steps_page_shows_its_visits_calls_and_usage(browser: Client) -> None:
    run = scenery.failed_run()
    usage = {"usage": {"input_tokens": 1200, "output_tokens": 34, "total_tokens": 1234}, "cost": 0.25}
    run.checkpoints.filter(step_id="post").update(details=usage)
    TraceEventFactory.create(run=run, type="tool_started", step_id="post", model={"tool_name": "ledger"})
    page = text(browser.get(f"/admin/runs/run/{run.pk}/step/", {"place": "post"}))
    assert "Visit 1, attempt 3 failed" in page
    assert "1,234 (input 1,200, output 34)" in page
    assert "0.25" in page
    assert "RuntimeError: boom" in page
    assert re.search(r"tool_started .* ledger", page)


def test_a_steps_page_shows_what_its_branches_did(browser: Client) -> None:
    run = scenery.batch()
    page = text(browser.get(f"/admin/runs/run/{run.pk}/step/", {"place": "invoices/invoice/book"}))
    assert page.count("Visit 1, attempt 1 completed") == 4


def test_two_checkpoints_can_be_compared(browser: Client) -> None:
    run = scenery.failed_run()
    assert re.search(r"state.status changed running failed", part(browser, run, "changes"))
    page = part(browser, run, "changes", first="2", second="3")
    assert re.search(r"state.visited_steps\[1\] added – convert", page)  # noqa: RUF001 - a dash
    assert "The run has no checkpoint 99" in part(browser, run, "changes", first="1", second="99")
    assert "The numbers of checkpoints begin with 1." in part(browser, run, "changes", first="x")


def test_the_frozen_spec_is_shown_as_coloured_yaml(browser: Client) -> None:
    run = scenery.expense_claim()
    page = browser.get(page_of("runs/run", run.pk), {"tab": "spec"}).content.decode()
    assert '<span class="nt">workflow</span>' in page
    assert "type: sequential" in strip_tags(page)


def test_who_looks_at_the_policy_report_is_noted(browser: Client) -> None:
    run = scenery.expense_claim()
    page = browser.get(page_of("runs/run", run.pk), {"tab": "policy"}).content.decode()
    assert "human_review_step_count: 1" in strip_tags(page)
    assert AuditEvent.objects.get(event_type="spec.policy_reported", run_id=run.pk).actor == "olivia"


def test_forks_and_their_parent_know_each_other(browser: Client) -> None:
    run = scenery.expense_claim()
    fork = fork_run(run.pk, ForkRun(checkpoint=2), actor="olivia")
    assert page_of("runs/run", fork.pk) in browser.get(page_of("runs/run", run.pk), {"tab": "family"}).content.decode()
    assert "Forked from checkpoint 2 of another run" in part(browser, fork)
    listed = browser.get(RUNS, {"forks": str(run.pk)}).content.decode()
    assert set(re.findall(r"/admin/runs/run/([0-9a-f-]{36})/change/", listed)) == {str(fork.pk)}


def test_all_branches_are_one_click_away(browser: Client) -> None:
    run = scenery.batch()
    assert f"{RUNS}?branches={run.pk}" in browser.get(page_of("runs/run", run.pk)).content.decode()
    assert browser.get(RUNS, {"branches": str(run.pk)}).context["cl"].result_count == 4


def test_a_part_that_there_is_not_is_not_found(browser: Client) -> None:
    assert browser.get(page_of("runs/run", RunFactory.create().pk), {"tab": "nonsense"}).status_code == 404


def test_a_run_that_there_is_not_is_not_found(browser: Client) -> None:
    assert browser.get(page_of("runs/run", "00000000-0000-4000-8000-000000000000")).status_code == 404


@pytest.mark.parametrize("tab", Tab)
def test_no_part_takes_more_queries_for_a_long_history(browser: Client, tab: Tab) -> None:
    run = scenery.batch()
    rows = [
        Checkpoint(run=run, sequence=number, type="step_completed", path=f"s{number}", step_id=f"s{number}",
                   created_at=timezone.now(), started_at=timezone.now() - timedelta(seconds=1))
        for number in range(100, 600)
    ]  # fmt: skip
    Checkpoint.objects.bulk_create(rows)
    Run.objects.filter(pk=run.pk).update(sequence=599)
    for address in (f"{page_of('runs/run', run.pk)}?tab={tab}", f"/admin/runs/run/{run.pk}/step/?place=s300"):
        browser.get(address)  # what a process looks up once
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(address).status_code == 200
        assert len(queries) <= MOST_QUERIES


def test_the_timeline_shows_the_latest_of_many_steps_and_says_so(browser: Client) -> None:
    run = scenery.long_run(stages=2)
    now = timezone.now()
    for number in range(100, 350):
        CheckpointFactory.create(run=run, sequence=number, started_at=now + timedelta(seconds=number), created_at=now)
    page = part(browser, run)
    assert re.search(r"\d+ earlier steps are not shown; all checkpoints", page)
    assert "step-349" in page
    assert "step-101 " not in page


def test_a_run_can_be_taken_along_as_a_file(browser: Client) -> None:
    run = scenery.expense_claim()
    answer = browser.get(f"/admin/runs/run/{run.pk}/download/")
    body = answer.json()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="run-{run.pk}.json"'
    assert (body["run"]["run_id"], body["checkpoints_left_out"]) == (str(run.pk), 0)
    assert [each["sequence"] for each in body["checkpoints"]] == [1, 2, 3, 4]
    assert "jane.doe@example.com" not in answer.content.decode()
    assert AuditEvent.objects.get(event_type="run.downloaded", run_id=run.pk).actor == "olivia"


def test_a_run_is_forked_from_a_checkpoint_with_another_input(browser: Client) -> None:
    run = scenery.expense_claim()
    asked = act(browser, "fork_selected", run.pk, where=RUNS, checkpoint="2")
    assert "Fork this run?" in text(asked)
    assert 'value="2"' in asked.content.decode()
    answers = {"confirmed": "yes", "checkpoint": "2", "input_text": "A bus to the airport", "from_page": "1"}
    done = act(browser, "fork_selected", run.pk, where=RUNS, **answers)
    fork = Run.objects.get(parent=run)
    assert done.redirect_chain[-1][0] == page_of("runs/run", fork.pk)
    assert fork.forked_at == 2
    assert AuditEvent.objects.get(event_type="run.forked").actor == "olivia"
    executor.advance(fork.pk)
    assert fork.checkpoints.get(step_id="cost-centre").input_text == "A bus to the airport"


def test_a_fork_that_is_not_possible_says_why(browser: Client) -> None:
    run = scenery.expense_claim()
    page = act(browser, "fork_selected", run.pk, where=RUNS, confirmed="yes", checkpoint="77")
    assert "Nothing can go on from checkpoint 77" in text(page)
    assert not Run.objects.filter(parent=run).exists()


def test_one_run_is_forked_at_a_time(browser: Client) -> None:
    runs = [scenery.expense_claim(), scenery.expense_claim()]
    page = act(browser, "fork_selected", *(run.pk for run in runs), where=RUNS, confirmed="yes")
    assert "select one run to fork" in text(page)
    assert not Run.objects.filter(parent__in=runs).exists()


def test_what_can_be_done_depends_on_the_run(browser: Client) -> None:
    blocked, failed = scenery.expense_claim(), scenery.failed_run()
    assert buttons(browser, blocked) == ["fork_selected", "cancel_selected"]
    assert buttons(browser, failed) == ["continue_selected", "fork_selected"]
    assert buttons(browser, scenery.batch().branches.all()[0]) == []


def buttons(browser: Client, run: Run) -> list[str]:
    """Return the actions that the run's page offers."""
    page = browser.get(page_of("runs/run", run.pk)).content.decode()
    return re.findall(r'name="action" value="(\w+)"', page)


def test_who_may_only_view_sees_no_button_and_may_not_press_one() -> None:
    run, viewer = scenery.expense_claim(), member("vera", "view_run")
    assert buttons(viewer, run) == []
    assert "Fork from here" not in part(viewer, run, "steps")
    act(viewer, "fork_selected", run.pk, where=RUNS, confirmed="yes")
    act(viewer, "cancel_selected", run.pk, confirmed="yes")
    run.refresh_from_db()
    assert run.status == "blocked"
    assert not Run.objects.filter(parent=run).exists()


@pytest.mark.parametrize("page", ["change/", "step/", "download/", "events"])
def test_who_may_not_view_runs_sees_nothing_of_one(page: str) -> None:
    run = scenery.expense_claim()
    assert member("max", "view_humantask").get(f"/admin/runs/run/{run.pk}/{page}?place=approve").status_code == 403
    assert Client().get(f"/admin/runs/run/{run.pk}/{page}").status_code == 302


def test_the_live_page_is_only_what_changes(browser: Client) -> None:
    run = scenery.expense_claim()
    page = browser.get(page_of("runs/run", run.pk), {"live": "1"}).content.decode()
    assert "<html" not in page
    assert set(re.findall(r'id="([\w-]+)"[^>]*data-live', page)) >= {"run-actions", "run-now", "run-timeline"}


def told(browser: Client, run: Run, after: str = "", **headers: str) -> Iterator[str]:
    """Yield the types of the events that a page is told."""
    answer = browser.get(f"/admin/runs/run/{run.pk}/events", {"after": after}, headers=headers)
    assert isinstance(answer, StreamingHttpResponse)
    for piece in answer:
        yield from re.findall(r"^event: (\w+)", bytes(piece).decode(), re.MULTILINE)


def test_a_page_is_told_what_happens_after_what_it_knows(browser: Client) -> None:
    run = scenery.expense_claim()
    numbers = list(run.checkpoints.values_list("pk", flat=True))
    services.cancel_run(run.pk, actor="olivia")
    assert list(told(browser, run, str(numbers[1]))) == ["step_completed", "human_pause", "run_cancelled"]
    # What the browser says when it comes back counts for more than the address.
    assert list(told(browser, run, "0", **{"Last-Event-ID": str(numbers[-1])})) == ["run_cancelled"]


def test_a_page_is_told_of_branches_too(browser: Client) -> None:
    run = scenery.batch()
    services.cancel_run(run.pk, actor="olivia")
    assert list(told(browser, run, "0")).count("human_pause") == 4


def test_a_page_that_knows_the_end_is_not_told_more(browser: Client) -> None:
    run = scenery.failed_run()
    last = run.checkpoints.last()
    assert last
    assert browser.get(f"/admin/runs/run/{run.pk}/events", {"after": str(last.pk)}).status_code == 204
    assert browser.get(f"/admin/runs/run/{run.pk}/events", {"after": "nonsense"}).status_code == 400


def test_the_page_says_that_it_is_not_live_where_listeners_are_too_many(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scenery.expense_claim()
    monkeypatch.setattr("runs.events.listening._places.acquire", lambda **_: False)
    assert browser.get(f"/admin/runs/run/{run.pk}/events").status_code == 503
    assert "Not live: reload to see what is new." in part(browser, run)
