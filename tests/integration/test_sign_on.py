"""Logging in to the admin by an identity provider: PKCE, the groups of one's roles, and everything that is refused."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings

from kneo_project.audit import sparing
from kneo_project.audit.models import AuditEvent
from kneo_project.oidc import client_trust
from kneo_project.people.sign_on import AWAY, REFUSED
from tests.integration.admin_site import text
from tests.stubs.identity_provider import AUDIENCE, CLIENT_SECRET, IdentityProvider

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Page

pytestmark = pytest.mark.django_db
START, ANSWER = "/admin/sign-on", "/admin/sign-on/answer"
BUTTON = "Log in with your organisation"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as opened:
        yield opened


@pytest.fixture(autouse=True)
def configured(provider: IdentityProvider, settings: Settings) -> Iterator[None]:
    settings.OIDC_ISSUER, settings.OIDC_AUDIENCE = provider.issuer, AUDIENCE
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = "kneo-console", CLIENT_SECRET
    settings.RATE_LIMIT_STORAGE = f"memory://{uuid.uuid4()}"
    sparing.recent.forget()
    yield
    sparing.recent.forget()


@pytest.fixture
def browser() -> Client:
    return Client()


def come(browser: Client, provider: IdentityProvider, query: str = "", /, **claims: object) -> "Page":
    """Go to the provider, log in there as Alice, and come back."""
    there = browser.get(f"{START}{query}").headers["Location"]
    return browser.get(ANSWER, provider.log_in(there, **({"roles": ["reviewer"]} | claims)))


def who(browser: Client) -> str | None:
    """Return who is logged in."""
    key = browser.session.get("_auth_user_id")
    return User.objects.get(pk=key).username if key else None


def groups(name: str = "oidc:alice") -> set[str]:
    return set(Group.objects.filter(user__username=name).values_list("name", flat=True))


def refused(browser: Client, answer: "Page", sentence: str = REFUSED) -> bool:
    """Return whether the answer leads back to the login, which says why, and nobody is logged in."""
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/")
    return sentence in text(browser.get("/admin/login/")) and who(browser) is None


def test_the_login_offers_it_and_keeps_the_password(browser: Client) -> None:
    page = browser.get("/admin/login/?next=/admin/runs/run/").content.decode()
    assert BUTTON in page
    assert f'href="{START}?next=/admin/runs/run/"' in page
    assert 'name="password"' in page


def test_who_has_a_role_comes_in_with_its_group(browser: Client, provider: IdentityProvider) -> None:
    assert come(browser, provider).headers["Location"] == "/admin/"
    assert (who(browser), groups()) == ("oidc:alice", {"Reviewer"})
    assert browser.get("/admin/humantasks/humantask/").status_code == 200
    assert browser.get("/admin/auth/user/").status_code == 403
    events = list(AuditEvent.objects.order_by("pk").values_list("event_type", "actor"))
    assert events == [("user.created", "oidc:alice"), ("admin.login", "oidc:alice")]
    assert 0 < browser.session.get_expiry_age() <= 8 * 3600


def test_they_get_where_they_wanted_to_be_but_not_elsewhere(browser: Client, provider: IdentityProvider) -> None:
    assert come(browser, provider, "?next=/admin/runs/run/").headers["Location"] == "/admin/runs/run/"
    assert come(Client(), provider, "?next=https://evil.example/").headers["Location"] == "/admin/"


def test_what_is_asked_of_the_provider_is_bound_to_this_login(browser: Client) -> None:
    asked = parse_qs(urlsplit(browser.get(START).headers["Location"]).query)
    assert {
        name: asked[name][0] for name in ("response_type", "client_id", "redirect_uri", "code_challenge_method")
    } == {
        "response_type": "code",
        "client_id": "kneo-console",
        "redirect_uri": f"http://testserver{ANSWER}",
        "code_challenge_method": "S256",
    }
    assert min(len(asked[name][0]) for name in ("state", "nonce", "code_challenge")) >= 32


def test_groups_follow_the_roles_at_each_login(provider: IdentityProvider) -> None:
    come(Client(), provider, roles=["viewer", "reviewer"])
    User.objects.get().groups.add(Group.objects.create(name="Auditors"))
    come(Client(), provider, roles=["operator"])
    assert groups() == {"Operator", "Auditors"}
    assert User.objects.count() == 1


def test_roles_are_mapped_as_those_of_the_api(provider: IdentityProvider, settings: Settings) -> None:
    settings.OIDC_ROLE_MAP = ("bosses=admin", "staff=viewer+human:write")
    settings.OIDC_NAME_CLAIM = "preferred_username"
    come(Client(), provider, roles=["bosses", "staff", "operator"], preferred_username="ally", given_name="Alice")
    assert groups("oidc:ally") == {"Admin", "Viewer"}
    assert User.objects.get().first_name == "Alice"
    assert not User.objects.get().is_superuser


@pytest.mark.parametrize("roles", [[], ["service"], ["stranger"], None])
def test_who_has_no_role_for_people_stays_outside(
    browser: Client, provider: IdentityProvider, roles: list[str] | None
) -> None:
    assert refused(browser, come(browser, provider, roles=roles))
    assert not User.objects.exists()
    assert list(AuditEvent.objects.values_list("event_type", flat=True)) == ["admin.login_failed"]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": AUDIENCE},
        {"nonce": "another login's"},
        {"nonce": None},
        {"exp": 1},
        {"iss": "https://other.example.com"},
        {"aud": ["kneo-console", "other"], "azp": "other"},
        {"sub": ""},
        {"sub": "x" * 160},
    ],
)
def test_a_token_that_was_not_made_for_this_login_opens_nothing(
    browser: Client, provider: IdentityProvider, claims: dict[str, object]
) -> None:
    assert refused(browser, come(browser, provider, **claims))
    assert not User.objects.exists()


def test_a_code_is_of_no_use_to_who_did_not_begin(browser: Client, provider: IdentityProvider) -> None:
    brought = provider.log_in(Client().get(START).headers["Location"])
    assert refused(browser, browser.get(ANSWER, brought))
    browser.get(START)
    assert refused(browser, browser.get(ANSWER, brought))
    state = parse_qs(urlsplit(browser.get(START).headers["Location"]).query)["state"][0]
    assert refused(browser, browser.get(ANSWER, brought | {"state": state}))  # the verifier is not the one of the code
    assert not User.objects.exists()


def test_an_answer_counts_once(browser: Client, provider: IdentityProvider) -> None:
    brought = provider.log_in(browser.get(START).headers["Location"], roles=["viewer"])
    assert browser.get(ANSWER, brought).headers["Location"] == "/admin/"
    assert browser.get(ANSWER, brought).headers["Location"] == "/admin/login/"


def test_the_form_of_the_password_takes_no_code(browser: Client, provider: IdentityProvider) -> None:
    brought = provider.log_in(browser.get(START).headers["Location"], roles=["admin"], nonce=None)
    query = "&".join(f"{name}={value}" for name, value in brought.items())
    browser.post(f"/admin/login/?{query}", {"username": "x", "password": "y"})
    assert who(browser) is None
    assert [asked.path for asked in provider.asked if asked.path == "/token"] == []


def test_who_was_made_inactive_stays_outside(browser: Client, provider: IdentityProvider) -> None:
    come(Client(), provider)
    User.objects.update(is_active=False)
    assert refused(browser, come(browser, provider))


def test_a_provider_that_is_away_is_not_asked_by_each_who_comes(provider: IdentityProvider) -> None:
    provider.is_down = True
    for _ in range(3):
        Client().get(START)
    assert len(provider.asked) <= 2  # a period may end between two of them


def test_an_admin_shuts_out_who_comes_from_the_provider(browser: Client, provider: IdentityProvider) -> None:
    come(Client(), provider)
    browser.force_login(User.objects.create_superuser("olivia"))
    alice = User.objects.get(username="oidc:alice")
    form = {"username": "somebody", "is_staff": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    assert browser.post(f"/admin/auth/user/{alice.pk}/change/", form).status_code == 302
    alice.refresh_from_db()
    assert (alice.username, alice.is_active) == ("oidc:alice", False)


def test_no_is_an_answer_too(browser: Client) -> None:
    state = parse_qs(urlsplit(browser.get(START).headers["Location"]).query)["state"][0]
    assert refused(browser, browser.get(ANSWER, {"error": "access_denied", "state": state}))


def test_while_the_provider_is_away_the_password_works(browser: Client, provider: IdentityProvider) -> None:
    User.objects.create_superuser("olivia", password="correct horse battery")
    provider.is_down = True
    assert refused(browser, browser.get(START), AWAY)
    browser.post("/admin/login/", {"username": "olivia", "password": "correct horse battery"})
    assert who(browser) == "olivia"


def test_a_provider_that_breaks_down_meanwhile_is_said(browser: Client, provider: IdentityProvider) -> None:
    brought = provider.log_in(browser.get(START).headers["Location"])
    provider.is_down = True
    assert refused(browser, browser.get(ANSWER, brought), AWAY)


def test_without_a_client_there_is_no_such_way(browser: Client, settings: Settings) -> None:
    settings.OIDC_CLIENT_ID = settings.OIDC_CLIENT_SECRET = ""
    assert BUTTON not in text(browser.get("/admin/login/"))
    assert [browser.get(path).status_code for path in (START, ANSWER)] == [404, 404]


@pytest.mark.parametrize("missing", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_half_a_client_refuses_to_start(settings: Settings, missing: str) -> None:
    setattr(settings, missing, "")
    with pytest.raises(ImproperlyConfigured, match="belong together"):
        client_trust()
