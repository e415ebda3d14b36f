"""What is to be done to many runs: see ``runs.bulk``."""

import uuid

from django.db import models
from django.db.models import Q


class BulkAction(models.TextChoices):
    """What can be done to many runs."""

    CANCEL = "cancel"
    CONTINUE = "continue"
    RESTART = "restart"


class BulkStatus(models.TextChoices):
    """Where work on many runs is."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class BulkOperation(models.Model):
    """Something to be done to every run that ``filter`` meant at ``created_at``: one by one, in the order of creation.

    ``place`` is the last one done with. ``skipped`` runs did not allow it; ``refusals`` tells of the first of them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    action = models.CharField(max_length=16, choices=BulkAction.choices)
    filter = models.JSONField()
    status = models.CharField(max_length=16, choices=BulkStatus.choices, default=BulkStatus.RUNNING)
    batch_size = models.PositiveIntegerField()
    matched = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    refusals = models.JSONField(default=list, blank=True)
    place_at = models.DateTimeField(null=True, blank=True)
    place_id = models.UUIDField(null=True, blank=True)
    created_by = models.CharField(max_length=255)
    word = models.CharField(max_length=256, null=True, blank=True)  # noqa: DJ001 - null is "no idempotency key"
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["created_by", "word"], name="bulk_once_per_word")]
        indexes = [
            models.Index(fields=["created_at"], name="bulk_under_way", condition=Q(status="running")),
            models.Index(fields=["completed_at"], name="bulk_ended", condition=Q(completed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.matched} runs"
