"""Recording who did what."""

import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone

from kneo_project.audit.models import AuditEvent
from kneo_project.redaction import redact

exported = logging.getLogger("kneo_serv.audit")


def record(
    event_type: str,
    *,
    actor: str | None,
    run_id: uuid.UUID | None = None,
    continuation_id: uuid.UUID | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Record that ``actor`` (None is the platform) did ``event_type``, in the caller's transaction, and return it."""
    event = AuditEvent.objects.create(
        event_type=event_type,
        run_id=run_id,
        continuation_id=continuation_id,
        actor=actor,
        metadata=redact(dict(metadata or {})),
        created_at=timezone.now(),
    )
    if settings.AUDIT_EXPORT_ENABLED:
        exported.info(json.dumps(_line(event), sort_keys=True))
    return event


def _line(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": str(event.public_id),
        "event_type": event.event_type,
        "run_id": event.run_id and str(event.run_id),
        "continuation_id": event.continuation_id and str(event.continuation_id),
        "actor": event.actor,
        "metadata": event.metadata,
        "created_at": event.created_at.isoformat(),
    }
