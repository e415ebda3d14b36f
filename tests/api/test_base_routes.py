"""The routes that are there before any app adds its own."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings

from kneo_project.celery import app
from kneo_project.version import version

PREFIXES = ["", "/v1"]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(("probe", "status"), [("healthz", "healthy"), ("livez", "alive")])
def test_a_probe_that_touches_nothing(client: Client, prefix: str, probe: str, status: str) -> None:
    assert client.get(f"{prefix}/{probe}?anything=1").json() == {
        "ok": True,
        "service": "kneo-serv-platform",
        "version": version(),
        "metadata": {"status": status},
    }


def test_head_answers_like_get_without_a_body(client: Client) -> None:
    response = client.head("/v1/livez")
    assert (response.status_code, response.content) == (200, b"")


def test_the_bare_address_leads_to_the_console(client: Client) -> None:
    response = client.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")
    assert client.post("/").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_service_with_its_own_schema_is_ready(client: Client, prefix: str) -> None:
    answer = client.get(f"{prefix}/readyz").json()
    assert answer["ok"] is True
    assert answer["metadata"]["ready"] is True
    assert {name: check["ok"] for name, check in answer["metadata"]["checks"].items()} == {
        "api": True,
        "run_state_store": True,
        "schema": True,
        "room": True,
        "queue": True,
        "providers": True,
        "mcp": True,
    }


@pytest.mark.django_db
def test_a_secret_that_must_be_there_clears_readiness(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEALTH_PROVIDERS, settings.HEALTH_MCP_SECRETS = ("openai",), ("CRM_TOKEN",)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-live-1234")
    monkeypatch.delenv("CRM_TOKEN", raising=False)
    lacking = client.get("/v1/readyz")
    assert (lacking.status_code, b"sk-live-1234" in lacking.content) == (503, False)
    checks = lacking.json()["detail"]["metadata"]["checks"]
    assert (checks["providers"]["ok"], checks["mcp"]["ok"]) == (True, False)
    assert checks["mcp"]["items"]["CRM_TOKEN"]["present"] is False
    monkeypatch.setenv("CRM_TOKEN", "t")
    assert client.get("/v1/readyz").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(("applied", "side"), [(False, "missing"), (True, "unknown")])
def test_any_other_schema_is_not_ready(client: Client, applied: bool, side: str) -> None:
    recorder = MigrationRecorder(connection)
    if applied:
        recorder.record_applied("audit", "9999_from_a_newer_version")
    else:
        recorder.record_unapplied("audit", "0001_initial")
    response = client.get("/v1/readyz")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json()["detail"]["error"] == "not_ready"
    schema = response.json()["detail"]["metadata"]["checks"]["schema"]
    assert schema["ok"] is False
    assert schema[side][0].startswith("audit.")


@pytest.mark.django_db
def test_strangers_learn_no_names(client: Client, settings: Settings) -> None:
    settings.API_KEYS = "op:key:viewer"
    stranger = client.get("/v1/readyz").json()["metadata"]["checks"]
    known = client.get("/v1/readyz", headers={"Authorization": "Bearer key"}).json()["metadata"]["checks"]
    assert all(check.keys() == {"name", "ok"} for check in stranger.values())
    assert known["run_state_store"]["kind"] == connection.vendor


@pytest.mark.django_db
def test_a_broker_that_is_away_is_reported_and_does_not_clear_readiness(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", "amqp://guest:guest@127.0.0.1:1//")
    answer = client.get("/v1/readyz")
    assert answer.status_code == 200
    assert answer.json()["metadata"]["checks"]["queue"]["ok"] is False


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/v1/livez/?a=1&b=%20", "http://testserver/v1/livez?a=1&b=%20"),
        ("/v1/readyz/", "http://testserver/v1/readyz"),
        ("/openapi.json/", "http://testserver/openapi.json"),
    ],
)
def test_a_trailing_slash_is_sent_to_the_route_without_it(client: Client, path: str, location: str) -> None:
    response = client.post(path)
    assert (response.status_code, response.content, response.headers["Location"]) == (307, b"", location)


@pytest.mark.parametrize(
    "path", ["/v1/nowhere/", "/v1/livez//", "//elsewhere.example/", "/v1/openapi.json", "/v1/metrics"]
)
def test_what_is_no_route_is_not_found(client: Client, path: str) -> None:
    assert client.get("/", PATH_INFO=path).status_code == 404  # as it is: by itself the client looks for a host in it


def test_the_openapi_document_is_json_of_version_3_1(client: Client) -> None:
    response = client.get("/openapi.json")
    document = response.json()
    assert response.headers["Content-Type"] == "application/json"
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == version()
    assert {"/v1/readyz", "/readyz"} <= document["paths"].keys()
    assert document["components"]["securitySchemes"]["bearerKey"] == {"type": "http", "scheme": "bearer"}


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_pages_load_nothing_from_elsewhere(client: Client, path: str) -> None:
    page = client.get(path).content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page


def test_the_admin_asks_who_is_there(client: Client) -> None:
    assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
