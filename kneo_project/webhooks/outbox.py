"""Writing down what is to be told, in the transaction of what happened: both are committed, or neither is."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kneo_project.redaction import redact
from kneo_project.webhooks.event_types import EventType
from kneo_project.webhooks.models import WebhookDelivery, WebhookSubscription

LOOK_AGAIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Something that happened, to a run of ``workflow_name`` in ``environment``."""

    type: EventType
    at: datetime
    workflow_name: str | None
    environment: str | None
    data: Mapping[str, object]


class _Wanted:
    """Which events anybody wants, looked up once in a while: what nobody wants must cost nothing.

    Who looks lets the others go on with what was known before, so that nobody waits for anybody.
    """

    def __init__(self) -> None:
        self._types: frozenset[str] | None = None
        self._look_again_at = 0.0

    def includes(self, event_type: str) -> bool:
        """Return whether anybody wanted ``event_type`` two seconds ago or later."""
        now, types = time.monotonic(), self._types
        if types is None or now >= self._look_again_at:
            self._look_again_at = now + LOOK_AGAIN_SECONDS
            self._types = types = _wanted_types()
        return event_type in types

    def forget(self) -> None:
        """Look again at the next question."""
        self._types = None


wanted = _Wanted()


def announce(announcement: Announcement) -> None:
    """Write a delivery for each subscription that wants to know, in the caller's transaction."""
    payload = payload_of(announcement.type, announcement.at, announcement.data)
    listeners = [
        each
        for each in WebhookSubscription.objects.enabled()
        if each.wants(announcement.type, workflow_name=announcement.workflow_name, environment=announcement.environment)
    ]
    WebhookDelivery.objects.bulk_create(
        delivery_of(each, announcement.type, payload, announcement.at) for each in listeners
    )


def delivery_of(
    subscription: WebhookSubscription, event_type: str, payload: dict[str, Any], at: datetime
) -> WebhookDelivery:
    """Return the delivery of ``payload``, due at once and not yet saved."""
    return WebhookDelivery(
        subscription=subscription, event_type=event_type, payload=payload, created_at=at, next_attempt_at=at
    )


def payload_of(event_type: str, at: datetime, data: Mapping[str, object]) -> dict[str, Any]:
    """Return the body of every attempt: secrets are taken out here, whoever announces."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return {"type": str(event_type), "timestamp": moment, "data": redact(dict(data))}


def _wanted_types() -> frozenset[str]:
    asked = WebhookSubscription.objects.enabled().values_list("event_types", flat=True)
    return frozenset(event_type for types in asked for event_type in types or EventType)
