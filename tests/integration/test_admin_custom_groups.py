"""Groups of somebody's own making: each part of a page, each table and each link asks for the model that it shows."""

import pytest

from kneo_project.audit.services import record
from runs.models import Run
from runs.schedules import firing, keeping
from specs.language.policy import EnvironmentPolicy
from specs.policies import replace_policy
from specs.services import SpecSource
from tests.browser import scenery
from tests.factories import CheckpointFactory
from tests.integration.admin_site import member, operator, page_of, text
from tests.integration.driving import spec_of, step

pytestmark = pytest.mark.django_db(transaction=True)
# By part of a run's page, the permission that it needs beside that to view runs.
PARTS = {
    "steps": "view_checkpoint",
    "trace": "view_traceevent",
    "changes": "view_checkpoint",
    "spec": "view_specsnapshot",
    "policy": "view_specsnapshot",
    "audit": "view_auditevent",
}
LINK_TO_RUN = 'href="/admin/runs/run/'


@pytest.fixture
def run() -> Run:
    return scenery.expense_claim()


@pytest.mark.parametrize(("tab", "permission"), PARTS.items())
def test_a_part_of_a_run_is_for_those_who_may_see_what_it_shows(run: Run, tab: str, permission: str) -> None:
    for viewer, is_shown in ((member("vera", "view_run"), False), (member("ada", "view_run", permission), True)):
        page = viewer.get(page_of("runs/run", run.pk)).content.decode()
        assert (f"?tab={tab}" in page) is is_shown
        assert viewer.get(page_of("runs/run", run.pk), {"tab": tab}).status_code == (200 if is_shown else 403)


def test_who_may_see_runs_alone_is_shown_nothing_of_their_history(run: Run) -> None:
    viewer = member("vera", "view_run")
    page = viewer.get(page_of("runs/run", run.pk)).content.decode()
    assert "expense-approval" in page
    for hidden in ('id="run-timeline"', "data-events", "/step/?place=", "/download/", "Human tasks", "humantask/"):
        assert hidden not in page
    for address in ("step/?place=approve", "download/", "events"):
        assert viewer.get(f"/admin/runs/run/{run.pk}/{address}").status_code == 403


def test_who_may_see_human_tasks_finds_them_on_the_page_of_the_run(run: Run) -> None:
    page = member("vera", "view_run", "view_humantask").get(page_of("runs/run", run.pk))
    assert "Approve this expense claim" in text(page)


def test_the_page_of_a_step_shows_calls_and_questions_to_those_who_may_see_them(run: Run) -> None:
    address = f"/admin/runs/run/{run.pk}/step/?place=approve"
    titles = ("Attempts, model calls and tool calls", "Questions to people")
    alone = text(member("vera", "view_run", "view_checkpoint").get(address))
    assert "Visit 1" in alone
    assert [title for title in titles if title in alone] == []
    permissions = ("view_run", "view_checkpoint", "view_traceevent", "view_humantask")
    everything = text(member("ada", *permissions).get(address))
    assert [title for title in titles if title in everything] == list(titles)


def test_runs_of_a_spec_and_of_a_schedule_are_for_those_who_may_see_runs() -> None:
    schedule = keeping.create_schedule(
        "nightly", SpecSource(spec=spec_of(step("a"))), {"cron": "@daily", "input_text": "hi"}, actor="alice"
    )
    started = firing.trigger("nightly", actor="alice")
    browser, viewer = operator(), member("vera", "view_schedule", "view_specsnapshot")
    for page in (page_of("runs/schedule", schedule.pk), page_of("specs/specsnapshot", schedule.snapshot_id)):
        assert str(started.pk)[:8] in text(browser.get(page))
        told = viewer.get(page)
        assert "latest runs" not in text(told)
        assert LINK_TO_RUN not in told.content.decode()


@pytest.mark.parametrize(
    ("model", "permission"),
    [
        ("audit/auditevent", "view_auditevent"),
        ("runs/checkpoint", "view_checkpoint"),
        ("runs/traceevent", "view_traceevent"),
        ("humantasks/humantask", "view_humantask"),
    ],
)
def test_lists_lead_to_runs_only_who_may_see_them(run: Run, model: str, permission: str) -> None:
    CheckpointFactory.create(run=run)
    record("run.inspected", actor="alice", run_id=run.pk)
    alone = member("vera", permission).get(f"/admin/{model}/")
    assert str(run.pk)[:8] in text(alone)
    assert LINK_TO_RUN not in alone.content.decode()
    assert LINK_TO_RUN in member("ada", permission, "view_run").get(f"/admin/{model}/").content.decode()


def test_what_was_changed_about_policies_is_one_click_from_each() -> None:
    replace_policy("prod", EnvironmentPolicy(require_guardrails=True), actor="alice")
    browser = operator()
    (link,) = [
        each.url
        for each in browser.get(page_of("specs/storedpolicy", "prod")).context["related"]
        if each.label == "Changes of policies"
    ]
    assert "policy.changed" in text(browser.get(link))
