"""API keys in the admin: made and shown once, revoked after a question, and only by those who may."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone

from kneo_project.apikeys.models import ApiKey
from kneo_project.apikeys.services import create_key, usage
from kneo_project.audit.models import AuditEvent
from tests.integration.admin_site import member, operator, text

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Page

LIST, ADD = "/admin/apikeys/apikey/", "/admin/apikeys/apikey/add/"
KEY = re.compile(r"kneo_[0-9a-f]{8}_[\w-]{43}")
ORDER = {"name": "studio", "roles": ["viewer"], "scopes": ["policies:read"]}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Let the process forget that there ever was a key."""
    usage.forget()
    yield
    usage.forget()


@pytest.fixture
def browser() -> Client:
    return operator()


@pytest.fixture
def row() -> ApiKey:
    return create_key("dashboard", ["viewer"], expires_at=None, actor="op")[0]


def recorded() -> list[tuple[str, str | None]]:
    """Return who did what to keys, but for what the test itself did."""
    return list(AuditEvent.objects.exclude(actor="op").order_by("pk").values_list("event_type", "actor"))


def revoke(browser: Client, row: ApiKey, **answers: str) -> "Page":
    """Choose to revoke the key."""
    chosen = {"action": "revoke_selected", "_selected_action": [str(row.pk)], **answers}
    return browser.post(LIST, chosen, follow=True)


def is_revoked(row: ApiKey) -> bool:
    """Return whether the key is revoked now."""
    row.refresh_from_db()
    return row.revoked_at is not None


def test_a_key_is_made_and_shown_on_the_answer_itself(browser: Client) -> None:
    page = browser.post(ADD, ORDER)
    [key] = KEY.findall(text(page))
    assert "no-store" in page.headers["Cache-Control"]
    assert ApiKey.objects.get().grants == ["viewer", "policies:read"]
    assert recorded() == [("apikey.created", "olivia")]
    assert Client(headers={"X-Kneo-Api-Key": key}).get("/v1/runs").status_code == 200


def test_a_key_is_never_shown_again(browser: Client) -> None:
    [key] = KEY.findall(text(browser.post(ADD, ORDER)))
    pages = [browser.get(LIST), browser.get(f"{LIST}{ApiKey.objects.get().pk}/change/"), browser.get(ADD)]
    kept = str(dict(browser.session)) + str(browser.cookies) + "".join(page.content.decode() for page in pages)
    assert key.split("_", 2)[2] not in kept


def test_a_key_may_end_by_itself(browser: Client) -> None:
    at = (timezone.now() + timedelta(days=30)).replace(second=0, microsecond=0)
    page = browser.post(ADD, {**ORDER, "expires_at": f"{at:%Y-%m-%dT%H:%M}"})
    assert f"It expires at {at:%Y-%m-%d %H:%M} UTC." in text(page)
    assert ApiKey.objects.get().expires_at == at


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"name": " "}, "This field is required."),
        ({"roles": [], "scopes": []}, "Choose at least one role or scope."),
        ({"roles": ["god"]}, "god is not one of the available choices."),
        ({"scopes": ["*"]}, "* is not one of the available choices."),
        ({"expires_at": "2001-01-01T00:00"}, "A key must expire in the future."),
        ({"expires_at": "soon"}, "Enter a valid date/time."),
    ],
)
def test_what_is_wrong_is_said_and_no_key_is_made(browser: Client, order: dict[str, object], why: str) -> None:
    page = browser.post(ADD, {**ORDER, **order})
    assert why in text(page)
    assert (ApiKey.objects.count(), recorded()) == (0, [])


def test_revoking_asks_first(browser: Client, row: ApiKey) -> None:
    assert "Revoke these keys?" in text(revoke(browser, row))
    assert not is_revoked(row)


def test_a_revoked_key_stays_revoked_and_is_on_record_once(browser: Client, row: ApiKey) -> None:
    assert "Revoked 1 API key." in text(revoke(browser, row, confirmed="yes"))
    assert "was revoked already." in text(revoke(browser, row, confirmed="yes"))
    assert (is_revoked(row), recorded()) == (True, [("apikey.revoked", "olivia")])


def test_a_keys_page_offers_to_revoke_it_until_it_is(browser: Client, row: ApiKey) -> None:
    page = f"{LIST}{row.pk}/change/"
    assert "Revoke this key…" in text(browser.get(page))
    answered = revoke(browser, row, confirmed="yes", from_page="1")
    assert answered.request["PATH_INFO"] == page
    assert "Revoke this key…" not in text(answered)


def test_a_viewer_is_offered_nothing_and_forged_posts_are_refused(row: ApiKey) -> None:
    browser = member("vera", "view_apikey")
    pages = text(browser.get(LIST)) + text(browser.get(f"{LIST}{row.pk}/change/"))
    assert not any(word in pages for word in ("Add API key", "Revoke this", "Revoke selected"))
    answers = [browser.get(ADD), browser.post(ADD, ORDER), revoke(browser, row, confirmed="yes")]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert (ApiKey.objects.count(), is_revoked(row), recorded()) == (1, False, [])


def test_making_and_revoking_are_permissions_apart(row: ApiKey) -> None:
    maker, revoker = member("mario", "view_apikey", "add_apikey"), member("rosa", "view_apikey", "change_apikey")
    assert [maker.post(ADD, ORDER).status_code, revoker.post(ADD, ORDER).status_code] == [200, 403]
    assert [revoke(each, row, confirmed="yes").status_code for each in (maker, revoker)] == [403, 200]
    assert (is_revoked(row), recorded()) == (True, [("apikey.created", "mario"), ("apikey.revoked", "rosa")])


def test_a_stranger_is_sent_to_the_login() -> None:
    assert Client().post(ADD, ORDER).headers["Location"].startswith("/admin/login/")
    assert not ApiKey.objects.exists()


def test_making_a_key_needs_the_token_of_its_form() -> None:
    assert operator(enforce_csrf_checks=True).post(ADD, ORDER).status_code == 403
    assert not ApiKey.objects.exists()
