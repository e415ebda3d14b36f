"""Audit events. This module stays generic: it refers to runs and human tasks by their ids and never imports them."""

import uuid

from django.db import models
from django.utils import timezone


class AuditEvent(models.Model):
    """Who did what. Append only: nothing changes a row, and only pruning deletes it."""

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    event_type = models.CharField(max_length=64)
    # No foreign keys: an event outlives what it is about.
    run_id = models.UUIDField(null=True, blank=True)
    continuation_id = models.UUIDField(null=True, blank=True)
    # The name of a principal, as long as an operator chose it; null is the service itself.
    actor = models.TextField(null=True, blank=True)  # noqa: DJ001
    metadata = models.JSONField(default=dict, blank=True, help_text="Redacted before it was stored.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        """Indexes follow the filters of the list, and the pruning by age."""

        indexes = [
            models.Index(fields=["event_type", "created_at"], name="audit_event_type_created_at"),
            models.Index(fields=["run_id"], name="audit_run_id"),
            models.Index(fields=["created_at"], name="audit_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} by {self.actor or 'the service'}"
