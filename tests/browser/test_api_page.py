"""What docs/api.md has a browser do: it is told of a run live, and goes on after it."""

from playwright.sync_api import expect

from runs import executor, services
from runs.services import StartRun
from specs.services import SpecSource
from tests.browser import scenery
from tests.browser.conftest import Desk
from tests.documentation.pages import blocks


def test_a_page_is_told_of_each_step(desk: Desk) -> None:
    (script,) = blocks("api.md", "js")
    request = StartRun(source=SpecSource(spec_path=scenery.EXPENSES), input_text=scenery.CLAIM)
    run = services.start_run(request, actor="expense-portal")
    page = desk.window(scenery.operator())
    page.goto("/admin/")
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.evaluate(f"() => {{ const runId = '{run.pk}'; {script.replace('const events', 'window.events')} }}")
    page.wait_for_function("window.events.readyState === EventSource.OPEN")
    with page.expect_console_message(lambda message: message.text == "cost-centre"):
        executor.advance(run.pk)
    assert told[:2] == ["classify", "cost-centre"]
    page.evaluate("window.events.close()")
    expect(page.locator("body")).to_be_visible()
