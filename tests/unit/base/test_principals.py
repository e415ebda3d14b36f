"""Keys, roles and scopes as operators write them."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from kneo_project.principals import ROLES, Keyring, Principal, keyring


def ring(settings: Settings, listed: str, *, admin: str = "", required: bool = False) -> Keyring:
    settings.API_KEYS, settings.ADMIN_API_KEY, settings.AUTH_ENABLED = listed, admin, required
    return keyring()


def test_roles_and_scopes_add_up(settings: Settings) -> None:
    keys = ring(settings, "night:n-key:viewer, policies:write")
    assert keys.principal_for(b"n-key") == Principal(name="night", scopes=ROLES["viewer"] | {"policies:write"})


def test_grants_may_hold_colons_and_the_key_may_not(settings: Settings) -> None:
    assert ring(settings, "a:b:runs:read").principal_for(b"b") == Principal(name="a", scopes=frozenset({"runs:read"}))


def test_the_first_entry_of_a_key_wins_and_the_shadowed_admin_is_noticed(settings: Settings) -> None:
    keys = ring(settings, "one:k:viewer;two:k:admin", admin="k")
    found = keys.principal_for(b"k")
    assert found
    assert found.name == "one"
    assert keys.has_shadowed_admin_key


@pytest.mark.parametrize(
    ("role", "denied"),
    [
        ("admin", set()),
        ("operator", {"human:write", "audit:write"}),
        ("service", {"policies:write"}),
        (
            "reviewer",
            {"runs:write", "specs:read", "audit:write", "credentials:read", "policies:read", "policies:write"},
        ),
        (
            "viewer",
            {"runs:write", "human:write", "audit:write", "credentials:read", "policies:read", "policies:write"},
        ),
    ],
)
def test_a_role_allows_its_scopes_and_no_others(role: str, denied: set[str]) -> None:
    scopes = {"runs:read", "runs:write", "specs:read", "human:read", "human:write", "audit:read", "audit:write"}
    scopes |= {"credentials:read", "policies:read", "policies:write"}
    principal = Principal(name="x", scopes=ROLES[role])
    assert {scope for scope in scopes if not principal.allows(scope)} == denied


@pytest.mark.parametrize(
    "listed",
    ["hunter2", "name:hunter2", ":hunter2:viewer", "name::viewer", "name:hunter2:viewers", "name:viewer:hunter2"],
)
def test_an_entry_that_makes_no_sense_is_refused_without_printing_it(settings: Settings, listed: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"KNEO_SERV_API_KEYS entry 2") as caught:
        ring(settings, f"ok:ok:viewer;{listed}")
    assert "hunter2" not in str(caught.value)


def test_required_authentication_without_keys_is_refused(settings: Settings) -> None:
    with pytest.raises(ImproperlyConfigured, match="KNEO_SERV_AUTH_ENABLED is on"):
        ring(settings, " ; ", required=True)


def test_a_keyring_shows_no_key(settings: Settings) -> None:
    assert "hunter2" not in repr(ring(settings, "a:hunter2:viewer"))
