"""The pages of a run at the admin: thin, each shows what a module beside it finds out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from kneo_project.audit.services import record
from kneo_project.site import showing
from kneo_project.site.colouring import yaml_document
from kneo_project.site.pages import Named, OperatorAdmin, seen
from runs.admin import columns, story
from runs.admin.run_page.changes import changes
from runs.admin.run_page.downloading import downloaded
from runs.admin.run_page.facts import facts_of
from runs.admin.run_page.forking import FORK
from runs.admin.run_page.listening import events
from runs.admin.run_page.overview import overview
from runs.admin.run_page.steps import step_page
from runs.engine.progress import RecordType
from runs.events.happenings import newest_number
from runs.inspection.checkpoint_views import NODE_COMPLETED
from runs.models import Run
from specs.gathering import layered
from specs.language.policy_report import policy_report
from specs.services import examine_stored

EVENT_TYPES = " ".join([*RecordType, NODE_COMPLETED])
LIVE = "live"
SAFE_METHODS = ("GET", "HEAD")
# Which fieldsets are on which part of the page.
TEXTS = slice(0, 1)
DETAILS = slice(1, None)


class Tab(StrEnum):
    """The parts of the page, by the word in its address."""

    OVERVIEW = "overview"
    STEPS = "steps"
    DETAILS = "details"
    TRACE = "trace"
    CHANGES = "changes"
    SPEC = "spec"
    POLICY = "policy"
    AUDIT = "audit"
    FAMILY = "family"


# What else than runs one must be allowed to see: checkpoints and the trace are what the history of a run is made of.
SEES_CHECKPOINTS = "runs.view_checkpoint"
SEES_HISTORY = (SEES_CHECKPOINTS, "runs.view_traceevent")
NEEDED = {
    Tab.STEPS: SEES_CHECKPOINTS,
    Tab.TRACE: "runs.view_traceevent",
    Tab.CHANGES: SEES_CHECKPOINTS,
    Tab.SPEC: "specs.view_specsnapshot",
    Tab.POLICY: "specs.view_specsnapshot",
    Tab.AUDIT: "audit.view_auditevent",
}
# What does not change while a run goes on. A live page does not ask for it again: who looks at a policy is noted.
STILL = frozenset({Tab.CHANGES, Tab.SPEC, Tab.POLICY})
# The parts that are tables and nothing else.
TABLES = frozenset({Tab.TRACE, Tab.AUDIT, Tab.FAMILY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the page: its name on the page, and its address."""

    label: str
    url: str
    is_shown: bool


