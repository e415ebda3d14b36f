"""People at their inbox: with the mouse, with the keyboard alone, and two of them at one question."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from humantasks.models import HumanTask
from kneo_project.celery import app
from runs import heartbeat
from tests.browser.conftest import PHONE, Desk
from tests.browser.scenery import DELIVERY, asked, inbox, reviewer

INBOX = "/admin/humantasks/humantask/"
TOO_WIDE = "document.documentElement.scrollWidth > window.innerWidth"
FOCUSED = "document.activeElement.textContent.trim()"


@pytest.fixture(autouse=True)
def bell() -> Iterator[None]:
    """Let the bell advance the run in the process that rings it."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False
    heartbeat.retire()


def decision(task: HumanTask) -> tuple[str | None, str | None, str]:
    """Return what was decided, by whom, and the status of the run."""
    task.refresh_from_db()
    task.run.refresh_from_db()
    return task.decision, task.decided_by, task.run.status


def open_task(page: Page, task: HumanTask) -> None:
    page.goto(f"{INBOX}{task.pk}/change/")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_task_is_approved_with_the_mouse(desk: Desk) -> None:
    task = asked(assignee="bea")
    page = desk.window(reviewer("bea", sees_runs=True))
    page.goto(INBOX)
    page.get_by_role("link", name="My tasks 1").click()
    page.get_by_role("link", name="Release this order?").click()
    expect(page.get_by_role("region", name="What is asked")).to_contain_text("Please pay.")
    press(page, "Approve")
    expect(page.get_by_text("Nothing else waits for you here.")).to_be_visible()
    expect(page).to_have_url(f"{desk.url}{INBOX}?whose=mine")
    assert decision(task) == ("approved", "bea", "completed")
    page.get_by_role("link", name="Open the run").click()
    expect(page).to_have_url(f"{desk.url}/admin/runs/run/{task.run_id}/change/")


def test_tasks_are_approved_with_the_keyboard_alone(desk: Desk) -> None:
    first, second = asked(timeout_seconds=60), asked(description="And this one?")
    page = desk.window(reviewer("bea"))
    page.goto(INBOX)
    for key, question in {"j": "Release this order?", "jj": "And this one?", "k": "Release this order?"}.items():
        for letter in key:
            page.keyboard.press(letter)
        assert page.evaluate(FOCUSED) == question
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Release this order?")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="And this one?")).to_be_visible()
    assert decision(first) == ("approved", "bea", "completed")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Reject?")).to_be_visible()
    assert decision(second)[0] is None


def test_keys_are_letters_while_somebody_types(desk: Desk) -> None:
    task = asked()
    page = desk.window(reviewer("bea"))
    open_task(page, task)
    page.get_by_label("Comment").fill("")
    page.get_by_label("Comment").press_sequentially("are j k r?")
    expect(page.get_by_label("Comment")).to_have_value("are j k r?")
    expect(page.get_by_label("Comment")).to_be_focused()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_keys_are_told(desk: Desk) -> None:
    page = desk.window(reviewer("bea"))
    for address in (INBOX, f"{INBOX}{asked().pk}/change/"):
        page.goto(address)
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        expect(page.get_by_text("Available shortcuts")).to_be_hidden()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
        page.get_by_role("button", name="Keys").click()
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_a_form_is_filled_in_and_what_is_wrong_is_said_in_its_place(desk: Desk) -> None:
    task = asked(form=DELIVERY)
    page = desk.window(reviewer("bea"))
    open_task(page, task)
    page.get_by_label("Amount in euros").fill("12.5")
    page.get_by_label("Amount in euros").press("Enter")  # decides nothing
    press(page, "Approve")
    expect(page.locator(".kneo-row.errors")).to_contain_text("This field is required.")
    expect(page.get_by_label("Amount in euros")).to_have_value("12.5")
    page.get_by_label("Cost center").select_option("office")
    page.get_by_label("Pay on").fill("2026-12-24")
    page.get_by_label("References").fill("A 1\nB 2")
    page.get_by_label("Street").fill("Hauptplatz 1")
    press(page, "Approve")
    expect(page.get_by_text("Nothing else waits for you here.")).to_be_visible()
    task.refresh_from_db()
    assert task.filled_form == {
        "cost_center": "office",
        "amount": 12.5,
        "pay_on": "2026-12-24",
        "urgent": False,
        "references": ["A 1", "B 2"],
        "address": {"street": "Hauptplatz 1", "floor": 2},
    }


