"""Who was refused is on record: without the credential, and without letting strangers fill the table."""

import json
from collections.abc import Iterator
from hashlib import sha256

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django import Settings

from kneo_project.audit import sparing
from kneo_project.audit.models import AuditEvent
from tests.loglines import captured
from tests.stubs.identity_provider import AUDIENCE, IdentityProvider

RUN = "/v1/runs/00000000-0000-4000-8000-000000000000"
SECRET = "guessed-secret"


@pytest.fixture(autouse=True)
def forgotten(settings: Settings) -> Iterator[None]:
    """Let the process forget what it recorded."""
    settings.API_KEYS = "op:k-1:viewer"
    sparing.recent.forget()
    yield
    sparing.recent.forget()


def ask(key: str | None, method: str = "GET", path: str = RUN, peer: str = "192.0.2.1") -> int:
    """Return the status of the answer to a request of ``peer``."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return Client(headers=headers).generic(method, path, REMOTE_ADDR=peer).status_code


def told() -> list[tuple[str, str | None, dict[str, object]]]:
    """Return the events so far."""
    return list(AuditEvent.objects.order_by("pk").values_list("event_type", "actor", "metadata"))


def test_a_wrong_key_is_on_record_and_cannot_be_found_out_from_it() -> None:
    assert ask(SECRET) == 401
    fingerprint = sha256(SECRET.encode()).hexdigest()[:8]
    route = "/v1/runs/<str:run_id>"
    facts = {"method": "GET", "route": route, "client_ip": "192.0.2.1", "fingerprint": fingerprint, "count": 1}
    assert told() == [("auth.failed", None, facts)]
    assert SECRET not in json.dumps(told())


def test_a_missing_scope_is_on_record_with_who_lacked_it() -> None:
    assert ask("k-1", "POST", f"{RUN}/cancel") == 403
    [(event, actor, facts)] = told()
    assert (event, actor) == ("auth.forbidden", "op")
    assert facts == {
        "method": "POST",
        "route": "/v1/runs/<str:run_id>/cancel",
        "client_ip": "192.0.2.1",
        "required_scope": "runs:write",
        "count": 1,
    }


def test_who_presents_nothing_leaves_nothing_behind() -> None:
    assert [ask(None), ask("")] == [401, 401]
    assert Client(headers={"Authorization": "Basic eDp5"}).get(RUN).status_code == 401
    assert told() == []


def test_public_routes_and_accepted_keys_leave_nothing_behind() -> None:
    assert [ask(SECRET, path="/v1/livez"), ask("k-1"), ask(SECRET, path="/v1/nothing")] == [200, 404, 404]
    assert told() == []


def test_the_same_again_is_held_back_whatever_the_guess() -> None:
    assert {ask(f"guess-{number}") for number in range(5)} == {401}
    assert {ask("k-1", "POST", f"{RUN}/cancel") for _ in range(3)} == {403}
    assert [event for event, _, _ in told()] == ["auth.failed", "auth.forbidden"]
    ask("guess", peer="192.0.2.2")
    ask("guess", path="/v1/runs")
    assert [event for event, _, _ in told()[2:]] == ["auth.failed", "auth.failed"]


def test_behind_our_proxy_the_address_is_the_one_it_saw(settings: Settings) -> None:
    settings.BEHIND_TLS_PROXY = True
    headers = {"X-Kneo-Api-Key": SECRET, "X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    Client(headers=headers).get(RUN)
    assert told()[0][2]["client_ip"] == "198.51.100.7"


def test_a_token_that_is_refused_is_on_record_like_a_key(settings: Settings) -> None:
    with IdentityProvider() as provider:
        settings.OIDC_ISSUER, settings.OIDC_AUDIENCE = provider.issuer, AUDIENCE
        token = provider.token(aud="another-service")
        with captured() as lines:
            assert ask(token) == 401
    assert [event for event, _, _ in told()] == ["auth.failed"]
    assert token.rpartition(".")[2] not in json.dumps(told()) + lines.stream.getvalue()


def test_a_database_that_is_away_prevents_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(AuditEvent.objects, "create", refuse)
    with captured() as lines:
        assert ask("k-1", "POST", f"{RUN}/cancel") == 403
    assert [line["event"] for line in lines.of("kneo_serv.audit")] == ["audit_event_lost"]
