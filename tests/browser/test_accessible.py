"""What axe-core finds on the pages of the admin: nothing serious."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser import scenery
from tests.browser.conftest import Desk


def barriers(page: Page) -> list[str]:
    """Return what would keep somebody out of the page that is open."""
    page.wait_for_load_state("networkidle")
    found = Axe().run(page).response["violations"]
    serious = [each for each in found if each["impact"] in {"serious", "critical"}]
    return [f"{page.url}: {each['id']} {each['nodes'][0]['html']}" for each in serious]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out(desk: Desk, scheme: str) -> None:
    run, _ = scenery.night()
    stranger = desk.window(color_scheme=scheme)
    stranger.goto("/admin/login/")
    found = barriers(stranger)
    page = desk.window(scenery.operator(), color_scheme=scheme)
    for address in ("/admin/runs/run/", "/admin/apikeys/apikey/add/", f"/admin/runs/run/{run.pk}/change/"):
        page.goto(address)
        found += barriers(page)
    page.get_by_role("button", name="Cancel this run…").click()
    assert found + barriers(page) == []
