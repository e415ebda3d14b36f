"""The sidebar of the admin: it leads everywhere, and nobody is led to what he may not see."""

import re

import pytest
from django.contrib import admin
from django.test import Client
from django.utils.html import strip_tags

from tests.factories import RunFactory
from tests.integration.admin_site import RUNS, member, operator, page_of

pytestmark = pytest.mark.django_db


def led_to(browser: Client) -> set[str]:
    """Return the addresses of the sidebar."""
    page = browser.get("/admin/password_change/").content.decode()
    sidebar = page[page.index('id="nav-sidebar-apps"') : page.index('id="main"')]
    return set(re.findall(r'href="(/admin/[a-z]+/[a-z]+/)"', sidebar))


def test_every_model_is_one_click_away() -> None:
    browser = operator()
    models = {f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry}
    assert led_to(browser) == models
    assert {browser.get(address).status_code for address in models} == {200}


def test_who_may_not_see_is_not_led_there() -> None:
    assert led_to(member("vera", "view_run", "view_humantask")) == {"/admin/runs/run/", "/admin/humantasks/humantask/"}


def way_to(browser: Client, address: str) -> str:
    """Return what stands at the head of a page: where it is."""
    page = browser.get(address).content.decode()
    head = page[page.index("<h1") : page.index("</h1>")]
    return " ".join(strip_tags(head.replace("chevron_right", ">").replace("<", " <")).split())


def test_the_way_to_a_page_names_each_place_once_and_rows_as_they_are_called() -> None:
    browser, run = operator(), RunFactory.create(workflow_name="nightly-report")
    assert way_to(browser, RUNS) == "Runs"
    assert way_to(browser, page_of("runs/run", run.pk)) == f"Runs > nightly-report {run.pk} (completed)"
    assert way_to(browser, "/admin/") == "Operations"
