"""The admin's pages about specs."""

from collections.abc import Iterable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from kneo_project.site import showing
from kneo_project.site.pages import OperatorAdmin, Related, column
from specs.models import SpecSnapshot, StoredPolicy


@admin.register(SpecSnapshot)
class SpecSnapshotAdmin(OperatorAdmin[SpecSnapshot]):
    """Specs as runs were created from them."""

    list_display = ["short_digest", "created"]
    loaded = ["digest", "created_at"]
    ordering = ["-created_at"]
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

    @admin.display(description="environment")
    def environment(self, row: SpecSnapshot) -> str:
        """Return the environment the spec was compiled for."""
        return showing.words(row.content.get("environment"))

    @admin.display(description="spec")
    def base(self, row: SpecSnapshot) -> str:
        """Return the document as it was read."""
        return showing.document(row.content.get("base"))

    @admin.display(description="overlays")
    def overlays(self, row: SpecSnapshot) -> str:
        """Return the documents laid over it."""
        return showing.document(row.content.get("overlays"))

    @admin.display(description="overrides")
    def overrides(self, row: SpecSnapshot) -> str:
        """Return what the caller replaced."""
        return showing.document(row.content.get("overrides"))


@admin.register(StoredPolicy)
class StoredPolicyAdmin(OperatorAdmin[StoredPolicy]):
    """What environments demand. Changed over the API, where a change can be tried out before."""

    list_display = ["name", "demanded", "changed", "by"]
    loaded = ["environment", "demands", "changed_at", "changed_by"]
    ordering = ["environment"]
    search_fields = ["environment"]
    fields = ["name", ("changed_in_full", "by"), "demands_document"]

    name = column("environment", showing.words, "environment")
    changed = column("changed", showing.age, "changed_at", is_sortable=True)
    changed_in_full = column("changed", showing.moment, "changed_at")
    by = column("by", showing.words, "changed_by")
    demands_document = column("demands", showing.document, "demands")

    @admin.display(description="demands")
    def demanded(self, row: StoredPolicy) -> str:
        """Return what is demanded, in words."""
        return showing.words(", ".join(name for name, value in row.demands.items() if value and name != "enabled"))

    def related(self, row: StoredPolicy) -> Iterable[Related]:
        """Link to what was changed when."""
        changes = {"event_type__exact": "policy.changed"}
        yield Related(label="Changes of policies", url=showing.address("audit_auditevent_changelist", query=changes))
