"""Who did what, append only. Imports nobody above the base layer, so that everybody may record."""

import uuid

from django.db import models


class AuditEvent(models.Model):
    """One thing that somebody, or the platform itself (``actor`` is None), did. ``metadata`` is stored redacted."""

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    event_type = models.CharField(max_length=64)
    run_id = models.UUIDField(null=True, blank=True)
    continuation_id = models.UUIDField(null=True, blank=True)
    actor = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "the platform"
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["event_type", "created_at"], name="audit_event_type_created_at"),
            models.Index(fields=["run_id"], name="audit_run_id"),
            models.Index(fields=["created_at"], name="audit_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} by {self.actor or 'the platform'}"
