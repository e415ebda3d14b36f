"""The admin's pages about audit events: to search and to read."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from kneo_project.audit.models import AuditEvent
from kneo_project.site import showing
from kneo_project.site.filters import OfRun, ids_beginning_with
from kneo_project.site.pages import OperatorAdmin, column


@admin.register(AuditEvent)
class AuditEventAdmin(OperatorAdmin[AuditEvent]):
    """Who did what, newest first."""

    list_display = ["event", "who", "when", "of_run", "what"]
    list_filter = ["created_at", OfRun]
    loaded = ["event_type", "actor", "created_at", "run_id", "metadata"]
    ordering = ["-created_at"]
    search_fields = ["event_type"]
    search_help_text = "Event type, or id of a run (at least its first 4 characters)."
    fields = ["event", "who", "when_in_full", "of_run", "question", "identifier", "all_facts"]

    event = column("event", showing.words, "event_type")
    who = column("actor", lambda actor: showing.words(actor or "the service"), "actor")
    when = column("at", showing.age, "created_at", is_sortable=True)
    when_in_full = column("at", showing.moment, "created_at")
    what = column("facts", showing.facts, "metadata")
    all_facts = column("facts", showing.document, "metadata")
    identifier = column("event id", str, "public_id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Find events by their type, or by the beginning of their run's id."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        of_run = ids_beginning_with(queryset, wanted, "run_id")
        return queryset.filter(event_type=wanted) if of_run is None else of_run, False

    @admin.display(description="run")
    def of_run(self, row: AuditEvent) -> str:
        """Return a link to the run, where the event is about one."""
        if row.run_id is None:
            return showing.NOTHING
        return showing.link(showing.short_id(row.run_id), "runs_run_change", args=[row.run_id])

    @admin.display(description="human task")
    def question(self, row: AuditEvent) -> str:
        """Return a link to the human task, where the event is about one."""
        if row.continuation_id is None:
            return showing.NOTHING
        label = showing.short_id(row.continuation_id)
        return showing.link(label, "humantasks_humantask_change", args=[row.continuation_id])
