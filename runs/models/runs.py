"""Runs, their branches, and the processes that advance them."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from humantasks.models import HumanTask
from kneo_project.queues import DEFAULT_QUEUE
from runs.engine.lifecycle import ACTIVE, TERMINAL, Status
from runs.identifiers import new_run_id
from specs.models import SpecSnapshot

STATUS_CHOICES = [(status.value, status.value) for status in Status]
IN_LINE = Q(status="created", wake_at__isnull=False)


class Target(models.TextChoices):
    """Which part of a spec a run runs."""

    WORKFLOW = "workflow"
    AGENT = "agent"


class Priority(models.IntegerChoices):
    """Which of the runs that wait in a queue are taken first."""

    HIGH = 0
    NORMAL = 1
    LOW = 2

    @property
    def word(self) -> str:
        """Return what callers call it."""
        return self.name.lower()


class LeaseOwner(models.Model):
    """A process that advances runs of ``queues``. Its runs are its own as long as ``expires_at`` lies ahead."""

    id = models.CharField(max_length=128, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    queues = models.JSONField(default=list, db_default=[])

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="lease_owner_expires_at")]

    def __str__(self) -> str:
        return self.id


class RunQuerySet(models.QuerySet["Run"]):
    """Runs, by what somebody has to do about them."""

    def due(self) -> Self:
        """Return the runs that somebody should look at now and nobody does."""
        return self.filter(wake_at__lte=Now(), status__in=ACTIVE, lease_owner=None)

    def in_line(self) -> Self:
        """Return the runs that wait for their first step."""
        return self.filter(status=Status.CREATED, wake_at__isnull=False)

    def overdue(self) -> Self:
        """Return the unfinished runs whose deadline has passed."""
        return self.whole().filter(deadline_at__lte=Now()).exclude(status__in=TERMINAL)

    def whole(self) -> Self:
        """Return the runs that are no branch of another: those that somebody asked for."""
        return self.filter(within=None)

    def of_whole(self, run_id: uuid.UUID) -> Self:
        """Return the run and its branches."""
        return self.filter(Q(pk=run_id) | Q(within=run_id))

    def leased_to(self, owner_id: str) -> Self:
        """Return the runs that ``owner_id`` is advancing."""
        return self.filter(lease_owner=owner_id)


class Run(models.Model):
    """One execution of one plan on one input. The row stays small and hot; what the steps did is in checkpoints.

    ``fence`` grows with every claim and every change from outside, and each write names the fence it was made under.
    ``wake_at`` is the next moment somebody must look at the run; null means nobody must.
    Workers take it from ``queue``: by ``priority``, and among new runs by ``turn`` (see ``runs.turns``).
    ``ordered_by`` is the principal whose sessions it belongs to. Money is in billionths of the currency's unit.
    ``attempts`` counts the executions that died with their process; ``trace_count`` all trace events there ever were.
    ``parent`` and ``forked_at`` tell the run and the checkpoint that a fork began from. A branch of another run belongs
    to the fan-out ``branch_of``, and ends with the run ``within``, which is a branch of none. Of a run with a
    ``history_pruned_at``, only the first and the last checkpoint are left. ``traceparent`` is the span that the run's
    trace goes on from. A run with an ``imported_at`` ran elsewhere: it is history, and nothing can go on with it.
    """

    id = models.UUIDField(primary_key=True, default=new_run_id, editable=False)
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
    queue = models.CharField(max_length=64, default=DEFAULT_QUEUE, db_default=DEFAULT_QUEUE)
    priority = models.PositiveSmallIntegerField(
        choices=Priority.choices, default=Priority.NORMAL, db_default=Priority.NORMAL.value
    )
    turn = models.BigIntegerField(default=0, db_default=0)
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
    traceparent = models.CharField(max_length=55, null=True, blank=True)  # noqa: DJ001 - null is "not traced"

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    history_pruned_at = models.DateTimeField(null=True, blank=True)
    imported_at = models.DateTimeField(null=True, blank=True)

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
            # How the next one is found: new runs by their turns, those that were begun by how long they have been due.
            models.Index(fields=["queue", "priority", "turn", "wake_at"], name="run_in_line", condition=IN_LINE),
            models.Index(fields=["queue", "priority", "ordered_by", "turn"], name="run_in_line_of", condition=IN_LINE),
            models.Index(
                fields=["queue", "priority", "wake_at"],
                name="run_woken",
                condition=Q(status="running", wake_at__isnull=False),
            ),
            models.Index(fields=["lease_owner"], name="run_lease_owner", condition=Q(lease_owner__isnull=False)),
            models.Index(
                fields=["deadline_at"],
                name="run_deadline_at",
                condition=Q(deadline_at__isnull=False, completed_at__isnull=True),
            ),
            # What is past its window: one for each of what is pruned by the end of a run, as its rows leave it then.
            models.Index(
                fields=["completed_at"],
                name="run_whole_completed_at",
                condition=Q(completed_at__isnull=False, within__isnull=True),
            ),
            models.Index(
                fields=["completed_at"],
                name="run_whole_unpruned",
                condition=Q(completed_at__isnull=False, history_pruned_at__isnull=True, within__isnull=True),
            ),
            models.Index(
                fields=["completed_at"],
                name="run_branch_unpruned",
                condition=Q(completed_at__isnull=False, history_pruned_at__isnull=True, within__isnull=False),
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
        if self.history_pruned_at is not None:
            return 0
        return min(self.trace_count, settings.TRACE_MAX_EVENTS or self.trace_count)

    @property
    def trace_dropped(self) -> int:
        """Return how many trace events are not there: they came after the run's share was used up, or were pruned."""
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
