"""The admin's pages about audit events: to search and to read."""

from collections.abc import Iterable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from kneo_project.audit.models import AuditEvent
from kneo_project.site import showing
from kneo_project.site.filters import OfRun, ids_beginning_with
from kneo_project.site.pages import OperatorAdmin, Related, column


@admin.register(AuditEvent)
class AuditEventAdmin(OperatorAdmin[AuditEvent]):
    """Who did what, newest first."""

    list_display = ["event", "who", "when", "of_run", "what"]
    list_filter = ["created_at", OfRun]
    linked = {"of_run": "runs.view_run"}
    loaded = ["event_type", "actor", "created_at", "run_id", "metadata"]
    ordering = ["-created_at"]
    nothing = "Whatever somebody does from now on is noted here."
    search_fields = ["event_type"]
    search_help_text = "Event type, or id of a run (as it is shown, or at least its first 4 characters)."
    fields = ["event", "who", "when_in_full", "run_in_full", "question", "identifier", "all_facts"]

    event = column("event", showing.words, "event_type")
    who = column("actor", lambda actor: showing.words(actor or "the service"), "actor")
    when = column("at", showing.age, "created_at", is_sortable=True)
    when_in_full = column("at", showing.moment, "created_at")
    what = column("facts", showing.facts, "metadata")
    all_facts = column("facts", showing.document, "metadata")
    identifier = column("event id", str, "public_id")
    of_run = column("run", showing.run_link, "run_id")
    run_in_full = column("run", showing.identifier, "run_id")
    question = column("human task", showing.identifier, "continuation_id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Find events by their type, or by the beginning of their run's id."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        of_run = ids_beginning_with(queryset, wanted, "run_id")
        return queryset.filter(event_type=wanted) if of_run is None else of_run, False

    def related(self, row: AuditEvent) -> Iterable[Related]:
        """Link to what the event is about."""
        if row.run_id is not None:
            yield Related(label="Run", url=showing.address("runs_run_change", args=[row.run_id]))
        if row.continuation_id is not None:
            url = showing.address("humantasks_humantask_change", args=[row.continuation_id])
            yield Related(label="Human task", url=url)
