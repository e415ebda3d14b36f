"""Runs to be started by the clock: see ``runs.schedules``."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from kneo_project.queues import DEFAULT_QUEUE
from runs.models.runs import Priority, Run, Target
from specs.models import SpecSnapshot


class Overlap(models.TextChoices):
    """What to do when a run is due and an earlier one of the same schedule has not ended."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_OTHER = "cancel_other"
    ALLOW = "allow"


class Outcome(models.TextChoices):
    """What came of a moment at which a run was due."""

    STARTED = "started"
    WAITING = "waiting"
    SKIPPED = "skipped"
    MISSED = "missed"
    REFUSED = "refused"


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Schedules, by what somebody has to do about them."""

    def due(self, at: datetime) -> Self:
        """Return the schedules of which a run is due, or waits for its turn."""
        return self.filter(Q(next_at__lte=at) | Q(waiting_since__isnull=False), is_paused=False)


class Schedule(models.Model):
    """Starts a run of ``snapshot`` whenever ``cron`` says so in ``time_zone``. Its name stays, as audit events have it.

    ``next_at`` is the next moment a run is due; null while paused. ``waiting_since`` is a moment that was due and whose
    run could not be started yet: at most one waits. A moment that is noticed more than ``misfire_grace_seconds`` late
    is missed; null is never. ``last_due_at``, ``last_outcome``, ``last_reason`` and ``last_run`` tell of the last one.
    ``changed_by`` is who last changed it; null is nobody. The other columns are those of the run.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=64, unique=True)
    cron = models.CharField(max_length=128)
    time_zone = models.CharField(max_length=64, default="UTC")
    overlap = models.CharField(max_length=16, choices=Overlap.choices, default=Overlap.SKIP)
    misfire_grace_seconds = models.PositiveIntegerField(null=True, blank=True)
    is_paused = models.BooleanField(default=False)
    next_at = models.DateTimeField(null=True, blank=True)
    waiting_since = models.DateTimeField(null=True, blank=True)

    snapshot = models.ForeignKey(SpecSnapshot, on_delete=models.PROTECT, related_name="schedules")
    spec_path = models.CharField(max_length=4096, null=True, blank=True)  # noqa: DJ001 - null is "inline" on the wire
    overlay_paths = models.JSONField(default=list, blank=True)
    environment = models.CharField(max_length=4096, null=True, blank=True)  # noqa: DJ001 - null is "none given"
    target = models.CharField(max_length=16, choices=Target.choices, default=Target.WORKFLOW)
    input_text = models.TextField(blank=True)
    session_id = models.CharField(max_length=4096, null=True, blank=True)  # noqa: DJ001 - null is "none given"
    caller_metadata = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=list, blank=True)
    queue = models.CharField(max_length=64, default=DEFAULT_QUEUE, db_default=DEFAULT_QUEUE)
    priority = models.PositiveSmallIntegerField(
        choices=Priority.choices, default=Priority.NORMAL, db_default=Priority.NORMAL.value
    )
    timeout_seconds = models.PositiveIntegerField(null=True, blank=True)
    token_budget = models.PositiveBigIntegerField(null=True, blank=True)
    cost_budget = models.FloatField(null=True, blank=True)

    last_due_at = models.DateTimeField(null=True, blank=True)
    last_outcome = models.CharField(max_length=16, choices=Outcome.choices, null=True, blank=True)  # noqa: DJ001 - null is "never due"
    last_reason = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none"
    last_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_by = models.CharField(max_length=255)
    changed_by = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "nobody"
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [
            models.Index(fields=["next_at"], name="schedule_next_at", condition=Q(next_at__isnull=False)),
            models.Index(
                fields=["waiting_since"], name="schedule_waiting_since", condition=Q(waiting_since__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> str:
        """Return who starts its runs, for the audit log."""
        return f"schedule:{self.name}"

    @property
    def authors(self) -> tuple[str, ...]:
        """Return whose order its runs are: who made it, and who last changed it."""
        return tuple(dict.fromkeys([self.created_by, *filter(None, [self.changed_by])]))


class ScheduledRun(models.Model):
    """A run that a schedule started, for the moment ``due_at``; null is "when somebody asked for it".

    ``is_over`` is set by the schedule once it has seen that the run has ended, so that it need not look again.
    """

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="scheduled")
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs", db_index=False)
    due_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    is_over = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="scheduled_run_once")]
        indexes = [
            models.Index(fields=["schedule"], name="scheduled_run_under_way", condition=Q(is_over=False)),
            models.Index(fields=["schedule", "-started_at"], name="scheduled_run_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.due_at or 'on demand'}"
