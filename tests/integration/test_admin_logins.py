"""Logging in to the admin: on record, and slowed down for those who guess."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from kneo_project.audit import sparing
from kneo_project.audit.models import AuditEvent
from tests.integration.admin_site import text

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Page

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def olivia(settings: Settings, transactional_db: None) -> Iterator[User]:
    """Return somebody with a password; nothing was counted or recorded before."""
    settings.RATE_LIMIT_STORAGE = f"memory://{uuid.uuid4()}"
    sparing.recent.forget()
    yield User.objects.create_superuser("olivia", password=PASSWORD)
    sparing.recent.forget()


def log_in(password: str, name: str = "olivia", peer: str = "192.0.2.1") -> "Page":
    """Return the answer to an attempt."""
    return Client().post("/admin/login/", {"username": name, "password": password}, REMOTE_ADDR=peer)


def told() -> list[tuple[str, str | None, dict[str, object]]]:
    """Return the events so far."""
    return list(AuditEvent.objects.order_by("pk").values_list("event_type", "actor", "metadata"))


def test_a_login_is_on_record() -> None:
    assert log_in(PASSWORD).status_code == 302
    assert told() == [("admin.login", "olivia", {"client_ip": "192.0.2.1"})]


def test_a_failed_login_is_on_record_once_a_minute() -> None:
    assert [log_in("wrong").status_code for _ in range(3)] == [200] * 3
    assert told() == [("admin.login_failed", None, {"user": "olivia", "client_ip": "192.0.2.1", "count": 1})]


def test_a_name_that_is_nobodys_may_be_a_password_and_is_not_kept() -> None:
    log_in("", name=PASSWORD)
    log_in("wrong", name=PASSWORD)
    assert [facts["user"] for _, _, facts in told()] == ["(unknown)"]


def test_who_may_not_use_the_admin_fails_too() -> None:
    User.objects.create_user("peter", password=PASSWORD)
    assert log_in(PASSWORD, name="peter").status_code == 200
    assert [event for event, _, _ in told()] == ["admin.login_failed"]


def test_after_some_failures_the_right_password_is_of_no_use_for_a_while(settings: Settings) -> None:
    for _ in range(settings.LOGIN_FAILURES):
        assert "enter the correct username and password" in text(log_in("wrong"))
    page = log_in(PASSWORD)
    assert (page.status_code, "_auth_user_id" in page.client.session) == (429, False)
    assert 0 < int(page.headers["Retry-After"]) <= 15 * 60
    assert "Too many failed attempts. Try again in 15 min." in text(page)
    assert log_in(PASSWORD, peer="192.0.2.2").status_code == 302


def test_a_login_forgives_the_failures_before_it(settings: Settings) -> None:
    for _ in range(2):
        for _ in range(settings.LOGIN_FAILURES - 1):
            log_in("wrong")
        assert log_in(PASSWORD).status_code == 302


def test_how_many_failures_and_for_how_long_is_a_setting(settings: Settings) -> None:
    settings.LOGIN_FAILURES, settings.LOGIN_REST_MINUTES = 2, 3
    assert [log_in("wrong").status_code for _ in range(3)] == [200, 200, 429]
    assert "Try again in 3 min." in text(log_in(PASSWORD))
