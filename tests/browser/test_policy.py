"""No page does what its Content-Security-Policy refuses."""

import pytest
from playwright.sync_api import Page

from tests.browser import scenery
from tests.browser.conftest import Desk

SLOW_MS = 60_000  # the documentation is one large page
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


def refused(page: Page, address: str, shows: str = "") -> list[str]:
    """Return what a page did that was refused, once it is done (and shows the heading)."""
    page.goto(address)
    if shows:
        page.get_by_role("heading", name=shows).first.wait_for(timeout=SLOW_MS)
    page.wait_for_load_state("networkidle")
    return [each for each in page.evaluate("window.refused") if TOLERATED not in each]


def test_nothing_is_refused_on_any_kind_of_page(page: Page) -> None:
    run, task = scenery.night()
    addresses = [
        "/admin/",
        "/admin/runs/run/",
        f"/admin/runs/run/{run.pk}/change/",
        f"/admin/humantasks/humantask/{task.pk}/change/",
        "/admin/apikeys/apikey/add/",
        "/admin/auth/user/add/",
        "/admin/password_change/",
    ]
    assert [(address, what) for address in addresses for what in refused(page, address)] == []


def test_nothing_is_refused_of_what_moves(page: Page) -> None:
    run, _ = scenery.night()
    page.goto("/admin/runs/run/")
    page.locator("input.action-select").first.check()
    page.get_by_text("Filters").click()
    page.get_by_role("link", name="completed").wait_for()
    page.reload()
    page.locator("#nav-sidebar").get_by_text("olivia").click()
    page.get_by_role("button", name="Log out").wait_for()
    assert page.evaluate("window.refused") == []
    page.goto(f"/admin/runs/run/{run.pk}/change/")
    page.get_by_role("button", name="Cancel this run…").click()
    page.get_by_role("button", name="Yes, cancel").click()
    page.get_by_text("Cancelled 1 run.").wait_for()
    assert page.evaluate("window.refused") == []


@pytest.mark.parametrize("address", ["/docs", "/redoc"])
def test_the_documentation_of_the_api_works(page: Page, address: str) -> None:
    assert refused(page, address, shows="kneo-serv") == []


def test_a_script_in_the_page_does_not_run(page: Page) -> None:
    page.goto("/admin/")
    page.evaluate(
        "const one = document.createElement('script'); one.textContent = 'window.ran = true'; document.body.append(one)"
    )
    assert page.evaluate("window.ran") is None
    assert [each.split()[:2] for each in page.evaluate("window.refused")] == [["script-src-elem", "inline"]]
