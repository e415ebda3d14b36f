"""What the console says where there is nothing to show, where something is left out, and where something is wrong."""

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from kneo_project.api.exception_handler import server_error
from kneo_project.site.pages import OperatorAdmin
from tests.browser import scenery
from tests.factories import RunFactory
from tests.integration.admin_site import RUNS, member, operator, page_of, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    return operator()


def test_every_list_without_rows_says_how_rows_come_to_be(browser: Client) -> None:
    for model, page in admin.site._registry.items():
        if isinstance(page, OperatorAdmin) and model._meta.model_name != "retentionmark":
            said = text(browser.get(f"/admin/{model._meta.label_lower.replace('.', '/')}/"))
            assert f"No {model._meta.verbose_name_plural} here" in said
            assert page.nothing
            assert page.nothing in said


def test_a_search_that_finds_nothing_leads_back_to_everything(browser: Client) -> None:
    RunFactory.create()
    page = browser.get(RUNS, {"q": "nothing-like-it"})
    assert "No runs match" in text(page)
    assert 'href="?"' in page.content.decode()


def test_a_list_says_what_it_is_filtered_by(browser: Client) -> None:
    RunFactory.create(status="running")
    page = text(browser.get(RUNS, {"status__exact": "running", "attention": "stuck"}))
    assert "Filtered: attention “Stuck: their worker is gone”, status “running”." in page.replace("Running", "running")
    assert "Filtered:" not in text(browser.get(RUNS))


def test_a_table_without_rows_leads_to_no_list_of_them(browser: Client) -> None:
    page = text(browser.get(page_of("runs/run", RunFactory.create().pk), {"tab": "family"}))
    assert "Forks None." in page
    assert "All forks of this run" not in page


def test_a_step_that_failed_is_not_done(browser: Client) -> None:
    assert "2 of 4 steps done" in text(browser.get(page_of("runs/run", scenery.failed_run().pk)))


def test_pages_that_cannot_be_shown_say_why_and_lead_back(browser: Client) -> None:
    missing = browser.get(page_of("runs/run", "00000000-0000-4000-8000-000000000000"))
    assert (missing.status_code, "There is no such run; it may be gone by now." in text(missing)) == (404, True)
    unknown = browser.get("/admin/nowhere/")
    assert (unknown.status_code, "There is no such page" in text(unknown)) == (404, True)
    refused = member("vera", "view_run").get("/admin/auth/user/")
    assert (refused.status_code, "You may not see or do this" in text(refused)) == (403, True)
    senseless = browser.post(RUNS, {"action": "cancel_selected", "_selected_action": ["1"], "confirmed": "yes"})
    assert (senseless.status_code, "That request makes no sense" in text(senseless)) == (400, True)
    for page in (missing, unknown, refused, senseless):
        assert 'href="/admin/"' in page.content.decode()


def test_an_error_of_ours_says_where_more_is_to_be_found() -> None:
    page = server_error(RequestFactory().get("/admin/"))
    assert (page.status_code, "Something went wrong here" in page.content.decode()) == (500, True)
    assert "log of the server" in page.content.decode()
