"""The admin's pages about human tasks.

Not registered here: answering a task moves a run, and human tasks know nothing of runs. ``runs.admin`` adds the actions
and registers the pages.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from humantasks.models import HumanTask, TaskStatus
from kneo_project.site import showing
from kneo_project.site.filters import Narrowing, NeedsAttention, OfRun, ids_beginning_with
from kneo_project.site.pages import OperatorAdmin, Related, column
from kneo_project.site.showing import Tone

TONES = {
    TaskStatus.OPEN: Tone.WAITING,
    TaskStatus.ANSWERED: Tone.GOOD,
    TaskStatus.EXPIRED: Tone.BAD,
    TaskStatus.CANCELLED: Tone.QUIET,
}


def task_badge(task: HumanTask) -> str:
    """Return a task's status as a badge."""
    return showing.badge(task.status, TONES[TaskStatus(task.status)])


class TaskAttention(NeedsAttention):
    """The tasks that somebody should look at."""

    def narrowings(self) -> Mapping[str, tuple[str, Narrowing[Any]]]:
        """Return the narrowings of the list of human tasks."""
        return {
            "open": ("Open", lambda rows: rows.filter(status=TaskStatus.OPEN)),
            "overdue": ("Open, overdue", lambda rows: rows.filter(status=TaskStatus.OPEN, expires_at__lte=Now())),
            "escalated": (
                "Open, escalated",
                lambda rows: rows.filter(status=TaskStatus.OPEN, escalated_at__isnull=False),
            ),
        }


class HumanTaskAdmin(OperatorAdmin[HumanTask]):
    """Questions put to people, and their answers."""

    list_display = ["state", "question", "workflow", "assigned_to", "of_run", "asked", "due", "answer"]
    list_display_links = ["question"]
    list_filter = [TaskAttention, "status", "request_type", OfRun]
    loaded = [
        "id", "run_id", "status", "title", "workflow_name", "assignee", "created_at", "expires_at", "escalated_at",
        "decision", "decided_by", "request_id",
    ]  # fmt: skip
    ordering = ["-created_at"]
    search_fields = ["id"]
    search_help_text = "Id of a human task or of a run, or at least its first 4 characters."
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("state", "assigned_to"), ("asked_in_full", "due_in_full"),
                    "question", "prompt_text", "subject", "choices", "context_document",
                ],
            },
        ),
        ("Answer", {"fields": [("answer", "answered"), "selection", "content_text", "filled_document"]}),
        ("Without an approval", {"fields": [("rejected", "missed", "escalated")]}),
        ("Where it comes from", {"fields": [("workflow", "step", "of_run"), "identifier"]}),
    ]  # fmt: skip

    identifier = column("continuation id", str, "id")
    question = column("question", showing.excerpt, "title")
    prompt_text = column("prompt", showing.long_text, "prompt")
    subject = column("asked about", showing.long_text, "input_text")
    assigned_to = column("assignee", lambda assignee: showing.excerpt(assignee, 60), "assignee")
    workflow = column("workflow", showing.words, "workflow_name")
    step = column("step", showing.words, "path")
    asked = column("asked", showing.age, "created_at", is_sortable=True)
    asked_in_full = column("asked", showing.moment, "created_at")
    due_in_full = column("due", showing.moment, "expires_at")
    escalated = column("escalated", showing.moment, "escalated_at")
    missed = column("when not answered", showing.words, "on_timeout")
    rejected = column("when rejected", showing.words, "on_reject")
    answered = column("answered", showing.moment, "decided_at")
    content_text = column("content", showing.long_text, "content")
    selection = column("selected option", showing.long_text, "selected_option")
    filled_document = column("form", showing.document, "filled_form")
    context_document = column("context", showing.document, "context")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[HumanTask], search_term: str
    ) -> tuple[QuerySet[HumanTask], bool]:
        """Find tasks by the beginning of their id or of their run's."""
        if not search_term.strip():
            return queryset, False
        found = ids_beginning_with(queryset, search_term, "id", "run_id")
        return queryset.none() if found is None else found, False

    def label(self, row: HumanTask) -> str:
        """Return the question and where it comes from: many tasks ask the same."""
        origin = f"{showing.words(row.workflow_name)}, run {showing.short_id(row.run_id)}"
        return f"{showing.excerpt(row.title)} ({origin})"

    def related(self, row: HumanTask) -> Iterable[Related]:
        """Link to the run."""
        yield Related(label="Run", url=showing.address("runs_run_change", args=[row.run_id]))

    @admin.display(description="status")
    def state(self, row: HumanTask) -> str:
        """Return the status as a badge."""
        return task_badge(row)

    @admin.display(description="options")
    def choices(self, row: HumanTask) -> str:
        """Return the options offered."""
        return showing.words(", ".join(row.options or ()))

    @admin.display(description="run")
    def of_run(self, row: HumanTask) -> str:
        """Return a link to the run."""
        return showing.link(showing.short_id(row.run_id), "runs_run_change", args=[row.run_id])

    @admin.display(description="due")
    def due(self, row: HumanTask) -> str:
        """Return when the answer is due, flagged when that has passed."""
        shown = showing.age(row.expires_at)
        is_overdue = row.status == TaskStatus.OPEN and row.expires_at and row.expires_at <= timezone.now()
        return format_html("{} {}", shown, showing.badge("overdue", Tone.BAD)) if is_overdue else shown

    @admin.display(description="answer")
    def answer(self, row: HumanTask) -> str:
        """Return the decision and who made it."""
        if row.decision is None:
            return showing.NOTHING
        return f"{row.decision} by {showing.words(row.decided_by or 'the service')}"
