"""The admin's pages about the processes that advance runs."""

from django.contrib import admin

from kneo_project.site import showing
from kneo_project.site.pages import OperatorAdmin, column
from runs.admin import columns
from runs.models import LeaseOwner


def _listed(queues: list[str]) -> str:
    return showing.words(", ".join(queues))


@admin.register(LeaseOwner)
class LeaseOwnerAdmin(OperatorAdmin[LeaseOwner]):
    """Workers, by their last sign of life."""

    list_display = ["life", "name", "host_shown", "process", "queues_served", "started", "until"]
    list_display_links = ["name"]
    ordering = ["-expires_at"]
    search_fields = ["id__startswith"]
    nothing = "No worker has been heard of: runs wait until one is started."
    search_help_text = "Name, or its beginning."
    fields = ["life", "name", "host_shown", "process", "queues_served", "started_in_full", "until_in_full"]

    life = column("life", columns.life_badge, "expires_at")
    name = column("name", showing.words, "id")
    host_shown = column("host", showing.words, "host")
    process = column("process id", str, "pid")
    started = column("started", showing.age, "started_at")
    started_in_full = column("started", showing.moment, "started_at")
    queues_served = column("queues", _listed, "queues")
    until = column("lease lasts until", showing.age, "expires_at", is_sortable=True)
    until_in_full = column("lease lasts until", showing.moment, "expires_at")
