"""What is known about runs. Behaviour lives elsewhere: ``transitions`` writes, ``leases`` says who may."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from humantasks.models import HumanTask
from runs.engine.lifecycle import ACTIVE, TERMINAL, Status
from runs.engine.progress import RecordType
from specs.models import SpecSnapshot

STATUS_CHOICES = [(status.value, status.value) for status in Status]


class Target(models.TextChoices):
    """Which part of a spec a run runs."""

    WORKFLOW = "workflow"
    AGENT = "agent"


class LeaseOwner(models.Model):
    """A process that advances runs. Its runs are its own as long as ``expires_at`` lies ahead."""

    id = models.CharField(max_length=128, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="lease_owner_expires_at")]

    def __str__(self) -> str:
        return self.id


class RunQuerySet(models.QuerySet["Run"]):
    """Runs, by what somebody has to do about them."""

    def due(self) -> Self:
        """Return the runs that somebody should look at now and nobody does."""
        return self.filter(wake_at__lte=Now(), status__in=ACTIVE, lease_owner=None)

    def overdue(self) -> Self:
        """Return the unfinished runs whose deadline has passed."""
        return self.whole().filter(deadline_at__lte=Now()).exclude(status__in=TERMINAL)

    def whole(self) -> Self:
        """Return the runs that are no branch of another: those that somebody asked for."""
        return self.filter(within=None)

    def leased_to(self, owner_id: str) -> Self:
        """Return the runs that ``owner_id`` is advancing."""
        return self.filter(lease_owner=owner_id)


class Run(models.Model):
    """One execution of one plan on one input. The row stays small and hot; what the steps did is in checkpoints.

    ``fence`` grows with every claim and every change from outside, and each write names the fence it was made under.
    ``wake_at`` is the next moment somebody must look at the run; null means nobody must.
    ``ordered_by`` is the principal whose sessions it belongs to. Money is in billionths of the currency's unit.
    ``attempts`` counts the executions that died with their process; ``trace_count`` all trace events there ever were.
    ``parent`` and ``forked_at`` tell the run and the checkpoint that a fork began from. A branch of another run belongs
    to the fan-out ``branch_of``, and ends with the run ``within``, which is a branch of none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    status = models.CharField(max_length=16, choices=STATUS_CHOICES, default=Status.CREATED)
    target = models.CharField(max_length=16, choices=Target.choices, default=Target.WORKFLOW)
    snapshot = models.ForeignKey(SpecSnapshot, on_delete=models.PROTECT, related_name="runs")
    spec_path = models.CharField(max_length=4096, null=True, blank=True)  # noqa: DJ001 - null is "inline" on the wire
    overlay_paths = models.JSONField(default=list, blank=True)
    agent_name = models.CharField(max_length=255)
    workflow_name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "no workflow"
    environment = models.CharField(max_length=4096, null=True, blank=True)  # noqa: DJ001 - null is "none given"
    session_id = models.CharField(max_length=4096, null=True, blank=True)  # noqa: DJ001 - null is "none given"
    ordered_by = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "not known"
    caller_metadata = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=list, blank=True)
    input_text = models.TextField(blank=True)
    output_text = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "no output yet"
    error_type = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "no error"
    error_message = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "no error"

    cursor = models.JSONField(default=dict, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    trace_count = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    output_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    total_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    token_budget = models.PositiveBigIntegerField(null=True, blank=True)
    cost_nanos = models.PositiveBigIntegerField(null=True, blank=True)
    cost_budget_nanos = models.PositiveBigIntegerField(null=True, blank=True)

    fence = models.PositiveBigIntegerField(default=0)
    lease_owner = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - null is "nobody"
    attempts = models.PositiveSmallIntegerField(default=0)
    wake_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    timeout_seconds = models.PositiveIntegerField(null=True, blank=True)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="forks")
    forked_at = models.PositiveIntegerField(null=True, blank=True)

    within = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="branches", db_index=False
    )
    branch_of = models.ForeignKey(
        "FanOut", on_delete=models.CASCADE, null=True, blank=True, related_name="branches", db_index=False
    )
    branch_index = models.PositiveIntegerField(null=True, blank=True)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-updated_at"], name="run_updated_at"),
            # Of whole runs only, so that the lists of runs are counted in the index, without reading any run.
            models.Index(
                fields=["created_at", "workflow_name", "error_type"],
                name="run_whole_created_at",
                condition=Q(within__isnull=True),
            ),
            models.Index(fields=["status", "-updated_at"], name="run_whole_status", condition=Q(within__isnull=True)),
            models.Index(
                fields=["-updated_at"],
                name="run_whole_error",
                condition=Q(error_type__isnull=False, within__isnull=True),
            ),
            models.Index(fields=["session_id"], name="run_session_id", condition=Q(session_id__isnull=False)),
            models.Index(fields=["wake_at"], name="run_wake_at", condition=Q(wake_at__isnull=False)),
            models.Index(fields=["lease_owner"], name="run_lease_owner", condition=Q(lease_owner__isnull=False)),
            models.Index(
                fields=["deadline_at"],
                name="run_deadline_at",
                condition=Q(deadline_at__isnull=False, completed_at__isnull=True),
            ),
            models.Index(fields=["within", "status"], name="run_within", condition=Q(within__isnull=False)),
            models.Index(
                fields=["branch_of", "branch_index"],
                name="run_waiting_branch",
                condition=Q(branch_of__isnull=False, status="created", wake_at=None),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["branch_of", "branch_index"],
                name="run_branch_once",
                condition=Q(branch_of__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow_name or self.agent_name} {self.id}"

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended for good."""
        return self.status in TERMINAL

    @property
    def trace_event_count(self) -> int:
        """Return how many of the run's trace events are kept."""
        return min(self.trace_count, settings.TRACE_MAX_EVENTS or self.trace_count)

    @property
    def trace_dropped(self) -> int:
        """Return how many trace events came after the run's share of them was used up."""
        return self.trace_count - self.trace_event_count

    @property
    def pending_task(self) -> HumanTask | None:
        """Return the question the run waits for, if it does."""
        if self.status != Status.BLOCKED:
            return None
        return HumanTask.objects.open().filter(run_id=self.id).first()


class RunLabel(models.Model):
    """What callers find a run by: a tag (``name`` is empty), or a short value at the top of their metadata, as text."""

    # The unique constraint begins with it.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="labels", db_index=False)
    name = models.CharField(max_length=255, blank=True)
    value = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name", "value"], name="run_label_once")]
        indexes = [models.Index(fields=["name", "value"], name="run_label_value")]

    def __str__(self) -> str:
        return f"{self.name}:{self.value}" if self.name else self.value


class FanOut(models.Model):
    """A workflow of ``run`` whose branches are runs of their own, named by the ``path`` of the workflow.

    ``unfinished`` is how many of the ``total`` branches have not ended, ``at_once`` how many may be under way. The
    branches began with ``variables`` and with what the run had recorded up to checkpoint ``text_at``.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="fan_outs", db_index=False)
    path = models.CharField(max_length=1024, blank=True)
    total = models.PositiveIntegerField()
    unfinished = models.PositiveIntegerField()
    at_once = models.PositiveIntegerField()
    variables = models.JSONField(default=dict)
    text_at = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="fan_out_once_per_path")]

    def __str__(self) -> str:
        return f"{self.path or 'workflow'} ({self.total - self.unfinished} of {self.total} ended)"


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
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.matched} runs"


class Checkpoint(models.Model):
    """What a committed step or change of status left behind. Append-only; ordered by ``sequence`` within its run.

    ``cursor`` is where the run was after the commit, on the last checkpoint of each: forks begin there.
    """

    # The unique constraint on run and sequence is the index of this key.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints", db_index=False)
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


class Tally(models.Model):
    """How often something happened, how long it took together and by bounds, and the tokens it cost."""

    kind = models.CharField(max_length=24)
    count = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    buckets = models.JSONField(default=list)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    total_tokens = models.PositiveBigIntegerField(default=0)
    cost_nanos = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.count} {self.kind}"


class TotalTally(Tally):
    """Since the service began; what is pruned stays counted."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind"], name="total_tally_once")]


class HourlyTally(Tally):
    """In an hour, by workflow; no name is the agent alone."""

    hour = models.DateTimeField()
    workflow_name = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hour", "kind", "workflow_name"], name="hourly_tally_once"),
        ]


class StatisticsMark(models.Model):
    """How far the tallies reach. There is one row."""

    ONLY = 1

    checkpoint_id = models.BigIntegerField(default=0)
    answers_until = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"up to checkpoint {self.checkpoint_id}"


class TraceEvent(models.Model):
    """What the run did, for debugging. Append-only; numbered within its run."""

    # The unique constraint on run and number is the index of this key.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="trace_events", db_index=False)
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
