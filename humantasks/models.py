"""A question put to a person, and the answer. Rows are kept after they are answered."""

import uuid
from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Left, Now

from specs.language.plan import OnReject, OnTimeout, RequestType

ASSIGNEE_HEAD = 255
"""So much of an assignee's name is indexed, and may be given when a task is assigned."""
URGENCY = (F("escalated_at").asc(nulls_last=True), F("expires_at").asc(nulls_last=True), "created_at", "pk")


class TaskStatus(models.TextChoices):
    """Where a human task is in its life."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class AssigneeKind(models.TextChoices):
    """Whom a human task was assigned to."""

    USER = "user"
    GROUP = "group"


class HumanTaskQuerySet(models.QuerySet["HumanTask"]):
    """Human tasks, by what somebody has to do about them."""

    def open(self) -> Self:
        """Return the tasks that wait for a person."""
        return self.filter(status=TaskStatus.OPEN)

    def put_for(self, run_id: uuid.UUID) -> Self:
        """Return the tasks of a run that need not be opened: they are open, or their answer is still to be taken up."""
        return self.filter(Q(status=TaskStatus.OPEN) | Q(status=TaskStatus.ANSWERED, awaits_run=True), run_id=run_id)

    def answered_for(self, run_id: uuid.UUID) -> Self:
        """Return the tasks of a run that were answered while it was working, and that it has not taken up yet."""
        return self.filter(run_id=run_id, status=TaskStatus.ANSWERED, awaits_run=True)

    def overdue(self) -> Self:
        """Return the open tasks whose deadline has passed and that nobody escalated yet."""
        return self.open().filter(expires_at__lte=Now(), escalated_at=None)

    def assigned_to(self, *names: str) -> Self:
        """Return the tasks whose assignee is one of ``names``; the beginning is indexed, as it may be any text."""
        heads = [name[:ASSIGNEE_HEAD] for name in names]
        return self.alias(assignee_head=Left("assignee", ASSIGNEE_HEAD)).filter(
            assignee_head__in=heads, assignee__in=names
        )

    def of_person(self, name: str, *aliases: str) -> Self:
        """Return the tasks that ``name`` has claimed, or that nobody else has and that are assigned to that person."""
        heads = Q(assignee_head__in=[name, *aliases], assignee__in=[name, *aliases])
        mine = heads & ~Q(assignee_kind=AssigneeKind.GROUP) & Q(claimed_by=None)
        return self.alias(assignee_head=Left("assignee", ASSIGNEE_HEAD)).filter(Q(claimed_by=name) | mine)

    def of_groups(self, groups: Collection[str]) -> Self:
        """Return the tasks that are assigned to one of ``groups``."""
        return self.assigned_to(*groups).exclude(assignee_kind=AssigneeKind.USER)

    def most_urgent_first(self) -> Self:
        """Return the tasks in the order of an inbox: escalated, then by when they are due, then the oldest first."""
        return self.order_by(*URGENCY)


class HumanTask(models.Model):
    """A question put to a person. ``id`` is the public ``continuation_id``.

    ``awaits_run``: it was answered while its run was working, which takes the answer up at its next step.
    ``journal_place``: where in the journal of a step that asked in the middle of its work the answer belongs.
    ``assignee_kind``: what the assignee is; null when the spec named it, which knows no users.
    ``claimed_by``: who works on it, so that nobody else does; no right, only an order among those who have it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey("runs.Run", on_delete=models.CASCADE, related_name="human_tasks")
    status = models.CharField(max_length=16, choices=TaskStatus.choices, default=TaskStatus.OPEN)
    path = models.CharField(max_length=1024)
    iteration = models.PositiveIntegerField(default=1)
    step_id = models.CharField(max_length=255)
    step_index = models.PositiveIntegerField()
    workflow_name = models.CharField(max_length=255)
    shape = models.CharField(max_length=16)

    request_id = models.UUIDField(default=uuid.uuid4, editable=False)
    request_type = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in RequestType])
    title = models.TextField()
    prompt = models.TextField()
    context = models.JSONField(default=dict, blank=True)
    options = models.JSONField(null=True, blank=True)
    default_option = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none" on the wire
    assignee = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "nobody" on the wire
    form = models.JSONField(null=True, blank=True)
    assignee_kind = models.CharField(  # noqa: DJ001 - null is "not known"
        max_length=8, choices=AssigneeKind.choices, null=True, blank=True
    )
    claimed_by = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "nobody"
    claimed_at = models.DateTimeField(null=True, blank=True)
    approvals_needed = models.SmallIntegerField(default=1, db_default=1)
    exclude_requester = models.BooleanField(default=False, db_default=False)
    response_role = models.CharField(max_length=16, null=True, blank=True)  # noqa: DJ001 - null is "none given"
    input_text = models.TextField(blank=True)
    timeout_seconds = models.PositiveIntegerField(null=True, blank=True)
    on_timeout = models.CharField(max_length=16, choices=[(way.value, way.value) for way in OnTimeout])
    on_reject = models.CharField(max_length=16, choices=[(way.value, way.value) for way in OnReject])

    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    decision = models.CharField(max_length=16, null=True, blank=True)  # noqa: DJ001 - null is "no answer yet"
    content = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none given"
    selected_option = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none given"
    filled_form = models.JSONField(null=True, blank=True)
    response_metadata = models.JSONField(default=dict, blank=True)
    decided_by = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "the platform"
    awaits_run = models.BooleanField(default=False)
    journal_place = models.JSONField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = HumanTaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "path", "iteration"], condition=Q(status="open"), name="human_task_open_once"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "expires_at"], name="human_task_status_expires_at"),
            models.Index(fields=["-created_at"], name="human_task_created_at"),
            models.Index(
                fields=["escalated_at", "expires_at", "created_at"], condition=Q(status="open"), name="human_task_inbox"
            ),
            models.Index(
                fields=["claimed_by"], condition=Q(status="open", claimed_by__isnull=False), name="human_task_claimed"
            ),
            models.Index(
                Left("assignee", ASSIGNEE_HEAD),
                condition=Q(status="open", assignee__isnull=False),
                name="human_task_assigned",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.status})"

    @property
    def is_call(self) -> bool:
        """Whether it asks about a call of a tool, in the middle of a step."""
        return self.journal_place is not None and "tool" in self.context

    def as_request(self) -> dict[str, Any]:
        """Return the question in the shape callers see."""
        request: dict[str, Any] = {
            "id": str(self.request_id),
            "type": self.request_type,
            "title": self.title,
            "prompt": self.prompt,
            "context": {"input_text": self.input_text, **self.context},
            "options": self.options,
            "default_option": self.default_option,
            "requested_by": self.step_id,
            "assignee": self.assignee,
            "timeout_seconds": self.timeout_seconds,
            "on_timeout": self.on_timeout,
            "metadata": {},
        }
        if self.form is not None:
            request["form"] = self.form
        if self.escalated_at and self.expires_at:
            request["escalated_at"] = self.escalated_at.timestamp()
            request["original_expires_at"] = self.expires_at.timestamp()
        return request


class TaskApproval(models.Model):
    """One person's answer to a question that several people have to agree on. A rejection is none: it ends it."""

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(HumanTask, on_delete=models.CASCADE, related_name="approvals")
    decided_by = models.CharField(max_length=255)
    decided_at = models.DateTimeField()
    decision = models.CharField(max_length=16)
    content = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none given"
    selected_option = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "none given"
    filled_form = models.JSONField(null=True, blank=True)
    response_metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "decided_by"], name="task_approval_once")]

    def __str__(self) -> str:
        return f"{self.decision} by {self.decided_by}"
