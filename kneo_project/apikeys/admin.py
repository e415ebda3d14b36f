"""The admin's pages about API keys: who has which, and an end to one. Keys are made by ``manage.py apikey``."""

from django.contrib import admin

from kneo_project.apikeys.models import ApiKey
from kneo_project.site import showing
from kneo_project.site.pages import OperatorAdmin, column


@admin.register(ApiKey)
class ApiKeyAdmin(OperatorAdmin[ApiKey]):
    """Keys, and whether they open anything."""

    list_display = ["beginning", "who", "what", "made", "ends", "used", "ended"]
    fields = ["beginning", "who", "what", "made_in_full", "by", "ends", "used", "ended"]
    loaded = ["prefix", "name", "grants", "created_at", "created_by", "expires_at", "last_used_at", "revoked_at"]
    ordering = ["name"]
    search_fields = ["name", "prefix"]

    beginning = column("key", str, "prefix")
    who = column("name", showing.words, "name")
    what = column("grants", lambda grants: showing.words(", ".join(grants)), "grants")
    made = column("made", showing.age, "created_at", is_sortable=True)
    made_in_full = column("made", showing.moment, "created_at")
    by = column("made by", showing.words, "created_by")
    ends = column("expires", showing.age, "expires_at")
    used = column("last used", showing.age, "last_used_at")
    ended = column("revoked", showing.age, "revoked_at")