def test_two_people_in_two_windows_approve_together(desk: Desk) -> None:
    task = asked(approvals=2)
    bea, mario = desk.window(reviewer("bea")), desk.window(reviewer("mario"))
    for page in (bea, mario):
        open_task(page, task)
    bea.get_by_label("Comment").fill("Prices are as agreed.")
    press(bea, "Approve")
    expect(bea.get_by_text("1 of 2 have approved.")).to_be_visible()
    bea.goto(INBOX)
    expect(bea.get_by_text("1 of 2")).to_be_visible()
    open_task(bea, task)
    expect(bea.get_by_role("button", name="Approve", exact=True)).to_be_hidden()

    mario.reload()
    expect(mario.get_by_text("Prices are as agreed.")).to_be_visible()
    press(mario, "Approve")
    expect(mario.get_by_text("Nothing else waits for you here.")).to_be_visible()
    assert decision(task) == ("approved", "mario", "completed")


def test_a_task_is_rejected_with_a_comment(desk: Desk) -> None:
    task = asked(on_reject="fail")
    page = desk.window(reviewer("bea"))
    open_task(page, task)
    page.get_by_label("Comment").fill("Too dear")
    press(page, "Reject…")
    expect(page.get_by_text("The run ends as failed.")).to_be_visible()
    expect(page.get_by_label("Comment")).to_have_value("Too dear")
    page.get_by_role("link", name="No, take me back").click()
    expect(page).to_have_url(f"{desk.url}{INBOX}{task.pk}/change/")
    page.get_by_label("Comment").fill("Too dear")
    press(page, "Reject…")
    press(page, "Yes, reject")
    expect(page.get_by_text("Nothing else waits for you here.")).to_be_visible()
    assert decision(task) == ("rejected", "bea", "failed")
    assert task.content == "Too dear"


def test_a_text_is_changed_and_approved(desk: Desk) -> None:
    task = asked()
    page = desk.window(reviewer("bea"))
    open_task(page, task)
    page.get_by_text("Change the text").click()
    page.get_by_label("The text").fill("Pay half.")
    press(page, "Approve the changed text")
    expect(page.get_by_text("Nothing else waits for you here.")).to_be_visible()
    assert decision(task) == ("edited", "bea", "completed")
    assert task.content == "Pay half."


def test_a_task_that_somebody_claimed_meanwhile_says_so(desk: Desk) -> None:
    task = asked()
    bea, mario = desk.window(reviewer("bea")), desk.window(reviewer("mario"))
    open_task(mario, task)
    open_task(bea, task)
    press(bea, "Claim")
    expect(bea.get_by_role("button", name="Release", exact=True)).to_be_visible()
    press(mario, "Approve")
    expect(mario.get_by_text("Nothing was done: bea has claimed this human task")).to_be_visible()
    press(mario, "Release the claim of bea")
    press(mario, "Approve")
    expect(mario.get_by_text("Nothing else waits for you here.")).to_be_visible()
    assert decision(task)[:2] == ("approved", "mario")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_inbox_fits_a_phone(desk: Desk, scheme: str) -> None:
    tasks = inbox()
    page = desk.window(reviewer("bea", "finance"), viewport=PHONE, color_scheme=scheme)
    for address in (INBOX, *(f"{INBOX}{task.pk}/change/" for task in tasks.values())):
        page.goto(address)
        assert not page.evaluate(TOO_WIDE), address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_inbox_is_accessible(desk: Desk, scheme: str) -> None:
    tasks = inbox()
    page = desk.window(reviewer("bea", "finance"), color_scheme=scheme)
    for address in (INBOX, *(f"{INBOX}{task.pk}/change/" for task in tasks.values())):
        page.goto(address)
        found = Axe().run(page).response["violations"]
        grave = [each for each in found if each["impact"] in {"serious", "critical"}]
        assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in grave] == [], address
