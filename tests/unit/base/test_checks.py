"""Settings that cannot work refuse to start."""

import pytest
from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from kneo_project import variables
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
        ("QUEUES", ("Big Jobs",), "kneo.E007"),
        ("WORKER_QUEUES", ("default", "gpu"), "kneo.E008"),
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


def messages(*, deploy: bool = False) -> dict[str, CheckMessage]:
    """Return what is said, by number."""
    return {str(each.id): each for each in run_checks(databases=[], include_deployment_checks=deploy)}


def test_a_misspelt_variable_is_told_with_what_was_perhaps_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEO_SERV_WORKER_CONCURENCY", "64")
    message = messages()["kneo.W003"]
    assert message.msg == "KNEO_SERV_WORKER_CONCURENCY is read by nobody."
    assert message.hint == "Did you mean KNEO_SERV_WORKER_CONCURRENCY?"


def test_a_file_of_a_misspelt_variable_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEO_SERV_SECRETKEY_FILE", "/run/secrets/key")
    assert messages()["kneo.W003"].hint == "Did you mean KNEO_SERV_SECRET_KEY?"


def test_a_variable_of_the_published_system_that_means_nothing_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEO_SERV_LOG_PATH", "/var/log/kneo")
    assert found() == {"kneo.W005"}


def test_an_old_name_goes_on_working_and_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(variables.RENAMED, "KNEO_SERV_WORKERS", "KNEO_SERV_WORKER_CONCURRENCY")
    monkeypatch.setenv("KNEO_SERV_WORKERS", "7")
    assert variables.integer("KNEO_SERV_WORKER_CONCURRENCY", 32) == 7
    assert messages()["kneo.W004"].msg == "KNEO_SERV_WORKERS is called KNEO_SERV_WORKER_CONCURRENCY now."


def test_a_file_that_cannot_be_read_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEO_SERV_CURRENCY_FILE", "/nowhere/currency")
    with pytest.raises(ImproperlyConfigured, match="KNEO_SERV_CURRENCY_FILE names cannot be read: No such file"):
        variables.text("KNEO_SERV_CURRENCY")


@pytest.fixture
def production(settings: Settings) -> Settings:
    """Be set up as production should be."""
    settings.DEBUG = False
    settings.SECRET_KEY = "9f" * 20 + "kq8Zr3vW1xYpLmNtB5s"
    settings.HAS_OWN_SECRET_KEY = True
    settings.ALLOWED_HOSTS = ["kneo.example.com"]
    settings.API_KEYS = f"op:{'k9' * 20}:operator"
    settings.DATABASE_URL = "postgresql://kneo:word@db.example.com/kneo?sslmode=verify-full"
    settings.BROKER_URL = "amqps://kneo:word@broker.example.com//"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 3600
    return settings


def test_production_as_it_should_be_has_nothing_to_be_told(production: Settings) -> None:
    told = {
        number for number in messages(deploy=True) if not number.startswith("drf_spectacular.")
    }  # of the API's page
    assert told - set(production.SILENCED_SYSTEM_CHECKS) == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ALLOWED_HOSTS", ["*"], "kneo.W006"),
        ("API_KEYS", "op:short:operator", "kneo.W007"),
        ("ADMIN_API_KEY", "short", "kneo.W007"),
        ("BROKER_URL", "kneo-files://", "kneo.W008"),
        ("BROKER_URL", "amqp://guest:guest@broker.example.com//", "kneo.W009"),
        ("DATABASE_URL", "postgresql://kneo:word@db.example.com/kneo", "kneo.W010"),
        ("DATABASE_URL", "postgresql://kneo:word@db.example.com/kneo?sslmode=prefer", "kneo.W010"),
    ],
)
def test_what_production_must_not_have_is_told(production: Settings, name: str, value: object, expected: str) -> None:
    setattr(production, name, value)
    told = messages(deploy=True)[expected]
    assert not {"kneo:word", "op:short"} & set(told.msg.split())
