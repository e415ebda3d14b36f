"""No page does what its Content-Security-Policy refuses."""

import pytest
from playwright.sync_api import Page

from kneo_project.apikeys.services import create_key
from tests.browser import scenery
from tests.browser.conftest import Desk

# Redoc shows the logo of its maker, from the maker's host, and has no option to leave it out.
TOLERATED = "https://cdn.redoc.ly/redoc/logo-mini.svg"


@pytest.fixture
def page(desk: Desk) -> Page:
    """A window that keeps what was refused in ``window.refused``, before any script of the page runs."""
    page = desk.window(scenery.operator())
    page.add_init_script(
        "window.refused = []; document.addEventListener('securitypolicyviolation',"
        " event => window.refused.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`))"
    )
    return page


def refused(page: Page, address: str) -> list[str]:
    """Return what a page did that was refused."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return [each for each in page.evaluate("window.refused") if TOLERATED not in each]


def test_nothing_is_refused_on_any_kind_of_page(page: Page) -> None:
    run, task = scenery.night()
    key, _ = create_key("studio", ["viewer"], expires_at=None, actor="op")
    addresses = [
        "/admin/",
        "/admin/runs/",
        "/admin/runs/run/",
        f"/admin/runs/run/{run.pk}/change/",
        f"/admin/humantasks/humantask/{task.pk}/change/",
        f"/admin/apikeys/apikey/{key.pk}/change/",
        "/admin/apikeys/apikey/add/",
        "/admin/auth/user/add/",
        "/admin/auth/group/add/",
        "/admin/password_change/",
        "/docs",
        "/redoc",
    ]
    assert [(address, what) for address in addresses for what in refused(page, address)] == []


def test_nothing_is_refused_of_what_moves(page: Page) -> None:
    run, _ = scenery.night()
    page.goto("/admin/runs/run/")
    page.locator("input.action-select").first.check()
    page.get_by_text("Filters").click()
    page.get_by_role("link", name="completed").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("audit")
    page.locator("#command-results").get_by_text("Audit events").wait_for()
    assert page.evaluate("window.refused") == []
    page.goto(f"/admin/runs/run/{run.pk}/change/")
    page.get_by_role("button", name="Cancel this run…").click()
    page.get_by_role("button", name="Yes, cancel").click()
    page.get_by_text("Cancelled 1 run.").wait_for()
    assert page.evaluate("window.refused") == []


def test_the_documentation_of_the_api_works(page: Page) -> None:
    page.goto("/docs")
    page.get_by_role("heading", name="kneo-serv").first.wait_for()
    page.locator("#operations-tag-runs, .opblock").first.wait_for()
    page.goto("/redoc")
    page.get_by_role("heading", name="kneo-serv").first.wait_for()


def test_a_script_in_the_page_does_not_run(page: Page) -> None:
    page.goto("/admin/")
    page.evaluate(
        "const one = document.createElement('script'); one.textContent = 'window.ran = true'; document.body.append(one)"
    )
    assert page.evaluate("window.ran") is None
    assert [each.split()[:2] for each in page.evaluate("window.refused")] == [["script-src-elem", "inline"]]
