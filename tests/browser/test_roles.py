"""Each role at the console, from the login on; and two people with one run, neither of whom reloads a page."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from humantasks.models import HumanTask
from kneo_project.celery import app
from runs.models import Run
from tests.browser import scenery
from tests.browser.conftest import Desk
from tests.browser.test_run_page import expect_status, open_run, queued

PASSWORD = "correct horse battery"
RUNS = "/admin/runs/run/"
# By group, what stands in the sidebar and what does not, and the buttons of a run that waits for a person.
ROLES: Mapping[str, tuple[set[str], set[str], set[str]]] = {
    "Admin": ({"Runs", "Human tasks", "Policies", "API keys"}, set(), {"Fork…", "Cancel this run…"}),
    "Operator": ({"Runs", "Human tasks", "Policies"}, {"API keys", "Users"}, {"Fork…", "Cancel this run…"}),
    "Reviewer": ({"Runs", "Human tasks"}, {"Policies", "API keys", "Users"}, set()),
    "Viewer": ({"Runs", "Human tasks", "Specs"}, {"Policies", "API keys", "Users"}, set()),
}
OF_ALL = {"Fork…", "Cancel this run…"}


@pytest.fixture
def bell() -> Iterator[None]:
    """Let runs advance where they are rung for."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def log_in(desk: Desk, group: str, folder: Path) -> Page:
    """Have a person of ``group`` made as an operator makes one, and log in as a person does."""
    secret = folder / "password"
    secret.write_text(PASSWORD)
    call_command("person", group.lower(), group=[group], password_file=secret, stdout=io.StringIO())
    page = desk.window()
    page.goto("/admin/")
    page.get_by_label("Username").fill(group.lower())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{desk.url}/admin/")
    return page


@pytest.mark.parametrize("group", ROLES)
def test_each_role_sees_its_pages_and_its_buttons(desk: Desk, tmp_path: Path, group: str) -> None:
    shown, hidden, buttons = ROLES[group]
    run = scenery.expense_claim()
    page = log_in(desk, group, tmp_path)
    sidebar = page.locator("#nav-sidebar-apps")
    for title in shown:
        expect(sidebar.get_by_role("link", name=title, exact=True)).to_have_count(1)
    for title in hidden:
        expect(sidebar.get_by_role("link", name=title, exact=True)).to_have_count(0)
    page.goto(f"{RUNS}{run.pk}/change/")
    expect(page.get_by_role("heading", name="expense-approval").first).to_be_visible()
    for name in OF_ALL:
        expect(page.get_by_role("button", name=name)).to_have_count(1 if name in buttons else 0)


def test_a_viewer_who_forges_a_press_is_refused(desk: Desk, tmp_path: Path) -> None:
    run = scenery.expense_claim()
    page = log_in(desk, "Viewer", tmp_path)
    page.goto(RUNS)
    (token,) = [each["value"] for each in page.context.cookies() if each["name"] == "csrftoken"]
    forged = {"action": "cancel_selected", "_selected_action": str(run.pk), "confirmed": "yes"}
    form: dict[str, str | float | bool] = {**forged, "csrfmiddlewaretoken": token}
    answer = page.request.post(f"{desk.url}{RUNS}", form=form, headers={"Referer": f"{desk.url}{RUNS}"})
    assert answer.status == 403
    run.refresh_from_db()
    assert run.status == "blocked"


@pytest.mark.usefixtures("bell")
def test_a_question_is_answered_at_the_inbox_while_somebody_watches_the_run(desk: Desk) -> None:
    run = queued()
    watching = open_run(desk, run)
    scenery.work()
    expect_status(watching, "blocked")
    answering = desk.window(scenery.reviewer("bea"))
    answering.goto("/admin/humantasks/humantask/")
    answering.get_by_role("link", name="Approve this expense claim").click()
    answering.get_by_role("button", name="Approve", exact=True).click()
    expect(answering.get_by_text("Nothing else waits for you here.")).to_be_visible()
    expect_status(watching, "completed")
    assert HumanTask.objects.get(run=run).decided_by == "bea"
    assert Run.objects.get(pk=run.pk).status == "completed"
