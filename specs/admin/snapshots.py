"""The admin's pages about specs as runs were created from them."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from kneo_project.errors import KneoError
from kneo_project.site import showing
from kneo_project.site.colouring import yaml_document
from kneo_project.site.pages import OperatorAdmin, Related, Table, column
from specs.drawn import graph_of
from specs.models import SpecSnapshot
from specs.services import load_plan

SHOWN = 10


@admin.register(SpecSnapshot)
class SpecSnapshotAdmin(OperatorAdmin[SpecSnapshot]):
    """Specs as runs were created from them."""

    change_form_template = "admin/kneo/snapshot.html"
    list_display = ["short_digest", "created"]
    loaded = ["digest", "created_at"]
    ordering = ["-created_at"]
    nothing = "A spec is kept here, frozen, as soon as a run or a schedule is made of it."
    search_fields = ["digest"]
    search_help_text = "Digest, or its beginning."
    fields = ["full_digest", "created_at_full", "environment", "base", "overlays", "overrides"]

    short_digest = column("digest", lambda digest: digest[:16], "digest")
    full_digest = column("SHA-256", str, "digest")
    created = column("created", showing.age, "created_at", is_sortable=True)
    created_at_full = column("created", showing.moment, "created_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SpecSnapshot], search_term: str
    ) -> tuple[QuerySet[SpecSnapshot], bool]:
        """Find digests by their beginning."""
        wanted = search_term.strip().lower()
        return (queryset.filter(digest__startswith=wanted) if wanted else queryset), False

    def related(self, row: SpecSnapshot) -> Iterable[Related]:
        """Link to the runs of this spec."""
        query = {"spec": row.digest}
        yield Related(label="Runs of this spec", url=showing.address("runs_run_changelist", query=query))
        yield Related(label="Check it, or run it again", url=showing.address("runs_schedule_new", query=query))

    def tables(self, row: SpecSnapshot) -> Iterable[Table]:
        """Return the latest runs of this spec."""
        latest = row.runs.only("id", "status", "input_text", "updated_at").order_by("-updated_at")[:SHOWN]
        yield Table(
            title="Its latest runs",
            headings=["Run", "Status", "Updated", "Input"],
            rows=[
                [
                    showing.run_link(run.pk),
                    run.status,
                    showing.age(run.updated_at),
                    showing.excerpt(run.input_text),
                ]
                for run in latest
            ],
            permission="runs.view_run",
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a spec with its workflow; one that this release cannot run says why."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            try:
                response.context_data["graph"] = graph_of(load_plan(object_id))
            except KneoError as error:
                response.context_data["trouble"] = error.message
        return response

    @admin.display(description="environment")
    def environment(self, row: SpecSnapshot) -> str:
        """Return the environment the spec was compiled for."""
        return showing.words(row.content.get("environment"))

    @admin.display(description="spec")
    def base(self, row: SpecSnapshot) -> str:
        """Return the document as it was read."""
        return yaml_document(row.content.get("base"))

    @admin.display(description="overlays")
    def overlays(self, row: SpecSnapshot) -> str:
        """Return the documents laid over it."""
        return yaml_document(row.content.get("overlays"))

    @admin.display(description="overrides")
    def overrides(self, row: SpecSnapshot) -> str:
        """Return what the caller replaced."""
        return yaml_document(row.content.get("overrides"))
