"""The admin's pages about specs: every line is judged, nothing is stored, and who may makes a run or a schedule."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from kneo_project.audit.models import AuditEvent
from runs.models import Run, Schedule
from runs.services import StartRun, start_run
from specs import policies
from specs.language.policy import EnvironmentPolicy
from specs.models import SpecSnapshot, StoredPolicy
from specs.services import SpecSource
from tests.factories import RunFactory
from tests.hostile import BAD
from tests.integration.admin_site import member, operator, page_of, text
from tests.integration.driving import advance, spec_of, start, step

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Page

NEW = "/admin/runs/schedule/new/"
TRY = "/admin/specs/storedpolicy/try/"
MOST_STATEMENTS = 15
EXPENSES = Path("specs/examples/expense_approval.yaml").read_text()
BROKEN = EXPENSES.replace("kind: human", "kind: humon")
SMALL = "version: v1\nagent: {name: greeter}\n"


@pytest.fixture
def browser() -> Client:
    return operator()


def send(browser: Client, do: str = "check", spec: str = EXPENSES, **fields: object) -> "Page":
    """Press a button of the page for specs."""
    order = {"target": "workflow", "time_zone": "UTC", "overlap": "skip"} if do != "check" else {}
    return browser.post(NEW, {"do": do, "text": spec, **order, **fields}, follow=True)


def cost(browser: Client, address: str) -> int:
    """Return how many statements a page takes, once the process has looked up what it keeps."""
    browser.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200
    return len(captured)


def nothing_is_stored() -> bool:
    return not (Run.objects.exists() or Schedule.objects.exists() or SpecSnapshot.objects.exists())


def test_a_broken_spec_is_marked_at_the_line_with_a_suggestion(browser: Client) -> None:
    page = send(browser, spec=BROKEN.replace("\n", "\r\n"))
    line = BROKEN[: BROKEN.index("humon")].count("\n") + 1
    marked = re.findall(r'id="line-(\d+)" class="kneo-line kneo-bad-line"', page.content.decode())
    assert marked == [str(line)]
    said = text(page)
    assert "E_SCHEMA" in said
    assert "Did you mean &#x27;human&#x27; instead of &#x27;humon&#x27;?" in said
    assert "Correct each of the `problems`" in said
    assert nothing_is_stored()


def test_a_valid_spec_is_drawn_and_reported_on(browser: Client) -> None:
    page = send(browser).content.decode()
    assert 'data-source="spec-graph"' in page
    assert '"id": "classify"' in page
    said = text(send(browser))
    assert "Nothing: it can be run here." in said
    assert "human reviewers 1" in said
    assert nothing_is_stored()
    event = AuditEvent.objects.filter(event_type="spec.validated").latest("pk")
    assert (event.actor, event.metadata["valid"]) == ("olivia", True)


def test_a_file_takes_the_place_of_the_text(browser: Client) -> None:
    upload = SimpleUploadedFile("spec.json", b'{"version": "v1",\n "agent": {"nam": "x"}}')
    said = text(send(browser, upload=upload))
    assert "`nam` is not a key of the language" in said.replace("&#x27;", "'")
    binary = SimpleUploadedFile("spec.yaml", b"\xff\xfe\x00")
    assert "The file is not UTF-8 text." in text(send(browser, upload=binary))


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("", "The file is empty"),
        ("version: v1\nagent: [", "The YAML is malformed"),
        ("- a", "A spec is a mapping"),
        (str(BAD["aliases.yaml"]), "E_LIMIT"),
        (str(BAD["deep.yaml"]), "E_LIMIT"),
        (str(BAD["nul.yaml"]), "Null characters are not allowed."),
        ("a: !!python/object/apply:os.system [id]", "E_SYNTAX"),
        ("version: v1\nagent: {name: '<script>alert(1)</script>', x: 1}", "E_SCHEMA"),
    ],
)
def test_hostile_texts_are_remarked_on_like_any_other(browser: Client, spec: str, sentence: str) -> None:
    page = send(browser, spec=spec)
    assert page.status_code == 200
    assert sentence in text(page)
    assert "<script>alert" not in page.content.decode()


def test_a_spec_that_the_api_would_not_take_is_refused_in_a_sentence(browser: Client, settings: Settings) -> None:
    settings.MAX_INLINE_SPEC_BYTES = 20
    assert "at most 20 are taken" in text(send(browser, "start", SMALL, input="hi"))
    settings.MAX_INLINE_SPEC_BYTES = 10_000
    settings.FUNCTION_MODULES = ()
    assert "E_FUNCTION_NOT_ALLOWED" in text(send(browser, "start", input="hi"))
    policies.replace_policy("prod", EnvironmentPolicy(require_human_review=True), actor="op")
    said = text(send(browser, "start", SMALL, input="hi", environment="prod"))
    assert "E_ENV_POLICY_HUMAN_REVIEW" in said
    assert nothing_is_stored()


def test_a_run_is_started_once_however_often_the_button_is_pressed(browser: Client) -> None:
    order = {"input": "taxi", "tags": "a b, c", "metadata": '{"team": "x"}', "timeout_seconds": "60", "once": "w"}
    for _ in range(2):
        page = send(browser, "start", **order)
        run = Run.objects.get()
        assert page.redirect_chain[-1][0] == page_of("runs/run", run.pk)
    assert (run.input_text, run.tags, run.caller_metadata) == ("taxi", ["a", "b", "c"], {"team": "x"})
    assert (run.timeout_seconds, run.ordered_by) == (60, "olivia")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"metadata": "{"}, "This is no JSON."),
        ({"metadata": "[1]"}, "Input should be a valid dictionary."),
        ({"tags": "!"}, "A tag is 1 to 64 letters and digits"),
        ({"timeout_seconds": "0"}, "greater than or equal to 1"),
        ({"target": "moon"}, "Select a valid choice"),
    ],
)
def test_an_order_that_makes_no_sense_is_shown_with_its_errors_and_its_text(
    browser: Client, fields: dict[str, str], sentence: str
) -> None:
    page = send(browser, "start", input="taxi", **fields)
    said = text(page)
    assert sentence in said
    assert "taxi" in said
    assert nothing_is_stored()


def test_a_schedule_is_made_of_it(browser: Client) -> None:
    wrong = send(browser, "schedule", input="hi", name="nightly", cron="61 * * * *")
    assert "The minute of a cron expression" in text(wrong)
    page = send(browser, "schedule", input="hi", name="nightly", cron="30 2 * * *", time_zone="Europe/Vienna")
    row = Schedule.objects.get()
    assert page.redirect_chain[-1][0] == page_of("runs/schedule", row.pk)
    assert (row.name, row.input_text, row.created_by, row.next_at is not None) == ("nightly", "hi", "olivia", True)
    again = send(browser, "schedule", input="hi", name="nightly", cron="@daily")
    assert "There is a schedule of that name already." in text(again)
    assert Schedule.objects.get().cron == "30 2 * * *"


def test_who_may_only_read_sees_no_button_and_is_refused(browser: Client) -> None:
    viewer = member("vera", "view_specsnapshot", "view_run", "view_schedule")
    page = text(send(viewer))
    assert "Nothing: it can be run here." in page
    assert [button for button in ("Start the run", "Make the schedule") if button in page] == []
    for do in ("start", "schedule", "nonsense"):
        assert send(viewer, do, input="hi", name="n", cron="@daily").status_code == 403
    assert member("nora").get(NEW).status_code == 403
    assert nothing_is_stored()


def test_a_frozen_spec_is_shown_with_colours_its_graph_and_its_runs(browser: Client) -> None:
    run = start({**spec_of(step("a")), "metadata": {"api_key": "sk-live-1234567890abcdef"}})
    advance(run)
    page = browser.get(page_of("specs/specsnapshot", run.snapshot_id)).content.decode()
    assert '<span class="nt">version</span>' in page
    assert '"id": "a"' in page
    assert page_of("runs/run", run.pk) in page
    assert "sk-live" not in page
    again = browser.get(NEW, {"spec": run.snapshot_id}).content.decode()
    assert "version: v1" in again
    assert "sk-live" not in again


def test_a_frozen_spec_that_cannot_be_run_any_more_says_why(browser: Client) -> None:
    run = RunFactory.create()
    assert "It cannot be run by this release" in text(browser.get(page_of("specs/specsnapshot", run.snapshot_id)))


def test_a_policy_is_tried_out_before_it_is_put_in_force(browser: Client) -> None:
    run = start_in("prod")
    demands = {"environment": "prod", "enabled": "on", "require_human_review": "on"}
    page = browser.post(TRY, {**demands, "do": "try"})
    assert "1 would be refused that are accepted now" in text(page)
    assert page_of("runs/run", run.pk) in page.content.decode()
    assert not StoredPolicy.objects.exists()
    assert "There is no diagnostic" in text(browser.post(TRY, {**demands, "blocked_diagnostic_codes": "X_Y"}))
    browser.post(TRY, {**demands, "do": "store", "blocked_diagnostic_codes": "W_TOOL_SHELL_ALLOWED"})
    stored = policies.policy_of("prod")
    assert stored is not None
    assert (stored.require_human_review, stored.blocked_diagnostic_codes) == (True, ["W_TOOL_SHELL_ALLOWED"])
    event = AuditEvent.objects.get(event_type="policy.changed")
    assert (event.actor, event.metadata["environment"]) == ("olivia", "prod")
    shown = text(browser.get(page_of("specs/storedpolicy", "prod")))
    assert "olivia" in shown
    relaxed = text(browser.post(TRY, {"environment": "prod", "do": "try"}))
    assert "1 would be accepted that are refused now" in relaxed


def test_who_may_only_read_policies_tries_them_out_and_no_more() -> None:
    viewer = member("vera", "view_storedpolicy")
    page = text(viewer.post(TRY, {"environment": "prod", "do": "try", "require_guardrails": "on"}))
    assert "What it would change" in page
    assert "Put it in force" not in page
    assert viewer.post(TRY, {"environment": "prod", "do": "store"}).status_code == 403
    assert member("nora").get(TRY).status_code == 403
    assert not StoredPolicy.objects.exists()


def test_pages_take_few_statements(browser: Client) -> None:
    run = start_in("prod")
    RunFactory.create_batch(30, snapshot=run.snapshot, environment="prod", created_at=datetime.now(UTC))
    for spec in range(12):
        start_in("prod", name=f"a{spec}")
    policies.replace_policy("prod", EnvironmentPolicy(), actor="op")
    pages = [NEW, page_of("specs/specsnapshot", run.snapshot_id), page_of("specs/storedpolicy", "prod"), TRY]
    assert {page: cost(browser, page) for page in pages if cost(browser, page) > MOST_STATEMENTS} == {}
    with CaptureQueriesContext(connection) as captured:
        assert browser.post(TRY, {"environment": "prod", "do": "try", "require_guardrails": "on"}).status_code == 200
    assert len(captured) <= MOST_STATEMENTS
    with CaptureQueriesContext(connection) as captured:
        assert send(browser).status_code == 200
    assert len(captured) <= MOST_STATEMENTS


def start_in(environment: str, name: str = "a") -> Run:
    """Start a run of a spec of its own in ``environment``."""
    source = SpecSource(spec=spec_of(step(name, "a")), environment=environment)
    return start_run(StartRun(source=source, input_text="hi"), actor="op")
