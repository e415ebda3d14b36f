"""Specs and schedules as a person meets them."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from runs.models import Run, Schedule
from runs.schedules import keeping
from specs.services import SpecSource
from tests.browser import scenery
from tests.browser.conftest import PHONE, Desk
from tests.integration.driving import spec_of, step

EXPENSES = Path("specs/examples/expense_approval.yaml")
NEW = "/admin/runs/schedule/new/"
TOO_WIDE = "document.documentElement.scrollWidth > window.innerWidth"


@pytest.fixture
def page(desk: Desk) -> Page:
    return desk.window(scenery.operator())


def test_a_broken_spec_is_uploaded_and_its_marked_line_read(page: Page, tmp_path: Path) -> None:
    broken = tmp_path / "expenses.yaml"
    broken.write_text(EXPENSES.read_text().replace("kind: human", "kind: humon"))
    page.goto("/admin/")
    page.locator("#nav-sidebar-apps").get_by_role("link", name="Check and run").click()
    page.get_by_label("Or a file").set_input_files(broken)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("invalid", exact=True)).to_be_visible()
    page.get_by_role("link", name="line 20").click()
    marked = page.locator("#line-20")
    expect(marked).to_be_in_viewport()
    expect(marked).to_contain_text("kind: humon")
    expect(page.locator("#line-20 + .kneo-under-line")).to_contain_text("Did you mean 'human' instead of 'humon'?")


def test_a_run_is_started_from_a_pasted_spec_after_seeing_its_graph(page: Page) -> None:
    check(page, EXPENSES.read_text())
    expect(page.locator(".kneo-graph")).to_have_attribute("data-state", "drawn")
    expect(page.locator(".kneo-graph svg").get_by_text("classify", exact=True)).to_be_visible()
    page.get_by_label("Input").fill("Taxi, 48.20 EUR")
    page.get_by_label("Tags").fill("travel")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/admin/runs/run/*/change/")
    run = Run.objects.get()
    assert (run.input_text, run.tags, run.workflow_name) == ("Taxi, 48.20 EUR", ["travel"], "expense-approval")


def test_a_schedule_is_made_paused_and_seen_to_be_paused(page: Page) -> None:
    page.goto(NEW)
    page.get_by_text("Make something of it").click()
    page.get_by_label("Name").fill("nightly")
    page.get_by_label("Cron expression").fill("30 2 * * *")
    page.get_by_role("button", name="Make the schedule").click()
    expect(page.get_by_text("The schedule nightly is made.")).to_be_visible()
    page.get_by_role("button", name="Pause…").click()
    page.get_by_role("button", name="Yes, pause").click()
    expect(page.locator(".kneo-badge").get_by_text("paused", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Resume…")).to_be_visible()
    assert Schedule.objects.get().is_paused


@pytest.fixture
def addresses() -> list[str]:
    """The pages, with a schedule to show."""
    columns = {"cron": "30 2 * * *", "input_text": "hi"}
    row = keeping.create_schedule("nightly", SpecSource(spec=spec_of(step("a"))), columns, actor="alice")
    return [
        NEW,
        "/admin/runs/schedule/",
        f"/admin/runs/schedule/{row.pk}/change/",
        f"/admin/runs/schedule/{row.pk}/edit/",
        f"/admin/specs/specsnapshot/{row.snapshot_id}/change/",
        "/admin/specs/storedpolicy/try/",
        "/admin/runs/retentionmark/",
    ]


def check(page: Page, spec: str) -> None:
    """Have a spec checked."""
    page.goto(NEW)
    page.get_by_role("textbox", name="Spec", exact=True).fill(spec)
    page.get_by_role("button", name="Check", exact=True).click()
    page.locator(".kneo-verdict").wait_for()


def test_the_pages_fit_a_phone_and_nothing_of_them_is_refused_by_the_browser(desk: Desk, addresses: list[str]) -> None:
    page = desk.window(scenery.operator(), viewport=PHONE)
    page.add_init_script(
        "window.refused = []; document.addEventListener('securitypolicyviolation',"
        " event => window.refused.push(event.effectiveDirective))"
    )
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert (page.evaluate(TOO_WIDE), page.evaluate("window.refused")) == (False, []), address
    check(page, EXPENSES.read_text())
    expect(page.locator(".kneo-graph")).to_have_attribute("data-state", "drawn")
    assert (page.evaluate(TOO_WIDE), page.evaluate("window.refused")) == (False, [])


def test_nobody_is_hindered_from_using_the_pages(page: Page, addresses: list[str]) -> None:
    found = []
    for address in addresses:
        page.goto(address)
        found += serious_problems(page)
    for spec in (EXPENSES.read_text(), EXPENSES.read_text().replace("kind: human", "kind: humon")):
        check(page, spec)
        found += serious_problems(page)
    assert found == []


def serious_problems(page: Page) -> list[str]:
    """Return what axe finds on the page that keeps people from using it, once its graph is drawn."""
    if page.locator(".kneo-graph").count():
        expect(page.locator(".kneo-graph")).to_have_attribute("data-state", "drawn")
    seen = [each for each in Axe().run(page).response["violations"] if each["impact"] in ("serious", "critical")]
    return [f"{page.url} {each['id']}: {node['html'][:160]}" for each in seen for node in each["nodes"][:3]]
