"""Audit events are written with what they tell about, or not at all."""

import uuid
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from kneo_project.audit.models import AuditEvent
from kneo_project.audit.services import record
from tests.loglines import LogLines, captured

pytestmark = pytest.mark.django_db
RUN = uuid.UUID(int=7)


@pytest.fixture
def lines() -> Iterator[LogLines]:
    with captured() as lines:
        yield lines


def test_an_event_keeps_who_did_what_and_no_secret() -> None:
    record("run.created", actor="op", run_id=RUN, metadata={"password": "x", "to": "jo@example.org", "n": (1,)})
    event = AuditEvent.objects.get()
    assert (event.event_type, event.actor, event.run_id, event.continuation_id) == ("run.created", "op", RUN, None)
    assert event.metadata == {"password": "[REDACTED]", "to": "[REDACTED_EMAIL]", "n": [1]}


def test_an_event_goes_with_the_transaction_it_belongs_to(
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    lines: LogLines,
) -> None:
    settings.AUDIT_EXPORT_ENABLED = True
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        record("run.created", actor="op")
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()
    assert lines.of("kneo_serv.audit") == []


def test_a_committed_event_is_mirrored_when_asked(
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    lines: LogLines,
) -> None:
    settings.AUDIT_EXPORT_ENABLED = True
    with django_capture_on_commit_callbacks(execute=True):
        event = record("human.decision", actor=None, run_id=RUN, metadata={"decision": "approved"})
    (line,) = lines.of("kneo_serv.audit")
    assert line["event_type"] == "human.decision"
    assert (line["id"], line["run_id"], line["actor"]) == (str(event.public_id), str(RUN), None)
    assert line["metadata"] == {"decision": "approved"}


def test_nothing_is_mirrored_unless_asked(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, lines: LogLines
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        record("run.created", actor="op")
    assert lines.of("kneo_serv.audit") == []


def test_the_admin_shows_events_and_changes_none(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    event = record("run.created", actor="op", run_id=RUN)
    found = client.get(f"/admin/audit/auditevent/?q={RUN}").content.decode()
    assert "run.created" in found
    assert client.get(f"/admin/audit/auditevent/{event.pk}/change/").status_code == 200
    for refused in (f"{event.pk}/delete/", "add/"):
        assert client.get(f"/admin/audit/auditevent/{refused}").status_code == 403
