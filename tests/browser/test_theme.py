"""The looks of the admin: light, dark, and on a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import scenery
from tests.browser.conftest import PHONE, Desk

GROUND = "getComputedStyle(document.querySelector('#main')).backgroundColor"
TOO_WIDE = "document.documentElement.scrollWidth > window.innerWidth"


def choose_theme(page: Page, name: str) -> None:
    """Press a button of the switch."""
    page.locator("#nav-sidebar").get_by_text("olivia").click()
    page.locator("#nav-sidebar").get_by_text(name, exact=True).click()


def test_the_theme_follows_the_machine_until_somebody_chooses(desk: Desk) -> None:
    page = desk.window(scenery.operator(), color_scheme="dark")
    page.goto("/admin/runs/run/")
    expect(page.locator("html")).to_have_class("dark")
    dark = page.evaluate(GROUND)
    choose_theme(page, "Light")
    expect(page.locator("html")).to_have_class("light")
    page.reload()
    expect(page.locator("html")).to_have_class("light")
    assert page.evaluate(GROUND) != dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_and_their_buttons_are_in_sight(desk: Desk, scheme: str) -> None:
    run, task = scenery.night()
    page = desk.window(scenery.operator(), viewport=PHONE, color_scheme=scheme)
    buttons = {
        "/admin/": None,
        "/admin/runs/run/": None,
        "/admin/audit/auditevent/": None,
        "/admin/apikeys/apikey/add/": "Make the key",
        f"/admin/specs/specsnapshot/{run.snapshot_id}/change/": None,
        f"/admin/runs/run/{run.pk}/change/": "Cancel this run…",
        f"/admin/humantasks/humantask/{task.pk}/change/": "Reject…",
    }
    for address, button in buttons.items():
        page.goto(address)
        assert not page.evaluate(TOO_WIDE), address
        if button:
            box = page.get_by_role("button", name=button).bounding_box()
            assert box is not None
            assert (box["x"] >= 0, box["x"] + box["width"] <= PHONE["width"], box["height"] >= 36) == (True,) * 3


def test_the_sidebar_opens_on_a_phone(desk: Desk) -> None:
    page = desk.window(scenery.operator(), viewport=PHONE)
    page.goto("/admin/")
    entry = page.locator("#nav-sidebar-apps").get_by_role("link", name="Human tasks")
    expect(entry).to_be_hidden()
    page.get_by_text("dock_to_right").click()
    entry.click()
    expect(page).to_have_url(f"{desk.url}/admin/humantasks/humantask/")
