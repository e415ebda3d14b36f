"""The console without a mouse."""

from playwright.sync_api import expect

from tests.browser import scenery
from tests.browser.conftest import PHONE, Desk

SEARCH = "#search-input-command"


def test_what_is_typed_at_once_after_the_keys_of_the_search_is_in_it(desk: Desk) -> None:
    page = desk.window(scenery.operator())
    for _ in range(10):
        page.goto("/admin/runs/leaseowner/")
        page.keyboard.press("Control+k")
        page.keyboard.type("schedules")
        assert page.locator(SEARCH).input_value() == "schedules"
    page.get_by_role("link", name="Schedules • Runs").click()
    expect(page).to_have_url(f"{desk.url}/admin/runs/schedule/")


def test_the_keys_that_open_the_search_close_it(desk: Desk) -> None:
    page = desk.window(scenery.operator())
    page.goto("/admin/runs/leaseowner/")
    for is_open in (True, False, True):
        page.keyboard.press("Control+k")
        expect(page.locator(SEARCH)).to_be_visible(visible=is_open)


def test_the_sidebar_is_hidden_and_shown(desk: Desk) -> None:
    page = desk.window(scenery.operator())
    page.goto("/admin/runs/leaseowner/")
    sidebar, toggle = page.locator("#nav-sidebar"), page.get_by_role("button", name="Show or hide the sidebar")
    for key, is_shown in (("Enter", False), (" ", True)):
        toggle.press(key)
        expect(sidebar).to_be_visible(visible=is_shown)


def test_what_opens_with_a_click_opens_with_a_key(desk: Desk) -> None:
    page = desk.window(scenery.operator(), viewport=PHONE)
    page.goto("/admin/runs/run/")
    page.get_by_role("button", name="Show or hide the sidebar").press("Enter")
    page.get_by_role("button", name="olivia").press("Enter")
    page.get_by_role("button", name="Dark").press("Enter")
    expect(page.locator("html")).to_have_class("dark")
    page.get_by_role("button", name="Close", exact=True).first.press("Enter")
    page.get_by_role("button", name="Filters").press("Enter")
    expect(page.get_by_text("By status")).to_be_visible()


def test_the_page_that_asks_before_a_rejection_has_no_errors(desk: Desk) -> None:
    task = scenery.asked()
    page = desk.window(scenery.operator())
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"/admin/humantasks/humantask/{task.pk}/change/")
    page.get_by_role("button", name="Reject…").click()
    expect(page.get_by_role("heading", name="Reject?")).to_be_visible()
    page.keyboard.press("j")
    assert errors == []
