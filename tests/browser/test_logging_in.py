"""Coming to the admin as a person does: with a name and a password."""

from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.browser.conftest import Desk

PASSWORD = "correct horse battery"


def test_a_person_logs_in_and_sees_the_first_page(desk: Desk) -> None:
    User.objects.create_superuser("olivia", password=PASSWORD)
    page = desk.window()
    page.goto("/admin/")
    page.get_by_label("Username").fill("olivia")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{desk.url}/admin/")
    expect(page.get_by_text("olivia").first).to_be_visible()
