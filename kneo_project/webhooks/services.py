"""What callers can do with subscriptions and deliveries: one function per use case, each on record."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kneo_project.audit.services import record
from kneo_project.errors import KneoError, NotFound, Problem, RequestInvalid
from kneo_project.net.addresses import is_listed, is_public, web_address
from kneo_project.webhooks.event_types import PING
from kneo_project.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookSubscription
from kneo_project.webhooks.outbox import delivery_of, payload_of, wanted
from kneo_project.webhooks.sending import is_acceptable
from kneo_project.webhooks.signing import is_readable, new_secret, sealed


class WebhookDisabled(KneoError):
    """The webhook is disabled; nothing is sent to it until it is enabled again."""

    code = "webhook_disabled"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosed:
    """A subscription with the secret that signs for it, which nobody can show again."""

    subscription: WebhookSubscription
    secret: str


def find_subscription(subscription_id: uuid.UUID) -> WebhookSubscription:
    """Return the subscription. Raises NotFound."""
    row = WebhookSubscription.objects.filter(pk=subscription_id).first()
    if row is None:
        raise NotFound("There is no such webhook.")
    return row


def create_subscription(fields: Mapping[str, Any], *, actor: str) -> Disclosed:
    """Subscribe ``url`` to events. Raises RequestInvalid for an address that may not be reached."""
    refuse_unreachable(fields["url"])
    secret = new_secret()
    with transaction.atomic():
        row = WebhookSubscription.objects.create(**fields, secret=sealed(secret), created_by=actor)
        record("webhook.created", actor=actor, metadata=_facts(row))
        transaction.on_commit(wanted.forget)
    return Disclosed(subscription=row, secret=secret)


def update_subscription(subscription_id: uuid.UUID, fields: Mapping[str, Any], *, actor: str) -> WebhookSubscription:
    """Change a subscription; enabling it forgets why it was disabled. Raises NotFound or RequestInvalid.

    ``has_previous_secret`` that is false lets only the newest secret sign from now on.
    """
    changes = dict(fields)
    if "url" in changes:
        refuse_unreachable(changes["url"])
    if changes.pop("has_previous_secret", None) is False:
        changes["previous_secret"] = None
    if "is_enabled" in changes:
        changes["disabled_reason"] = None
    with transaction.atomic():
        row = _locked(subscription_id)
        for name, value in changes.items():
            setattr(row, name, value)
        if changes:
            row.save(update_fields=changes.keys())
            record("webhook.updated", actor=actor, metadata={**_facts(row), "changed": sorted(fields)})
            transaction.on_commit(wanted.forget)
    return row


def delete_subscription(subscription_id: uuid.UUID, *, actor: str) -> None:
    """End a subscription, and with it what was still to be told to it. Raises NotFound."""
    with transaction.atomic():
        row = _locked(subscription_id)
        facts = _facts(row)
        row.delete()
        record("webhook.deleted", actor=actor, metadata=facts)
        transaction.on_commit(wanted.forget)


def rotate_secret(subscription_id: uuid.UUID, *, keep_previous: bool, actor: str) -> Disclosed:
    """Give the subscription a new secret; the one before it signs as well, if it is kept. Raises NotFound.

    One that cannot be read any more is not kept: it signs nothing, and every delivery would fail for it.
    """
    secret = new_secret()
    with transaction.atomic():
        row = _locked(subscription_id)
        keep_previous = keep_previous and is_readable(row.secret)
        row.previous_secret = row.secret if keep_previous else None
        row.secret = sealed(secret)
        row.save(update_fields=["secret", "previous_secret"])
        record("webhook.secret_rotated", actor=actor, metadata={**_facts(row), "keeps_previous": keep_previous})
    return Disclosed(subscription=row, secret=secret)


def send_ping(subscription_id: uuid.UUID, *, actor: str) -> WebhookDelivery:
    """Tell the subscription nothing in particular, the way it is told everything. Raises NotFound, WebhookDisabled."""
    now = timezone.now()
    with transaction.atomic():
        row = _enabled(subscription_id)
        ping = delivery_of(row, PING, payload_of(PING, now, {"subscription_id": str(row.pk)}), now)
        ping.save(force_insert=True)
        record("webhook.tested", actor=actor, metadata={**_facts(row), "delivery_id": str(ping.pk)})
    return ping


def redeliver(subscription_id: uuid.UUID, delivery_id: uuid.UUID, *, actor: str) -> WebhookDelivery:
    """Make a delivery again, under its own id, as if it had never been tried. Raises NotFound, WebhookDisabled."""
    with transaction.atomic():
        row = _enabled(subscription_id)
        delivery = row.deliveries.select_for_update().filter(pk=delivery_id).first()
        if delivery is None:
            raise NotFound("There is no such delivery.")
        facts = {**_facts(row), "delivery_id": str(delivery.pk), "previous_status": delivery.status}
        delivery.status, delivery.attempts = DeliveryStatus.PENDING, 0
        delivery.next_attempt_at, delivery.claimed_until, delivery.delivered_at = timezone.now(), None, None
        changed = ["status", "attempts", "next_attempt_at", "claimed_until", "delivered_at"]
        delivery.save(update_fields=changed)
        record("webhook.redelivered", actor=actor, metadata=facts)
    return delivery


def refuse_unreachable(address: str) -> None:
    """Do nothing, unless deliveries could never go to ``address``. Where its name leads is seen at each attempt.

    Raises:
        RequestInvalid: it is no address, not https, or plainly not in the public network.
    """
    url = web_address(address)
    if url is None:
        raise _bad_url("Input should be an http or https address with a host and without a user name or password")
    if not is_acceptable(url):
        raise _bad_url("Input should be an https address; the operator may allow others by their host")
    with suppress(ValueError):
        literal = ip_address(url.host.strip("[]"))
        if not is_public(literal) and not is_listed(url, settings.WEBHOOK_PRIVATE_HOSTS):
            raise _bad_url("Input should not be an address outside the public network")


def _bad_url(message: str) -> RequestInvalid:
    return RequestInvalid([Problem(type="value_error", loc=("body", "url"), msg=message)])


def _locked(subscription_id: uuid.UUID) -> WebhookSubscription:
    row = WebhookSubscription.objects.select_for_update().filter(pk=subscription_id).first()
    if row is None:
        raise NotFound("There is no such webhook.")
    return row


def _enabled(subscription_id: uuid.UUID) -> WebhookSubscription:
    row = _locked(subscription_id)
    if not row.is_enabled:
        raise WebhookDisabled(reason=row.disabled_reason)
    return row


def _facts(row: WebhookSubscription) -> dict[str, object]:
    return {
        "subscription_id": str(row.pk),
        "host": row.host,
        "event_types": row.event_types,
        "workflow_name": row.workflow_name,
        "environment": row.environment,
        "is_enabled": row.is_enabled,
    }
