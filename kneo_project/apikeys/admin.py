"""The admin's pages about API keys: who has which, a new one, and an end to one."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from kneo_project.apikeys.forms import KeyForm
from kneo_project.apikeys.models import ApiKey
from kneo_project.apikeys.services import create_key, revoke_key
from kneo_project.errors import InvalidRequest
from kneo_project.site import acting, showing
from kneo_project.site.acting import Question
from kneo_project.site.pages import Offer, OperatorAdmin, column
from kneo_project.site.showing import Tone

REVOKE = Question(
    action="revoke_selected",
    title="Revoke these keys?",
    consequence="They open nothing any more, at once and for good. Whoever uses one needs another.",
    button="Yes, revoke",
    is_grave=True,
)
TONES = {"usable": Tone.GOOD, "expired": Tone.QUIET, "revoked": Tone.BAD}


@admin.register(ApiKey)
class ApiKeyAdmin(OperatorAdmin[ApiKey]):
    """Keys, and whether they open anything. Who may "add" makes them, who may "change" revokes them."""

    list_display = ["beginning", "who", "state", "what", "made", "ends", "used"]
    fields = [
        "state",
        "beginning",
        "who",
        "what",
        "made_in_full",
        "by",
        "ends_in_full",
        "used_in_full",
        "ended_in_full",
    ]
    loaded = ["prefix", "name", "grants", "created_at", "created_by", "expires_at", "last_used_at", "revoked_at"]
    ordering = ["name"]
    nothing = "Keys that are made here are kept in the database; those of the environment are not listed."
    search_fields = ["name", "prefix"]
    search_help_text = "A part of the name, or the first letters and digits of the key."
    actions = ["revoke_selected"]

    beginning = column("key", lambda prefix: f"kneo_{prefix}_…", "prefix")
    who = column("name", showing.words, "name")
    state = column("state", lambda word: showing.badge(word, TONES[word]), "state")
    what = column("grants", lambda grants: showing.words(", ".join(grants)), "grants")
    made = column("made", showing.age, "created_at", is_sortable=True)
    made_in_full = column("made", showing.moment, "created_at")
    by = column("made by", showing.words, "created_by")
    ends = column("expires", showing.age, "expires_at")
    used = column("last used", showing.age, "last_used_at")
    ends_in_full = column("expires", showing.moment, "expires_at")
    used_in_full = column("last used", showing.moment, "last_used_at")
    ended_in_full = column("revoked", showing.moment, "revoked_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the user may make keys."""
        return ModelAdmin.has_add_permission(self, request)

    def offers(self, row: ApiKey) -> list[Offer]:
        """Offer to revoke a key that is not yet."""
        return [Offer(action=REVOKE.action, label="Revoke this key…", is_grave=True)] if row.revoked_at is None else []

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Make a key and show it, this once: on the answer itself, which no cookie and no cache keeps."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = KeyForm(request.POST or None)
        if form.is_valid():
            try:
                row, key = create_key(**form.order(), actor=request.user.get_username())
            except InvalidRequest as error:
                form.add_error(None, error.message)
            else:
                return self._page(request, "key_made", title="A new key", row=row, key=key)
        return self._page(request, "key_form", title="Make an API key", form=form)

    @admin.action(permissions=["act"], description="Revoke selected keys…")
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """Revoke the selected keys, after asking."""
        return acting.act(self, request, queryset, REVOKE, "Revoked", _revoke)

    def _page(self, request: HttpRequest, template: str, **context: object) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}
        return TemplateResponse(request, f"admin/kneo/{template}.html", {**shared, **context})


def _revoke(row: ApiKey, actor: str) -> str | None:
    """Revoke the key; return why nothing changed when it was revoked already."""
    if row.revoked_at is not None:
        return "was revoked already."
    revoke_key(row.prefix, actor=actor)
    return None
