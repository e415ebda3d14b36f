"""What runs leave behind, and what they were promised for."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from runs.engine.progress import RecordType
from runs.models.runs import Run
from runs.partitions.leaving import with_run_or_month


class Checkpoint(models.Model):
    """What a committed step or change of status left behind. Append-only; ordered by ``sequence`` within its run.

    ``cursor`` is where the run was after the commit, on the last checkpoint of each: forks begin there.
    """

    # The unique constraint on run and sequence is the index of this key.
    run = models.ForeignKey(Run, on_delete=with_run_or_month, related_name="checkpoints", db_index=False)
    sequence = models.PositiveIntegerField()
    type = models.CharField(max_length=24)
    status = models.CharField(max_length=16)
    step_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "of the run itself"
    path = models.CharField(max_length=1024, blank=True)
    iteration = models.PositiveIntegerField(default=1)
    attempt = models.PositiveSmallIntegerField(default=1)
    input_text = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none"
    output_text = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none"
    error_type = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "none"
    error_message = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none"
    details = models.JSONField(default=dict, blank=True)
    cursor = models.JSONField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "sequence"], name="checkpoint_once_per_sequence"),
            models.UniqueConstraint(
                fields=["run", "path", "iteration"],
                condition=Q(type=RecordType.STEP_COMPLETED.value),
                name="step_recorded_once",
            ),
        ]
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"{self.sequence} {self.type} {self.path}".rstrip()

    @property
    def public_id(self) -> uuid.UUID:
        """Return the id callers see: derived, so that no index is kept for it."""
        return uuid.uuid5(self.run_id, f"checkpoint/{self.sequence}")


class Signal(models.Model):
    """Something that happened outside and was told to a run: kept until the run waits for it, taken once, in order."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="signals", db_index=False)
    name = models.CharField(max_length=255)
    payload = models.JSONField(default=dict)
    word = models.CharField(max_length=256, null=True, blank=True)  # noqa: DJ001 - null is "no idempotency key"
    sent_by = models.CharField(max_length=255)
    received_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name", "word"], name="signal_once_per_word")]

    def __str__(self) -> str:
        return self.name


class JournalEntry(models.Model):
    """What a model, a tool or another agent answered within a step that is under way: see ``runs.agents.journal``.

    Entries are ``spent`` once the step is to begin anew. They stay with the run, to be looked at.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="journal", db_index=False)
    path = models.CharField(max_length=1024)
    iteration = models.PositiveIntegerField()
    attempt = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=1024)
    value = models.JSONField()
    spent = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "path", "iteration", "attempt", "key"],
                condition=Q(spent=False),
                name="journal_entry_once",
            ),
        ]
        verbose_name_plural = "journal entries"

    def __str__(self) -> str:
        return f"{self.path} {self.key}"


class TraceEvent(models.Model):
    """What the run did, for debugging. Append-only; numbered within its run."""

    # The unique constraint on run and number is the index of this key.
    run = models.ForeignKey(Run, on_delete=with_run_or_month, related_name="trace_events", db_index=False)
    number = models.PositiveIntegerField()
    type = models.CharField(max_length=40)
    at = models.DateTimeField()
    checkpoint_sequence = models.PositiveIntegerField()
    step_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "of the run itself"
    agent_name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "no agent"
    input_preview = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none"
    output_preview = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none"
    error = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none"
    model = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="trace_event_once_per_number")]
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.type}"

    @property
    def workflow_name(self) -> str | None:
        """Return the workflow that the event is about: the run's own, or one inside it."""
        named: str | None = self.metadata.get("workflow_name")
        return named or self.run.workflow_name

    @property
    def public_id(self) -> uuid.UUID:
        """Return the id callers see: derived, so that no index is kept for it."""
        return uuid.uuid5(self.run_id, f"event/{self.number}")


class IdempotencyRecord(models.Model):
    """A promise kept: the same key from the same principal gets the same run and the same answer."""

    principal = models.CharField(max_length=255)
    scope = models.CharField(max_length=64)
    key = models.CharField(max_length=256)
    request_hash = models.CharField(max_length=64)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="idempotency_records")
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    response = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "no answer yet"
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "scope", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_created_at")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
