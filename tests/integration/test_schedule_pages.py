"""The admin's pages about schedules and retention: what they show, what they cost, and who may do what there."""

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from kneo_project.audit.models import AuditEvent
from runs.models import Run, Schedule
from runs.schedules import firing, keeping
from specs.services import SpecSource
from tests.integration.admin_site import act, member, operator, page_of, text
from tests.integration.driving import advance, spec_of, start, step
from tests.integration.pruning import keep, let_be_old

SCHEDULES = "/admin/runs/schedule/"
RETENTION = "/admin/runs/retentionmark/"
MOST_STATEMENTS = 15


@pytest.fixture
def browser() -> Client:
    return operator()


@pytest.fixture
def nightly() -> Schedule:
    columns = {"cron": "30 2 * * *", "time_zone": "Europe/Vienna", "input_text": "hi"}
    return keeping.create_schedule("nightly", SpecSource(spec=spec_of(step("a"))), columns, actor="alice")


def timing(row: Schedule) -> str:
    return f"{SCHEDULES}{row.pk}/timing/"


def last_audited() -> tuple[str, str | None]:
    event = AuditEvent.objects.order_by("pk").last()
    assert event is not None
    return event.event_type, event.actor


def cost(browser: Client, address: str) -> int:
    browser.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200
    return len(captured)


def test_a_schedule_shows_when_it_is_due_and_what_it_started(browser: Client, nightly: Schedule) -> None:
    Schedule.objects.update(next_at=timezone.now())
    (run_id,) = firing.fire_due()
    page = browser.get(page_of("runs/schedule", nightly.pk))
    said = text(page)
    assert said.count(" 02:30 CE") == 5
    assert "started" in said
    assert page_of("runs/run", run_id) in page.content.decode()
    assert "nightly" in text(browser.get(SCHEDULES))
    assert "nightly" in text(browser.get(f"{SCHEDULES}?q=night&is_paused__exact=0"))


def test_it_is_paused_and_resumed_after_asking(browser: Client, nightly: Schedule) -> None:
    for action, state, event in (("pause", True, "schedule.paused"), ("resume", False, "schedule.resumed")):
        assert "?" in text(act(browser, f"{action}_selected", nightly.pk, where=SCHEDULES))
        act(browser, f"{action}_selected", nightly.pk, where=SCHEDULES, confirmed="yes")
        assert Schedule.objects.get().is_paused is state
        assert last_audited() == (event, "olivia")


def test_a_run_is_started_now_and_the_schedule_ended(browser: Client, nightly: Schedule) -> None:
    act(browser, "trigger_selected", nightly.pk, where=SCHEDULES, confirmed="yes")
    assert Run.objects.get().ordered_by == "schedule:nightly"
    assert last_audited() == ("schedule.triggered", "olivia")
    page = act(browser, "end_selected", nightly.pk, where=SCHEDULES, confirmed="yes", from_page="1")
    assert page.redirect_chain[-1][0] == SCHEDULES
    assert (Schedule.objects.exists(), Run.objects.count()) == (False, 1)
    assert last_audited() == ("schedule.deleted", "olivia")


def test_its_timing_is_changed(browser: Client, nightly: Schedule) -> None:
    assert "30 2 * * *" in browser.get(timing(nightly)).content.decode()
    told = {"cron": "61 * * * *", "time_zone": "UTC", "overlap": "queue"}
    assert "The minute of a cron expression" in text(browser.post(timing(nightly), told))
    browser.post(timing(nightly), {**told, "cron": "@daily", "misfire_grace_seconds": "60"})
    row = Schedule.objects.get()
    assert (row.cron, row.time_zone, row.overlap, row.misfire_grace_seconds) == ("@daily", "UTC", "queue", 60)
    assert row.next_at != nightly.next_at
    assert last_audited() == ("schedule.updated", "olivia")


def test_who_may_only_see_schedules_has_no_buttons_and_is_refused(nightly: Schedule) -> None:
    viewer = member("vera", "view_schedule")
    page = text(viewer.get(page_of("runs/schedule", nightly.pk)))
    assert "30 2 * * *" in page
    words = ("Pause", "Start a run now", "End this schedule", "Change the timing")
    assert [word for word in words if word in page] == []
    for action in ("pause", "resume", "trigger", "end"):
        assert act(viewer, f"{action}_selected", nightly.pk, where=SCHEDULES, confirmed="yes").status_code == 403
    assert viewer.post(timing(nightly), {"cron": "@daily"}).status_code == 403
    assert member("nora").get(SCHEDULES).status_code == 403
    row = Schedule.objects.get()
    assert (row.is_paused, row.cron, Run.objects.exists()) == (False, "30 2 * * *", False)


def test_pages_take_few_statements_however_many_runs_there_were(browser: Client, nightly: Schedule) -> None:
    for _ in range(12):
        firing.trigger("nightly", actor="op")
    pages = [SCHEDULES, page_of("runs/schedule", nightly.pk), timing(nightly), RETENTION]
    assert {page: took for page in pages if (took := cost(browser, page)) > MOST_STATEMENTS} == {}


@pytest.fixture
def old_run(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that is past its window, in no project."""
    monkeypatch.chdir(tmp_path)
    settings.RETENTION_DAYS = settings.RETENTION_DAYS.copy()
    run = start(spec_of(step("a")))
    advance(run)
    let_be_old(run)
    keep(runs=30)
    return run


def test_what_is_past_its_window_is_counted_and_then_pruned_after_asking(browser: Client, old_run: Run) -> None:
    assert "Runs 30 days – –" in text(browser.get(RETENTION)).replace("runs", "Runs")  # noqa: RUF001 - dashes
    counted = text(browser.post(RETENTION, {"do": "count"}))
    assert "runs 30 days 1" in counted
    assert "KNEO_SERV_RETENTION_RUNS_DAYS" in counted
    asking = text(browser.post(RETENTION, {"do": "prune"}))
    assert "Yes, prune" in asking
    assert Run.objects.exists()
    assert "Pruned 1 runs." in text(browser.post(RETENTION, {"do": "prune", "confirmed": "yes"}, follow=True))
    assert not Run.objects.exists()
    event = AuditEvent.objects.get(event_type="retention.pruned")
    assert (event.actor, event.metadata) == ("olivia", {"runs": 1})


def test_who_may_not_delete_runs_counts_and_prunes_nothing(old_run: Run) -> None:
    viewer = member("vera", "view_retentionmark")
    page = text(viewer.post(RETENTION, {"do": "count"}))
    assert "runs 30 days 1" in page
    assert "Prune now" not in page
    assert viewer.post(RETENTION, {"do": "prune", "confirmed": "yes"}).status_code == 403
    assert member("nora").get(RETENTION).status_code == 403
    assert Run.objects.exists()


def test_without_a_window_there_is_nothing_to_prune(browser: Client, old_run: Run) -> None:
    keep()
    assert "No window is set" in text(browser.get(RETENTION))
    browser.post(RETENTION, {"do": "prune", "confirmed": "yes"})
    assert Run.objects.exists()


def test_windows_that_cannot_be_read_are_told_of(browser: Client, old_run: Run, settings: Settings) -> None:
    settings.PROJECT_CONFIG = "missing.yaml"
    assert "missing.yaml" in text(browser.get(RETENTION))