class RunPages(OperatorAdmin[Run]):
    """The page of a run in parts, the pages of its steps, its live events, and the run as a file."""

    def get_urls(self) -> list[URLPattern]:
        """Return the routes, those of one run before those of the admin, which take any text for an id."""
        views: dict[str, Callable[..., HttpResponseBase]] = {
            "events": self.events_view,  # where proxies look for streams
            "step/": self.step_view,
            "download/": self.download_view,
        }
        own = [
            path(f"<uuid:run_id>/{name}", self.admin_site.admin_view(view), name=f"runs_run_{name.rstrip('/')}")
            for name, view in views.items()
        ]
        return own + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the part of the run that is asked for; with ``live``, only what changes while the run goes on."""
        if request.method not in SAFE_METHODS:
            raise PermissionDenied
        is_live = LIVE in request.GET
        # Known before the run is read, so that its page misses nothing that happens later.
        after = None if is_live else newest_number()
        run = self.viewed(request, object_id)
        try:
            tab = Tab(request.GET.get("tab") or Tab.OVERVIEW)
        except ValueError:
            raise Http404 from None
        if not _may_see(request, tab):
            raise PermissionDenied
        context: dict[str, Any] = {
            "tab": tab,
            "event_types": EVENT_TYPES,
            "offers": list(self.offers(run)) if self.has_act_permission(request) else [],
            "related": self.links(request, run),
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "lines": self.now(run),
            "sees_checkpoints": request.user.has_perm(SEES_CHECKPOINTS),
            "sees_history": request.user.has_perms(SEES_HISTORY),
        }
        if not is_live or tab not in STILL:
            context |= {"tab_template": _template(tab), **self._part(request, run, tab)}
        if is_live:
            return self._page(request, run, "admin/kneo/run/live.html", context)
        context |= {"parts": _parts(request, run, tab), "after": after}
        return self._page(request, run, "admin/kneo/run/page.html", context)

    def now(self, run: Run) -> list[tuple[str, object]]:
        """Return what is to be known at once about ``run``, as names and values."""
        raise NotImplementedError

    def step_view(self, request: HttpRequest, run_id: object) -> HttpResponse:
        """Show one step of the run."""
        run = self.viewed(request, str(run_id))
        _demand(request, SEES_CHECKPOINTS)
        place = request.GET.get("place", "")
        if not place:
            raise Http404
        step = step_page(run, place)
        shown = {"step": step, "tables": seen(request, step.tables)}
        return self._page(request, run, "admin/kneo/run/step.html", shown)

    def download_view(self, request: HttpRequest, run_id: object) -> HttpResponse:
        """Give the run as a file, and note who took it."""
        run = self.viewed(request, str(run_id))
        _demand(request, *SEES_HISTORY)
        record("run.downloaded", actor=request.user.get_username(), run_id=run.pk)
        answer = JsonResponse(downloaded(run), json_dumps_params={"indent": 2, "ensure_ascii": False})
        answer["Content-Disposition"] = f'attachment; filename="run-{run.pk}.json"'
        return answer

    def events_view(self, request: HttpRequest, run_id: object) -> HttpResponseBase:
        """Tell the page what happens to the run: its checkpoints, as they are written."""
        run = self.viewed(request, str(run_id))
        _demand(request, SEES_CHECKPOINTS)
        return events(request, run)

    def _page(self, request: HttpRequest, run: Run, template: str, context: Mapping[str, Any]) -> HttpResponse:
        label = self.label(run)
        shared = {
            **self.admin_site.each_context(request),
            "title": label,
            "subtitle": None,
            "opts": self.opts,
            "media": self.media,
            "run": run,
            "original": Named(run, self.opts, label),
            "run_label": showing.words(run.workflow_name or run.agent_name),
        }
        return TemplateResponse(request, template, {**shared, **context})

    def _part(self, request: HttpRequest, run: Run, tab: Tab) -> dict[str, Any]:
        """Return what the part ``tab`` of the page shows."""
        parts: dict[Tab, Callable[[], dict[str, Any]]] = {
            Tab.OVERVIEW: lambda: self._overview(request, run),
            Tab.STEPS: lambda: self._steps(request, run),
            Tab.DETAILS: lambda: {"facts": facts_of(self, run, DETAILS)},
            Tab.TRACE: lambda: {"tables": [story.trace_events(run.pk)]},
            Tab.CHANGES: lambda: {"changes": changes(run, request.GET)},
            Tab.SPEC: lambda: {"code": yaml_document(layered(run.snapshot.content))},
            Tab.POLICY: lambda: {"code": yaml_document(self._policy_report(request, run))},
            Tab.AUDIT: lambda: {"tables": [story.audit_events(run.pk)]},
            Tab.FAMILY: lambda: {"tables": [*story.branches(run.pk), story.forks(run.pk)]},
        }
        return parts[tab]()

    def _overview(self, request: HttpRequest, run: Run) -> dict[str, Any]:
        tables = seen(request, [*story.branches(run.pk), *story.human_tasks(run.pk)])
        shown = overview(run, links_steps=request.user.has_perm(SEES_CHECKPOINTS))
        return {"overview": shown, "facts": facts_of(self, run, TEXTS), "tables": tables}

    def _steps(self, request: HttpRequest, run: Run) -> dict[str, Any]:
        can_fork = self.has_act_permission(request) and self.can_fork(run)
        return {"table": story.checkpoints(run.pk, can_fork=can_fork), "fork": FORK.action if can_fork else None}

    def can_fork(self, run: Run) -> bool:
        """Whether forks may begin in ``run``: not in a branch, which is a part of another run."""
        return run.within_id is None and run.history_pruned_at is None

    def _policy_report(self, request: HttpRequest, run: Run) -> dict[str, Any]:
        """Return the report on the frozen spec, as the API does; who looks at it is noted."""
        report = policy_report(examine_stored(run.snapshot.content))
        facts = {"valid": report["valid"], "source": "run"}
        record("spec.policy_reported", actor=request.user.get_username(), run_id=run.pk, metadata=facts)
        return report


def _template(tab: Tab) -> str:
    return f"admin/kneo/run/{'tables' if tab in TABLES else tab}.html"


def _demand(request: HttpRequest, *permissions: str) -> None:
    """Raise PermissionDenied unless the user has all the permissions."""
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def _may_see(request: HttpRequest, tab: Tab) -> bool:
    """Whether the user may see what the part shows of other models."""
    needed = NEEDED.get(tab)
    return needed is None or request.user.has_perm(needed)


def _parts(request: HttpRequest, run: Run, shown: Tab) -> list[Part]:
    page = columns.run_address(run.pk)
    return [
        Part(
            label=tab.capitalize(),
            url=page if tab is Tab.OVERVIEW else f"{page}?tab={tab}",
            is_shown=tab is shown,
        )
        for tab in Tab
        if _may_see(request, tab)
    ]
