"""The admin's pages about what runs left behind: checkpoints and trace events."""

from collections.abc import Iterable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from kneo_project.site import showing
from kneo_project.site.filters import OfRun, ids_beginning_with
from kneo_project.site.pages import OperatorAdmin, Related, column
from runs.admin import columns
from runs.models import Checkpoint, TraceEvent


class RecordAdmin[M: (Checkpoint, TraceEvent)](OperatorAdmin[M]):
    """Rows that belong to one run, newest first."""

    ordering = ["-id"]
    search_fields = ["run_id"]
    search_help_text = "Run id, or at least its first 4 characters."

    linked = {"of_run": "runs.view_run"}

    of_run = column("run", showing.run_link, "run_id")
    run_in_full = column("run", str, "run_id")
    short_step = column("step", showing.words, "step_id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """Find rows by the beginning of their run's id."""
        if not search_term.strip():
            return queryset, False
        found = ids_beginning_with(queryset, search_term, "run__id")
        return queryset.none() if found is None else found, False

    def related(self, row: M) -> Iterable[Related]:
        """Link to the run."""
        yield Related(label="Run", url=columns.run_address(row.run_id))


@admin.register(Checkpoint)
class CheckpointAdmin(RecordAdmin[Checkpoint]):
    """What steps and changes of status left behind."""

    nothing = "Each step of a run leaves one behind."
    list_display = ["number", "kind", "of_run", "short_step", "tries", "took", "at", "failure"]
    list_display_links = ["number", "kind"]
    list_filter = [OfRun]
    loaded = ["sequence", "type", "run_id", "step_id", "path", "attempt", "started_at", "created_at", "error_type"]
    fieldsets = [
        (
            None,
            {"fields": ["number", "kind", "status_then", "run_in_full", "short_step", "full_path", "turn", "tries"]},
        ),
        ("Time", {"fields": ["began", "took", "at_in_full"]}),
        ("Input, output, error", {"fields": ["input_shown", "output_shown", "failure", "message", "more"]}),
    ]

    number = column("#", showing.number, "sequence")
    kind = column("type", showing.words, "type")
    status_then = column("run's status", columns.status_badge, "status")
    full_path = column("path", showing.words, "path")
    turn = column("iteration", showing.number, "iteration")
    tries = column("attempt", showing.number, "attempt")
    at = column("at", showing.age, "created_at")
    at_in_full = column("recorded", showing.moment, "created_at")
    began = column("began", showing.moment, "started_at")
    failure = column("error", showing.words, "error_type")
    message = column("error message", showing.long_text, "error_message")
    input_shown = column("input", showing.long_text, "input_text")
    output_shown = column("output", showing.long_text, "output_text")
    more = column("details", showing.document, "details")

    @admin.display(description="duration")
    def took(self, row: Checkpoint) -> str:
        """Return how long the step took."""
        return showing.seconds_between(row.started_at, row.created_at)


@admin.register(TraceEvent)
class TraceEventAdmin(RecordAdmin[TraceEvent]):
    """What runs did, for debugging."""

    nothing = "Runs leave them behind as far as their trace is kept."
    list_display = ["place", "kind", "of_run", "short_step", "agent", "when"]
    list_display_links = ["place", "kind"]
    list_filter = [OfRun]
    loaded = ["number", "type", "run_id", "step_id", "agent_name", "at"]
    fieldsets = [
        (None, {"fields": ["place", "kind", "run_in_full", "short_step", "agent", "when_in_full", "checkpoint"]}),
        ("What was seen", {"fields": ["input_shown", "output_shown", "failure", "model_shown", "more"]}),
    ]

    place = column("#", showing.number, "number")
    kind = column("type", showing.words, "type")
    agent = column("agent", showing.words, "agent_name")
    when = column("at", showing.age, "at")
    when_in_full = column("at", showing.moment, "at")
    checkpoint = column("checkpoint", showing.number, "checkpoint_sequence")
    input_shown = column("input", showing.long_text, "input_preview")
    output_shown = column("output", showing.long_text, "output_preview")
    failure = column("error", showing.long_text, "error")
    model_shown = column("model", showing.document, "model")
    more = column("metadata", showing.document, "metadata")
