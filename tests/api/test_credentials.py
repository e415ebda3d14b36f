"""GET /v1/security/credentials."""

import pytest
from django.test import override_settings

from kneo_project.audit.models import AuditEvent
from tests.api.conftest import Api

SECRET = "sk-inventory-0123456789"
PROVIDERS = ["anthropic", "google", "google-adk", "openai", "openai-agents"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set one key, and forget those of whoever runs the tests."""
    for name in ("ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "KNEO_SERV_API_KEY", "KNEO_SERV_API_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("SEARCH_TOKEN", SECRET)


def entry(kind: str, name: str, variable: str, *, is_present: bool) -> dict[str, object]:
    """Return what is told of a secret."""
    return {
        "name": f"{kind}:{name}",
        "env_var": variable,
        "present": is_present,
        "value": "[REDACTED]" if is_present else None,
        "status": "present" if is_present else "missing",
        "expires_at": None,
        "last_checked": None,
    }


def test_the_known_providers_and_the_services_own_keys_are_listed(api: Api) -> None:
    answer = api.get("/security/credentials")
    inventory = answer["inventory"]
    assert sorted(inventory["providers"]) == PROVIDERS
    assert inventory["providers"]["openai"] == entry("provider", "openai", "OPENAI_API_KEY", is_present=True)
    assert inventory["providers"]["google"] == entry("provider", "google", "GOOGLE_API_KEY", is_present=False)
    assert sorted(inventory["service_tokens"]) == ["KNEO_SERV_ADMIN_API_KEY", "KNEO_SERV_API_KEY", "KNEO_SERV_API_KEYS"]
    assert SECRET not in str(answer)


@override_settings(SECRET_REFS=("OPENAI_API_KEY", "SEARCH_TOKEN", "MY_MODEL_API_KEY"))
def test_what_specs_may_name_is_told_and_no_other_variable(api: Api) -> None:
    assert list(api.get("/security/credentials")["inventory"]["extra"]) == ["SEARCH_TOKEN", "MY_MODEL_API_KEY"]

    asked = api.client.get("/v1/security/credentials?extras=SEARCH_TOKEN&extras=PATH&providers=my-model&providers=")
    inventory = asked.json()["inventory"]
    assert inventory["extra"] == {
        "SEARCH_TOKEN": entry("extra", "SEARCH_TOKEN", "SEARCH_TOKEN", is_present=True),
        "PATH": entry("extra", "PATH", "PATH", is_present=False),
    }
    assert inventory["providers"] == {"my-model": entry("provider", "my-model", "MY_MODEL_API_KEY", is_present=False)}


def test_the_services_own_keys_may_be_left_out(api: Api) -> None:
    inventory = api.get("/security/credentials", include_service_tokens="false", providers="")["inventory"]
    assert (inventory["service_tokens"], inventory["providers"]) == ({}, {})
    api.get("/security/credentials", 422, include_service_tokens="perhaps")
    api.get("/security/credentials", 422, colour="red")


def test_who_looked_is_on_record(api: Api) -> None:
    api.client.get("/v1/security/credentials?providers=openai")
    event = AuditEvent.objects.get(event_type="credential.inventory_accessed")
    assert event.actor == "anonymous"
    assert (event.metadata["providers_requested"], event.metadata["provider_count"]) == (["openai"], 1)
    assert (event.metadata["providers_present"], event.metadata["include_service_references"]) == (1, True)


@pytest.mark.parametrize("parameter", ["providers", "extras"])
def test_a_name_that_no_record_could_hold_is_refused(api: Api, parameter: str) -> None:
    refused = api.get("/security/credentials", 422, **{parameter: "a\0b"})
    assert refused["detail"][0]["loc"] == ["query", parameter]
