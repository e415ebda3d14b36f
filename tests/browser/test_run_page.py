"""The page of a run as a person sees it: the graph is drawn, and what happens shows without a reload."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from humantasks.models import HumanTask
from runs import executor, services
from runs.admin.run_page.pages import Tab
from runs.models import Run
from runs.services import StartRun
from specs.services import SpecSource
from tests.browser import scenery
from tests.browser.conftest import Desk

# A bell that the database does not ring is noticed after some seconds.
PATIENCE_MS = 20_000


def open_run(desk: Desk, run: Run) -> Page:
    """Open the run's page in a window that says so if it is ever loaded again."""
    page = desk.window(scenery.operator())
    page.goto(f"/admin/runs/run/{run.pk}/change/")
    expect(page.locator(".kneo-graph")).to_have_attribute("data-state", "drawn", timeout=PATIENCE_MS)
    page.evaluate("window.isTheFirst = true")
    return page


def node(page: Page, name: str) -> str:
    """Return the classes of a drawn node."""
    return page.locator(f'[data-node="{name}"]').get_attribute("class") or ""


def expect_status(page: Page, status: str) -> None:
    """Wait until the page shows the status, without a reload."""
    expect(page.locator("#run-now")).to_have_attribute("data-status", status, timeout=PATIENCE_MS)
    assert page.evaluate("window.isTheFirst")


def queued() -> Run:
    """Return a run that no worker has taken."""
    request = StartRun(source=SpecSource(spec_path=scenery.EXPENSES), input_text=scenery.CLAIM)
    return services.start_run(request, actor="expense-portal")


def test_a_run_is_watched_from_the_queue_to_a_question_and_to_its_end(desk: Desk) -> None:
    run = queued()
    page = open_run(desk, run)
    expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    assert "kneo-is-waiting" in node(page, "approve")
    executor.advance(run.pk)
    expect_status(page, "blocked")
    expect(page.locator('[data-node="approve"]')).to_have_class(
        "kneo-node kneo-kind-human kneo-is-blocked kneo-current"
    )
    expect(page.get_by_role("link", name="Waiting for an answer: open the human task")).to_be_visible()
    scenery.approve(HumanTask.objects.get(run=run))
    executor.advance(run.pk)
    expect_status(page, "completed")
    expect(page.get_by_text("This run has ended.")).to_be_visible()
    expect(page.locator('[data-node="book"]')).to_have_class("kneo-node kneo-kind-agent kneo-is-done")
    expect(page.get_by_text("4 of 4 steps done")).to_be_visible()
    expect(page.locator("#run-timeline").get_by_role("link", name="book")).to_be_visible()


def test_a_run_is_cancelled_after_a_question(desk: Desk) -> None:
    run = scenery.expense_claim()
    page = open_run(desk, run)
    page.get_by_role("button", name="Cancel this run…").click()
    page.get_by_role("button", name="Yes, cancel").click()
    expect(page.locator("#run-now")).to_have_attribute("data-status", "cancelled")
    run.refresh_from_db()
    assert run.status == "cancelled"


def test_a_run_is_forked_from_a_step(desk: Desk) -> None:
    run = scenery.expense_claim()
    page = open_run(desk, run)
    page.get_by_role("link", name="Steps", exact=True).click()
    page.get_by_role("row", name="2 step_completed").get_by_role("button", name="Fork from here…").click()
    expect(page.get_by_label("Checkpoint")).to_have_value("2")
    page.get_by_label("Input").fill("A bus to the airport")
    page.get_by_role("button", name="Yes, fork").click()
    expect(page.get_by_role("link", name="Forked from checkpoint 2 of another run")).to_be_visible()
    assert Run.objects.get(parent=run).forked_at == 2


def test_a_graph_of_sixty_nodes_can_be_read_zoomed_and_followed(desk: Desk) -> None:
    page = open_run(desk, scenery.long_run())
    expect(page.locator(".kneo-graph")).to_have_attribute("data-nodes", "61")
    assert page.locator("svg.kneo-board [data-node]").count() == 61
    here, board = page.locator('[data-node="report-6"]').bounding_box(), page.locator(".kneo-board").bounding_box()
    assert here
    assert board
    assert board["y"] < here["y"] < board["y"] + board["height"]
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_function(
        "width => document.querySelector('[data-node=\"report-6\"]').getBoundingClientRect().width > width",
        arg=here["width"],
    )
    page.get_by_text("As a list").click()
    page.get_by_role("listitem").get_by_role("link", name="check-1", exact=True).click()
    expect(page.get_by_role("heading", name="Step check-1")).to_be_visible()


def test_a_click_on_a_node_opens_its_step(desk: Desk) -> None:
    page = open_run(desk, scenery.failed_run())
    page.locator('[data-node="post"]').click()
    expect(page.get_by_role("heading", name="Step post")).to_be_visible()
    expect(page.get_by_text("RuntimeError: boom Invoice 4711")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_pages_of_a_run_keeps_somebody_out(desk: Desk, scheme: str) -> None:
    run, page = scenery.failed_run(), desk.window(scenery.operator(), color_scheme=scheme)
    found: dict[str, list[str]] = {}
    for address in (*(f"change/?tab={tab}" for tab in Tab), "step/?place=post"):
        page.goto(f"/admin/runs/run/{run.pk}/{address}")
        if address == "change/?tab=overview":
            expect(page.locator(".kneo-graph")).to_have_attribute("data-state", "drawn", timeout=PATIENCE_MS)
        seen = Axe().run(page).response["violations"]
        found[address] = [
            f"{each['id']}: {node['html'][:160]}"
            for each in seen
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"][:3]
        ]
    assert not any(found.values()), found
