"""The admin's pages about schedules and retention: what they show, what they cost, and who may do what there."""

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from kneo_project.audit.models import AuditEvent
from runs.models import Priority, Run, Schedule
from runs.schedules import firing, keeping
from runs.serializers.schedules import COLUMNS
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


def edit(row: Schedule) -> str:
    return f"{SCHEDULES}{row.pk}/edit/"


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


def test_when_it_is_due_is_changed(browser: Client, nightly: Schedule) -> None:
    assert "30 2 * * *" in browser.get(edit(nightly)).content.decode()
    told = {"time_zone": "UTC", "overlap": "queue", "misfire_grace_seconds": "60"}
    wrong = browser.post(edit(nightly), filled(browser, nightly, **told, cron="61 * * * *"))
    assert "The minute of a cron expression" in text(wrong)
    browser.post(edit(nightly), filled(browser, nightly, **told, cron="@daily"))
    row = Schedule.objects.get()
    assert (row.cron, row.time_zone, row.overlap, row.misfire_grace_seconds) == ("@daily", "UTC", "queue", 60)
    assert row.next_at != nightly.next_at
    assert last_audited() == ("schedule.updated", "olivia")


def filled(browser: Client, row: Schedule, **changes: str) -> dict[str, str]:
    """Return what a browser sends when somebody makes ``changes`` on the page of ``row``: also what it was shown."""
    forms = browser.get(edit(row)).context["change"].forms
    shown = {field.name: str(field.value() or "") for form in forms for field in form}
    before = {f"initial-{name}": value for name, value in shown.items()}
    crlf = {name: value.replace("\n", "\r\n") for name, value in (before | shown | changes).items()}
    return {name: value for name, value in crlf.items() if name != "upload"}


def test_all_of_it_is_changed(browser: Client, nightly: Schedule, settings: Settings) -> None:
    settings.QUEUES = ("bulk",)
    asked = {
        "queue": "bulk", "priority": "low",
        "input": "the day\nbefore", "target": "agent", "session_id": "s-1", "tags": "reports, nightly",
        "metadata": '{"team": "billing"}', "timeout_seconds": "60", "token_budget": "5000", "cost_budget": "0.5",
        "misfire_grace_seconds": "10",
    }  # fmt: skip
    browser.post(edit(nightly), filled(browser, nightly, **asked))
    row = Schedule.objects.get()
    assert (row.input_text, row.target, row.session_id, row.tags) == (
        "the day\nbefore", "agent", "s-1", ["reports", "nightly"],
    )  # fmt: skip
    assert (row.caller_metadata, row.timeout_seconds, row.token_budget, row.cost_budget) == (
        {"team": "billing"}, 60, 5000, 0.5,
    )  # fmt: skip
    assert (row.cron, row.next_at) == (nightly.cron, nightly.next_at)
    assert (row.queue, row.priority) == ("bulk", Priority.LOW)
    changed = AuditEvent.objects.get(event_type="schedule.updated").metadata["changed"]
    assert changed == sorted(set(COLUMNS.values()) - {"cron", "time_zone", "overlap", "is_paused"})
    emptied = dict.fromkeys(("session_id", "tags", "metadata", "timeout_seconds", "cost_budget"), "")
    browser.post(edit(row), filled(browser, row, **emptied))
    row.refresh_from_db()
    assert (row.session_id, row.tags, row.caller_metadata) == (None, [], {})
    assert (row.timeout_seconds, row.token_budget, row.cost_budget) == (None, 5000, None)


def test_nothing_changes_that_is_left_as_it_was_shown(browser: Client, nightly: Schedule) -> None:
    told = filled(browser, nightly, tags="mine")
    keeping.update_schedule("nightly", None, {"input_text": "of somebody else\nmeanwhile"}, actor="bob")
    browser.post(edit(nightly), told)
    row = Schedule.objects.get()
    assert (row.tags, row.input_text) == (["mine"], "of somebody else\nmeanwhile")


def test_what_no_page_shows_stays_unless_something_is_written_instead(browser: Client, nightly: Schedule) -> None:
    keeping.update_schedule("nightly", None, {"input_text": "ask jane.doe@example.com"}, actor="bob")
    assert "Parts of the text are hidden" in text(browser.get(edit(nightly)))
    assert "jane.doe" not in browser.get(edit(nightly)).content.decode()
    browser.post(edit(nightly), filled(browser, nightly, tags="a"))
    assert Schedule.objects.get().input_text == "ask jane.doe@example.com"
    browser.post(edit(nightly), filled(browser, nightly, input="ask nobody"))
    assert Schedule.objects.get().input_text == "ask nobody"


def test_its_spec_is_replaced_by_one_that_can_be_run(browser: Client, nightly: Schedule) -> None:
    broken = browser.post(edit(nightly), filled(browser, nightly, text="version: v1\nagent: 7\n"))
    assert "Line 2" in text(broken)
    assert Schedule.objects.get().snapshot_id == nightly.snapshot_id
    browser.post(edit(nightly), filled(browser, nightly, text="version: v1\nagent:\n  name: other\n"))
    row = Schedule.objects.get()
    assert row.snapshot.content["base"]["agent"]["name"] == "other"
    assert (row.input_text, last_audited()) == ("hi", ("schedule.updated", "olivia"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tags": "!"}, "A tag is 1 to 64 letters and digits"),
        ({"metadata": "[1]"}, "Input should be a valid dictionary"),
        ({"timeout_seconds": "0"}, "greater than or equal to 1"),
        ({"time_zone": "Mars/Olympus"}, "time zone"),
        ({"environment": "prod"}, "need a `spec`"),
    ],
)
def test_what_the_api_refuses_the_page_refuses(
    browser: Client, nightly: Schedule, changes: dict[str, str], sentence: str
) -> None:
    assert sentence in text(browser.post(edit(nightly), filled(browser, nightly, **changes)))
    assert not AuditEvent.objects.filter(event_type="schedule.updated").exists()


def test_who_may_only_see_schedules_has_no_buttons_and_is_refused(nightly: Schedule) -> None:
    viewer = member("vera", "view_schedule")
    page = text(viewer.get(page_of("runs/schedule", nightly.pk)))
    assert "30 2 * * *" in page
    words = ("Pause", "Start a run now", "End this schedule", "Change it")
    assert [word for word in words if word in page] == []
    for action in ("pause", "resume", "trigger", "end"):
        assert act(viewer, f"{action}_selected", nightly.pk, where=SCHEDULES, confirmed="yes").status_code == 403
    assert viewer.post(edit(nightly), {"cron": "@daily"}).status_code == 403
    assert member("nora").get(SCHEDULES).status_code == 403
    row = Schedule.objects.get()
    assert (row.is_paused, row.cron, Run.objects.exists()) == (False, "30 2 * * *", False)


def test_pages_take_few_statements_however_many_runs_there_were(browser: Client, nightly: Schedule) -> None:
    for _ in range(12):
        firing.trigger("nightly", actor="op")
    pages = [SCHEDULES, page_of("runs/schedule", nightly.pk), edit(nightly), RETENTION]
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
