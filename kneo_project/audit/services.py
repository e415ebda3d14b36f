"""Records who did what. Imports nobody above the base layer, so that everybody may record."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, cast

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from kneo_project.audit.models import AuditEvent
from kneo_project.redaction import redact

logger = structlog.stdlib.get_logger("kneo_serv.audit")


def record(
    event_type: str,
    *,
    actor: str | None,
    run_id: uuid.UUID | None = None,
    continuation_id: uuid.UUID | None = None,
    metadata: Mapping[str, object] | None = None,
) -> AuditEvent:
    """Write an audit event in the caller's transaction, so that what is recorded and what happened agree.

    Arguments:
        event_type: a stable dotted name, such as ``run.created``.
        actor: the name of the principal; None for what the service does by itself.
        metadata: facts of the event; they are redacted before they are stored.
    """
    event = AuditEvent.objects.create(
        event_type=event_type,
        actor=actor,
        run_id=run_id,
        continuation_id=continuation_id,
        metadata=cast("dict[str, Any]", redact(dict(metadata or {}))),
    )
    if settings.AUDIT_EXPORT_ENABLED:
        transaction.on_commit(partial(_export, event), robust=True)
    return event


def recorded_before(moment: datetime) -> QuerySet[AuditEvent]:
    """Return the events before ``moment``."""
    return AuditEvent.objects.filter(created_at__lt=moment)


def prune_before(moment: datetime, *, at_most: int) -> int:
    """Delete some of the events before ``moment``, the oldest first; return how many."""
    oldest = recorded_before(moment).order_by("created_at").values_list("pk", flat=True)[:at_most]
    return AuditEvent.objects.filter(pk__in=list(oldest)).delete()[0]


def _export(event: AuditEvent) -> None:
    """Mirror a committed event as a log line."""
    logger.info(
        "audit_event",
        id=str(event.public_id),
        event_type=event.event_type,
        run_id=event.run_id and str(event.run_id),
        continuation_id=event.continuation_id and str(event.continuation_id),
        actor=event.actor,
        metadata=event.metadata,
        created_at=event.created_at.isoformat(),
    )
