"""Short words for tests of webhooks: somebody who listens, and time that passes."""

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from kneo_project.webhooks import services
from kneo_project.webhooks.models import WebhookDelivery
from kneo_project.webhooks.services import Disclosed

URL = "https://hooks.example.com/kneo"


def subscribe(url: str = URL, **fields: Any) -> Disclosed:
    """Subscribe ``url``; this process knows at once."""
    return services.create_subscription({"url": url, **fields}, actor="op")


def ping(made: Disclosed) -> WebhookDelivery:
    """Leave something to be sent."""
    return services.send_ping(made.subscription.pk, actor="op")


def told() -> list[tuple[str, dict[str, Any]]]:
    """Return the type and the data of everything that was or is to be told, in order."""
    rows = WebhookDelivery.objects.order_by("created_at", "event_type").values_list("event_type", "payload")
    return [(event_type, payload["data"]) for event_type, payload in rows]


def let_time_pass() -> None:
    """Let every wait and every claim be over."""
    past = timezone.now() - timedelta(seconds=1)
    WebhookDelivery.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=past)
    WebhookDelivery.objects.filter(claimed_until__isnull=False).update(claimed_until=past)


def parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object in ``body``."""
    value: dict[str, Any] = json.loads(body)
    return value
