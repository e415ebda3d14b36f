"""The first page, as somebody sees it who has just been woken up."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from kneo_project.site.showing import short_id
from runs.engine.lifecycle import Status
from tests.browser import scenery
from tests.browser.conftest import PATIENCE_MS, PHONE, Desk
from tests.factories import RunFactory

IS_INKED = """canvas => new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer
).some(pixel => pixel !== 0)"""
FAILED = "failed in the last day"


def need(page: Page, label: str) -> str:
    """Return the number that stands above ``label`` in the first row."""
    return page.locator(".kneo-need", has_text=label).locator(".kneo-figure").inner_text().split()[0]


def test_what_needs_somebody_is_seen_and_one_click_away(desk: Desk) -> None:
    stuck = scenery.troubled_runs()["stuck"]
    page = desk.window(scenery.operator())
    page.goto("/admin/")
    assert need(page, "stuck") == "1"
    page.locator(".kneo-need", has_text="stuck").click()
    expect(page.get_by_text(short_id(stuck.pk))).to_be_visible()


def test_charts_are_drawn_and_can_be_read_as_tables(desk: Desk) -> None:
    scenery.lately()
    page = desk.window(scenery.operator())
    page.goto("/admin/")
    charts = page.locator("canvas[data-drawn]")
    expect(charts).to_have_count(4)
    assert all(charts.nth(number).evaluate(IS_INKED) for number in range(4))
    expect(page.get_by_role("img", name="Runs in the last hour")).to_be_visible()
    page.get_by_text("As a table").first.click()
    expect(page.get_by_role("columnheader", name="ended badly")).to_be_visible()


def test_the_page_refreshes_itself_and_leaves_alone_what_is_open(desk: Desk) -> None:
    scenery.lately()
    page = desk.window(scenery.operator())
    page.goto("/admin/")
    page.get_by_text("As a table").first.click()
    page.evaluate("window.isTheSamePage = true")
    expect(page.get_by_text("All is well.")).to_be_visible()
    RunFactory.create(status=Status.FAILED, updated_at=timezone.now())
    expect(page.locator(".kneo-need", has_text=FAILED)).to_contain_text("1", timeout=PATIENCE_MS)
    expect(page.get_by_text("All is well.")).to_have_count(0)
    assert page.evaluate("window.isTheSamePage")
    expect(page.locator("details[open]")).to_have_count(1)


def test_nothing_is_fetched_while_nobody_looks(desk: Desk) -> None:
    page = desk.window(scenery.operator())
    page.goto("/admin/")
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.isHidden ?? false})")
    with page.expect_request("**fragment=1**"):
        pass
    asked: list[str] = []
    page.evaluate("window.isHidden = true")
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("window.isHidden = true; performance.mark('hidden')")
    page.wait_for_function("performance.now() - performance.getEntriesByName('hidden')[0].startTime > 6000")
    assert asked == []


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_a_phone_and_everybody_can_use_it(desk: Desk, dark: bool) -> None:
    scenery.troubled_runs()
    scenery.lately()
    page = desk.window(scenery.operator(), viewport=PHONE, color_scheme="dark" if dark else "light")
    page.goto("/admin/")
    expect(page.locator("canvas[data-drawn]")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    seen = [each for each in Axe().run(page).response["violations"] if each["impact"] in ("serious", "critical")]
    assert [f"{each['id']}: {node['html'][:160]}" for each in seen for node in each["nodes"]] == []
