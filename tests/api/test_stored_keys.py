"""API keys of the database: made and revoked without a restart, never shown twice, and who made them is on record."""

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from kneo_project.apikeys.models import ApiKey
from kneo_project.apikeys.services import create_key, principal_for, revoke_key, usage
from kneo_project.audit.models import AuditEvent
from kneo_project.errors import InvalidRequest
from kneo_project.redaction import redact_text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Let the process forget that there ever was a key."""
    usage.forget()
    yield
    usage.forget()


def status(key: str | None, path: str = "/v1/runs", method: str = "GET") -> int:
    """Return the status of the answer to a request with ``key``."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return Client(headers=headers).generic(method, path, "{}", "application/json").status_code


def made(*grants: str, **options: timedelta) -> str:
    """Return a new key."""
    length = options.get("expires_in")
    expires_at = None if length is None else timezone.now() + length
    return create_key("dashboard", grants or ("viewer",), expires_at=expires_at, actor="op")[1]


def test_a_key_opens_what_its_roles_and_scopes_say() -> None:
    key = made("viewer", "policies:read")
    assert (status(key), status(key, "/v1/policies/environment"), status(key, method="POST")) == (200, 200, 403)
    assert status("kneo_00000000_" + "x" * 43) == status(None) == 401
    assert status(key[:-1] + ("a" if key[-1] != "a" else "b")) == 401


def test_once_there_is_a_key_everybody_needs_one_also_when_it_is_revoked() -> None:
    assert status(None) == 200
    usage.forget()
    key = made()
    assert status(None) == 401
    revoke_key(ApiKey.objects.get().prefix, actor="op")
    assert (status(key), status(None)) == (401, 401)
    assert status(None, "/v1/livez") == 200


def test_a_key_that_expired_opens_nothing() -> None:
    key = made(expires_in=timedelta(hours=1))
    assert status(key) == 200
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert status(key) == 401


def test_the_key_itself_is_kept_nowhere_and_masked_where_it_appears() -> None:
    key = made()
    kept = str(list(ApiKey.objects.values())) + str(list(AuditEvent.objects.values()))
    assert key not in kept
    assert key.split("_", 2)[2] not in kept
    assert redact_text(f"sent {key} along") == "sent [REDACTED] along"


def test_who_made_and_revoked_a_key_is_on_record() -> None:
    made("reviewer")
    row = ApiKey.objects.get()
    revoke_key(row.prefix, actor="boss")
    revoke_key(row.prefix, actor="boss")
    told = [(each.event_type, each.actor, each.metadata["prefix"]) for each in AuditEvent.objects.order_by("pk")]
    assert told == [("apikey.created", "op", row.prefix), ("apikey.revoked", "boss", row.prefix)]


def test_that_a_key_was_used_is_noted_once_a_minute() -> None:
    key = made()
    status(key)
    first = ApiKey.objects.get().last_used_at
    status(key)
    assert first is not None
    assert ApiKey.objects.get().last_used_at == first


@pytest.mark.parametrize(
    ("name", "grants"), [("", ["viewer"]), ("x", []), ("x", ["god"]), ("x", ["viewer", "runs:all"])]
)
def test_a_key_needs_a_name_and_grants_that_are_known(name: str, grants: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="roles are admin"):
        create_key(name, grants, expires_at=None, actor="op")
    with pytest.raises(InvalidRequest, match="in the future"):
        create_key("x", ["viewer"], expires_at=timezone.now(), actor="op")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("key", [b"", b"kneo_", b"admin-key", b"kneo_zzzzzzzz_" + b"x" * 43, b"\xff" * 60])
def test_what_is_no_such_key_is_nobody(key: bytes) -> None:
    assert principal_for(key) is None


def test_the_command_makes_lists_and_revokes() -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command("apikey", "create", "studio", "--grant", "operator", "--expires-in", "90d", stdout=out, stderr=err)
    key = out.getvalue().strip()
    assert "not shown again" in err.getvalue()
    assert status(key) == 200

    prefix = ApiKey.objects.get().prefix
    for state in ("usable", "revoked"):
        shown = io.StringIO()
        call_command("apikey", "list", stdout=shown)
        assert all(word in shown.getvalue() for word in (prefix, "studio", "operator", state))
        call_command("apikey", "revoke", prefix, stdout=io.StringIO())
    assert status(key) == 401


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["create", "x", "--grant", "god"], "'god' is neither"),
        (["create", "x", "--grant", "viewer", "--expires-in", "soon"], "12h or 90d"),
        (["revoke", "00000000"], "no API key"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        call_command("apikey", *arguments, stdout=io.StringIO(), stderr=io.StringIO())
