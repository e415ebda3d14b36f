"""Every route with every role, and with no key: who may what is the published table, and nothing leaks before it."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

SCOPES: dict[str, frozenset[str]] = {
    role: frozenset(scopes.split())
    for role, scopes in {
        "operator": "runs:read runs:write specs:read human:read audit:read credentials:read policies:read "
        "policies:write schedules:read schedules:write webhooks:read webhooks:write",
        "service": "runs:read runs:write specs:read human:read human:write audit:read audit:write credentials:read "
        "policies:read schedules:read",
        "reviewer": "runs:read human:read human:write audit:read",
        "viewer": "runs:read specs:read human:read audit:read schedules:read",
        "nobody": "",
    }.items()
}
# Method, path, scope; ids are unknown, so whoever may ask is told that there is nothing.
ID = "00000000-0000-4000-8000-000000000000"
ROUTES = [
    ("POST", "/runs", "runs:write"),
    ("GET", "/runs", "runs:read"),
    ("GET", f"/runs/{ID}", "runs:read"),
    ("GET", f"/runs/{ID}/policy-report", "runs:read"),
    ("GET", f"/runs/{ID}/graph", "runs:read"),
    ("POST", f"/runs/{ID}/cancel", "runs:write"),
    ("GET", f"/runs/{ID}/recovery", "runs:read"),
    ("GET", f"/runs/{ID}/replay", "runs:read"),
    ("POST", f"/runs/{ID}/continue", "runs:write"),
    ("POST", f"/runs/{ID}/fork", "runs:write"),
    ("POST", f"/runs/{ID}/signals/paid", "runs:write"),
    ("GET", f"/runs/{ID}/checkpoints/diff", "runs:read"),
    ("GET", f"/runs/{ID}/checkpoints", "runs:read"),
    ("GET", f"/runs/{ID}/branches", "runs:read"),
    ("GET", f"/runs/{ID}/trace", "runs:read"),
    ("POST", "/specs/validate", "specs:read"),
    ("POST", "/specs/compile", "specs:read"),
    ("POST", "/specs/explain", "specs:read"),
    ("POST", "/specs/graph", "specs:read"),
    ("POST", "/specs/policy-report", "specs:read"),
    ("POST", "/specs/run", "runs:write"),
    ("GET", "/skills", "specs:read"),
    ("GET", "/human-tasks", "human:read"),
    ("GET", f"/human-tasks/{ID}", "human:read"),
    ("POST", f"/human-tasks/{ID}/resume", "human:write"),
    ("GET", "/audit-events", "audit:read"),
    ("GET", "/webhooks", "webhooks:read"),
    ("POST", "/webhooks", "webhooks:write"),
    ("GET", f"/webhooks/{ID}", "webhooks:read"),
    ("PATCH", f"/webhooks/{ID}", "webhooks:write"),
    ("DELETE", f"/webhooks/{ID}", "webhooks:write"),
    ("POST", f"/webhooks/{ID}/rotate-secret", "webhooks:write"),
    ("POST", f"/webhooks/{ID}/test", "webhooks:write"),
    ("GET", f"/webhooks/{ID}/deliveries", "webhooks:read"),
    ("POST", f"/webhooks/{ID}/deliveries/{ID}/redeliver", "webhooks:write"),
    ("GET", "/schedules", "schedules:read"),
    ("POST", "/schedules", "schedules:write"),
    ("GET", "/schedules/nightly", "schedules:read"),
    ("PATCH", "/schedules/nightly", "schedules:write"),
    ("DELETE", "/schedules/nightly", "schedules:write"),
    ("POST", "/schedules/nightly/pause", "schedules:write"),
    ("POST", "/schedules/nightly/resume", "schedules:write"),
    ("POST", "/schedules/nightly/trigger", "schedules:write"),
    ("GET", "/security/credentials", "credentials:read"),
    ("GET", "/policies/environment", "policies:read"),
    ("GET", "/policies/environment/prod", "policies:read"),
    ("PUT", "/policies/environment/prod", "policies:write"),
    ("POST", "/policies/environment/prod/preview", "policies:read"),
]
PUBLIC = ["/healthz", "/livez", "/readyz", "/specs/schema"]


@pytest.fixture(autouse=True)
def keys(db: None, settings: Settings) -> None:
    """Give a key to each role, and one to somebody without any scope."""
    granted = [f"{role}:{role}-key:{'' if role == 'nobody' else role}" for role in SCOPES]
    settings.API_KEYS = ";".join(granted)
    settings.ADMIN_API_KEY = "admin-key"


def ask(method: str, path: str, key: str | None) -> tuple[int, dict[str, object]]:
    """Return the status and the detail of the answer to a request with an empty body."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    client = Client(raise_request_exception=False, headers=headers)
    response = client.generic(method, path, "{}" if method != "GET" else "", "application/json")
    detail = json.loads(response.content).get("detail") if response.content else None
    return response.status_code, detail if isinstance(detail, dict) else {}


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_a_route_is_for_those_who_have_its_scope(method: str, path: str, scope: str) -> None:
    for role, scopes in SCOPES.items():
        status, detail = ask(method, f"/v1{path}", f"{role}-key")
        if scope in scopes:
            assert status not in {401, 403}, role
        else:
            assert (status, detail["error"], detail["required_scope"]) == (403, "forbidden", scope), role
    assert ask(method, f"/v1{path}", "admin-key")[0] not in {401, 403}
    assert ask(method, path, "nobody-key")[0] == 403


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_without_a_key_every_route_says_the_same(method: str, path: str, scope: str) -> None:
    refused = ask("GET", "/v1/runs", None)
    assert refused[0] == 401
    assert [ask(method, f"/v1{path}?colour=red", key) for key in (None, "", "admin-key-")] == [refused] * 3


@pytest.mark.parametrize("path", PUBLIC)
def test_probes_and_the_language_are_public(path: str) -> None:
    assert ask("GET", f"/v1{path}", None)[0] == 200


@pytest.mark.parametrize("template", ["/runs/{}", "/runs/{}/trace", "/human-tasks/{}"])
def test_unknown_and_malformed_ids_are_told_alike(template: str) -> None:
    told = {ask("GET", "/v1" + template.format(each), "admin-key")[0] for each in (ID, "no-uuid", "7", "%00", "ü")}
    assert told == {404}
