"""Settings that cannot work refuse to start."""

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from kneo_project.checks import refuse_impossible_settings


@pytest.fixture(autouse=True)
def hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


def found() -> set[str | None]:
    """Return the ids of our messages. No database is asked: ours look at settings only."""
    return {message.id for message in run_checks(databases=[]) if str(message.id).startswith("kneo.")}


def test_the_defaults_are_fine() -> None:
    assert found() == set()
    refuse_impossible_settings()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AUTH_ENABLED", True, "kneo.E002"),
        ("API_KEYS", "name-only", "kneo.E002"),
        ("WORKER_LEASE_SECONDS", 2, "kneo.E003"),
        ("SECRET_REFS", ("OPENAI_API_KEY", "KNEO_SERV_SECRET_KEY"), "kneo.E004"),
        ("SECRET_REFS", ("kneo_serv_database_url",), "kneo.E004"),
        ("SECRET_REFS", ("not a name",), "kneo.E004"),
        ("OIDC_ISSUER", "https://id.example.com", "kneo.E005"),
        ("OIDC_AUDIENCE", "kneo", "kneo.E005"),
        ("OIDC_JWKS_URL", "https://id.example.com/keys", "kneo.E005"),
        ("RATE_LIMIT_STORAGE", "memcached://cache", "kneo.E006"),
    ],
)
def test_an_impossible_setting_is_an_error_and_stops_a_server(
    settings: Settings, name: str, value: object, expected: str
) -> None:
    setattr(settings, name, value)
    assert found() == {expected}
    with pytest.raises(ImproperlyConfigured, match=expected):
        refuse_impossible_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "http://id.example.com"),
        ("OIDC_ISSUER", "id.example.com"),
        ("OIDC_ISSUER", "https://[id"),
        ("OIDC_JWKS_URL", "file:///etc/keys"),
        ("OIDC_ROLE_MAP", ("staff",)),
        ("OIDC_ROLE_MAP", ("=viewer",)),
        ("OIDC_ROLE_MAP", ("staff=viewer+god",)),
    ],
)
def test_an_identity_provider_is_named_safely_and_in_full(settings: Settings, name: str, value: object) -> None:
    settings.OIDC_ISSUER, settings.OIDC_AUDIENCE = "https://id.example.com", "kneo"
    settings.AUTH_ENABLED = True
    assert found() == set()
    setattr(settings, name, value)
    assert found() == {"kneo.E005"}


def test_a_public_service_with_an_identity_provider_needs_no_key(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["runs.example.org"]
    settings.OIDC_ISSUER, settings.OIDC_AUDIENCE = "https://id.example.com", "kneo"
    assert found() == set()


def test_a_database_server_needs_a_key_that_all_processes_share(settings: Settings) -> None:
    settings.DATABASE_URL = "postgresql://db/kneo"
    settings.HAS_OWN_SECRET_KEY = False
    assert "kneo.E001" in found()
    settings.HAS_OWN_SECRET_KEY = True
    assert "kneo.E001" not in found()


def test_a_public_service_without_keys_warns_and_starts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "[::1]", "runs.example.org"]
    assert found() == {"kneo.W002"}
    refuse_impossible_settings()


def test_an_admin_key_that_is_listed_too_warns(settings: Settings) -> None:
    settings.API_KEYS, settings.ADMIN_API_KEY = "op:same:viewer", "same"
    assert found() == {"kneo.W001"}
