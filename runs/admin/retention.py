"""The admin's page about retention: for how long records are kept, what is past that, and doing away with it now."""

import time
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from kneo_project.errors import KneoError
from kneo_project.site import showing
from kneo_project.site.acting import CONFIRMED
from kneo_project.site.pages import OperatorAdmin
from runs.models import RetentionMark
from runs.retention import rounds
from runs.retention.windows import Window, windows

# A person waits for the answer; what is left then, the workers do.
LONGEST_SECONDS = 15.0
MAY_PRUNE = "runs.delete_run"


@admin.register(RetentionMark)
class RetentionAdmin(OperatorAdmin[RetentionMark]):
    """One page instead of a list. Who may view it counts; who may "delete" runs prunes."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the windows; count what is past them, or do away with it, if that is asked for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_prune = request.user.has_perm(MAY_PRUNE)
        what = request.POST.get("do", "")
        if what == "prune" and not may_prune:
            raise PermissionDenied
        try:
            known, trouble = windows(), None
        except KneoError as error:
            known, trouble = [], error.message
        if what == "prune" and CONFIRMED in request.POST and known:
            self._prune(request, known)
            return redirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": "Retention",
            "opts": self.opts,
            "rows": _rows(
                known, _counted(known) if what else {}, {mark.kind: mark for mark in self.model.objects.all()}
            ),
            "trouble": trouble,
            "is_counted": bool(what),
            "is_asking": what == "prune",
            "has_windows": any(window.days is not None for window in known),
            "may_prune": may_prune,
            "confirmed_name": CONFIRMED,
        }
        return TemplateResponse(request, "admin/kneo/retention.html", context)

    def _prune(self, request: HttpRequest, known: list[Window]) -> None:
        until = time.monotonic() + LONGEST_SECONDS

        def is_over() -> bool:
            return time.monotonic() >= until

        past = rounds.limits(known, timezone.now(), is_over)
        pruned = rounds.prune(known, past, actor=request.user.get_username(), is_over=is_over)
        told = ", ".join(f"{number:,} {kind}" for kind, number in pruned.items() if number)
        self.message_user(request, f"Pruned {told}." if told else "There was nothing to prune.", messages.SUCCESS)
        if is_over():
            self.message_user(request, "There is more; the workers go on with it.", messages.WARNING)


def _counted(known: list[Window]) -> dict[str, int]:
    """Return how many records of each kind are past their windows: what ``manage.py prune --dry-run`` counts."""
    until = time.monotonic() + LONGEST_SECONDS
    return rounds.rehearse(rounds.limits(known, timezone.now(), lambda: time.monotonic() >= until))


def _rows(known: list[Window], counts: dict[str, int], marks: dict[str, RetentionMark]) -> list[dict[str, str]]:
    return [
        {
            "kind": window.kind,
            "kept": "for ever" if window.days is None else f"{window.days:,} days",
            "origin": showing.words(window.origin),
            "pruned": showing.age(_finished(marks.get(window.kind))),
            "past": showing.number(counts.get(window.kind)) if window.days is not None else showing.NOTHING,
        }
        for window in known
    ]


def _finished(mark: RetentionMark | None) -> datetime | None:
    return mark.finished_at if mark else None
