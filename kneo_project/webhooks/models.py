"""Subscriptions, and what is to be told to them. Names nothing of the apps above: what happened is data here."""

import uuid
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q
from django.utils import timezone


class WebhookSubscriptionQuerySet(models.QuerySet["WebhookSubscription"]):
    """Subscriptions, by whether anything is told to them."""

    def enabled(self) -> Self:
        """Return the subscriptions that hear what happens."""
        return self.filter(is_enabled=True)


class WebhookSubscription(models.Model):
    """Who is told of what: no ``event_types`` are all of them, and a filter that is null lets everything pass.

    The secrets are sealed (see ``signing``). While there is a ``previous_secret``, both sign.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    url = models.TextField()
    description = models.TextField(blank=True)
    event_types = models.JSONField(default=list, blank=True)
    workflow_name = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "of any workflow"
    environment = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "in any environment"
    secret = models.TextField(editable=False)
    previous_secret = models.TextField(null=True, editable=False)  # noqa: DJ001 - null is "none"
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none"
    created_by = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WebhookSubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook"
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.host} ({self.id})"

    @property
    def host(self) -> str:
        """Where it is, as it may be shown: many services take the rest of an address for proof of who calls."""
        return urlsplit(self.url).netloc

    @property
    def has_previous_secret(self) -> bool:
        """Whether the secret before this one still signs as well."""
        return self.previous_secret is not None

    def wants(self, event_type: str, *, workflow_name: str | None, environment: str | None) -> bool:
        """Return whether an event of this type, about a run of that workflow in that environment, is to be told."""
        return (
            (not self.event_types or event_type in self.event_types)
            and self.workflow_name in (None, workflow_name)
            and self.environment in (None, environment)
        )


class DeliveryStatus(models.TextChoices):
    """Where a delivery is in its life."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Deliveries, by what somebody has to do about them."""

    def pending(self) -> Self:
        """Return the deliveries that are still to be made."""
        return self.filter(status=DeliveryStatus.PENDING)

    def settled(self) -> Self:
        """Return the deliveries that were made, or given up."""
        return self.exclude(status=DeliveryStatus.PENDING)

    def due(self, at: datetime) -> Self:
        """Return the deliveries to make now. One that a process has claimed is due again when its claim lapses."""
        return self.pending().filter(next_attempt_at__lte=at)

    def in_flight(self, at: datetime) -> Self:
        """Return the deliveries that a process is making."""
        return self.pending().filter(claimed_until__gt=at)


class WebhookDelivery(models.Model):
    """One event for one subscription. ``id`` is the ``webhook-id`` of every attempt.

    ``attempts`` counts the claims, so that a delivery that takes its process down is not tried for ever.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraint in the database: whoever deletes a subscription must never make the commit of a run fail, nor wait
    # for it. A row that is left behind that way is sent to nobody.
    subscription = models.ForeignKey(
        WebhookSubscription, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False, db_index=False
    )
    event_type = models.CharField(max_length=64)
    payload = models.JSONField(help_text="Redacted before it was stored.")
    status = models.CharField(max_length=16, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    last_status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none"
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(
                fields=["subscription", "next_attempt_at"], name="webhook_delivery_due", condition=Q(status="pending")
            ),
            models.Index(fields=["subscription", "-created_at"], name="webhook_delivery_of"),
            models.Index(fields=["created_at"], name="webhook_delivery_created_at"),
            models.Index(fields=["-created_at"], name="webhook_delivery_dead", condition=Q(status="dead")),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.id}"
