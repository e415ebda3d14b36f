"""The admin's pages about schedules: when they are due, what came of it, and their runs."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from kneo_project.site import acting, showing
from kneo_project.site.acting import Question
from kneo_project.site.pages import Named, Offer, OperatorAdmin, Related, Table, column
from kneo_project.site.showing import NOTHING, Tone
from runs.admin import columns
from runs.admin.schedule_changes import ScheduleChange
from runs.admin.spec_desk import desk
from runs.models import Outcome, Priority, Schedule, ScheduledRun
from runs.schedules import firing, keeping
from runs.tasks import ring

SHOWN = 10
NEXT_MOMENTS = 5
TONES = {
    Outcome.STARTED: Tone.GOOD,
    Outcome.WAITING: Tone.WAITING,
    Outcome.SKIPPED: Tone.QUIET,
    Outcome.MISSED: Tone.BAD,
    Outcome.REFUSED: Tone.BAD,
}
PAUSE = Question(
    action="pause_selected",
    title="Pause these schedules?",
    consequence=(
        "They start no runs until they are resumed. A run that waits for its turn is forgotten; those under way go on."
    ),
    button="Yes, pause",
)
RESUME = Question(
    action="resume_selected",
    title="Resume these schedules?",
    consequence="They start runs again, from the next moment on. What passed meanwhile is not made up for.",
    button="Yes, resume",
)
TRIGGER = Question(
    action="trigger_selected",
    title="Start a run of these schedules now?",
    consequence="One run of each starts at once, also of those that are paused or have a run under way.",
    button="Yes, start",
)
END = Question(
    action="end_selected",
    title="End these schedules?",
    consequence="They start no runs any more and are gone for good. The runs that they started stay.",
    button="Yes, end",
    is_grave=True,
)


@admin.register(Schedule)
class ScheduleAdmin(OperatorAdmin[Schedule]):
    """Schedules, by name. Who may "change" them makes them, too: on the page for specs."""

    list_display = ["named", "state", "when", "zone", "next", "outcome", "last", "what_overlaps"]
    list_filter = ["is_paused", "last_outcome"]
    loaded = ["name", "is_paused", "cron", "time_zone", "next_at", "last_outcome", "last_due_at", "overlap"]
    ordering = ["name"]
    search_fields = ["name"]
    nothing = "A schedule begins with what it runs: check a spec, and make a schedule of it."
    search_help_text = "The beginning of the name."
    actions = ["pause_selected", "resume_selected", "trigger_selected", "end_selected"]
    fieldsets = [
        ("When", {"fields": [("state", "next_in_full"), ("when", "zone"), ("what_overlaps", "grace"), "waiting"]}),
        ("The last moment", {"fields": [("outcome", "last_in_full"), "reason", "last_run_in_full"]}),
        (
            "What is run",
            {"fields": [("spec", "environment_shown"), ("kind", "session"), "input_shown", "labels", "metadata",
                        ("line", "urgency"), ("time_limit", "tokens", "money")]},
        ),
        ("Record", {"classes": ["collapse"], "fields": [("by", "made"), "changed"]}),
    ]  # fmt: skip

    named = column("schedule", showing.words, "name")
    state = column("state", lambda paused: _state(is_paused=paused), "is_paused")
    when = column("cron", str, "cron")
    zone = column("time zone", str, "time_zone")
    next = column("next", showing.age, "next_at", is_sortable=True)
    next_in_full = column("next", showing.moment, "next_at")
    waiting = column("waits since", showing.moment, "waiting_since")
    outcome = column("last outcome", lambda word: showing.badge(word, TONES[word]) if word else NOTHING, "last_outcome")
    last = column("last due", showing.age, "last_due_at")
    last_in_full = column("due", showing.moment, "last_due_at")
    reason = column("why", showing.words, "last_reason")
    last_run_in_full = column("last run", showing.identifier, "last_run_id")
    what_overlaps = column("overlap", lambda word: word.replace("_", " "), "overlap")
    grace = column("most seconds late", showing.number, "misfire_grace_seconds")
    environment_shown = column("environment", showing.words, "environment")
    kind = column("target", showing.words, "target")
    session = column("session id", showing.words, "session_id")
    input_shown = column("input", showing.long_text, "input_text")
    labels = column("tags", lambda tags: showing.words(", ".join(tags)), "tags")
    line = column("queue", showing.words, "queue")
    urgency = column("priority", lambda priority: Priority(priority).word, "priority")
    metadata = column("metadata", showing.document, "caller_metadata")
    time_limit = column("timeout in seconds", showing.number, "timeout_seconds")
    tokens = column("token budget", showing.number, "token_budget")
    money = column("cost budget", lambda amount: NOTHING if amount is None else f"{amount:g}", "cost_budget")
    by = column("made by", showing.words, "created_by")
    made = column("made", showing.moment, "created_at")
    changed = column("changed", showing.moment, "updated_at")

    def get_urls(self) -> list[URLPattern]:
        """Return the page for specs, and the one that changes a schedule, before the pages of rows."""
        site = self.admin_site
        own = [
            path("new/", site.admin_view(lambda request: desk(request, site)), name="runs_schedule_new"),
            path("<path:object_id>/edit/", site.admin_view(self.edit_view), name="runs_schedule_edit"),
        ]
        return [*own, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the user may make schedules."""
        return self.has_act_permission(request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the page for specs: a schedule begins with what it runs."""
        return redirect("admin:runs_schedule_new")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Schedule], search_term: str
    ) -> tuple[QuerySet[Schedule], bool]:
        """Find schedules by the beginning of their name."""
        wanted = search_term.strip()
        return (queryset.filter(name__startswith=wanted) if wanted else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a schedule, with the way to change it for who may."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data and self.has_act_permission(request):
            url = showing.address("runs_schedule_edit", args=[response.context_data["original"].pk])
            response.context_data["related"].append(Related(label="Change it", url=url))
        return response

    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Change a schedule."""
        if not self.has_act_permission(request):
            raise PermissionDenied
        row = self.viewed(request, object_id)
        change, back = ScheduleChange(row, request), showing.address("runs_schedule_change", args=[row.pk])
        if request.method == "POST" and change.is_made(request.user.get_username()):
            self.message_user(request, f"Changed {self.label(row)}.", messages.SUCCESS)
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Change {self.label(row)}",
            "opts": self.opts,
            "original": Named(row, self.opts, self.label(row)),
            "change": change,
            "back": back,
        }
        return TemplateResponse(request, "admin/kneo/schedule_change.html", context)

    def related(self, row: Schedule) -> Iterable[Related]:
        """Link to the spec, and to the last run."""
        yield columns.spec_link(row)
        if row.last_run_id:
            yield Related(label="Last run", url=columns.run_address(row.last_run_id))

    def tables(self, row: Schedule) -> Iterable[Table]:
        """Return the moments that come next, and the runs that were started."""
        if row.next_at is not None:
            table = keeping.timetable_of(row)
            moments = [row.next_at, *islice(table.after(row.next_at), NEXT_MOMENTS - 1)]
            cells = [[f"{at.astimezone(table.zone):%a %Y-%m-%d %H:%M %Z}", showing.age(at)] for at in moments]
            yield Table(title="Next moments", headings=[f"In {row.time_zone}", "That is"], rows=cells)
        started = row.runs.select_related("run").order_by("-started_at")[:SHOWN]
        yield Table(
            title="Its latest runs",
            headings=["Run", "Status", "For the moment", "Began"],
            rows=[_run(each) for each in started],
            permission="runs.view_run",
        )

    def offers(self, row: Schedule) -> Iterable[Offer]:
        """Offer a run now, the other state, and the end."""
        yield Offer(action=TRIGGER.action, label="Start a run now…")
        if row.is_paused:
            yield Offer(action=RESUME.action, label="Resume…")
        else:
            yield Offer(action=PAUSE.action, label="Pause…")
        yield Offer(action=END.action, label="End this schedule…", is_grave=True)

    @admin.display(description="spec")
    def spec(self, row: Schedule) -> str:
        """Return the path of the spec, where it has one."""
        return columns.spec_name(row)

    @admin.action(permissions=["act"], description="Pause selected schedules…")
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """Pause the selected schedules, after asking."""
        return acting.act(self, request, queryset, PAUSE, "Paused", _pause)

    @admin.action(permissions=["act"], description="Resume selected schedules…")
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """Resume the selected schedules, after asking."""
        return acting.act(self, request, queryset, RESUME, "Resumed", _resume)

    @admin.action(permissions=["act"], description="Start a run of selected schedules now…")
    def trigger_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """Start a run of each selected schedule, after asking."""
        return acting.act(self, request, queryset, TRIGGER, "Started a run of", _trigger)

    @admin.action(permissions=["act"], description="End selected schedules…")
    def end_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """End the selected schedules, after asking."""
        answer = acting.act(self, request, queryset, END, "Ended", _end)
        # There is no page of the row to go back to.
        return redirect("admin:runs_schedule_changelist") if acting.was_asked(request) else answer


def _state(*, is_paused: bool) -> str:
    return showing.badge("paused", Tone.WAITING) if is_paused else showing.badge("active", Tone.GOOD)


def _run(each: ScheduledRun) -> list[str]:
    due = showing.moment(each.due_at) if each.due_at else "on demand"
    return [showing.run_link(each.run_id), columns.status_badge(each.run.status), due, showing.age(each.started_at)]


def _pause(row: Schedule, actor: str) -> str | None:
    if row.is_paused:
        return "was paused already."
    keeping.pause_schedule(row.name, actor=actor)
    return None


def _resume(row: Schedule, actor: str) -> str | None:
    if not row.is_paused:
        return "was not paused."
    keeping.resume_schedule(row.name, actor=actor)
    return None


def _trigger(row: Schedule, actor: str) -> str | None:
    run = firing.trigger(row.name, actor=actor)
    ring(run.pk, run.queue)
    return None


def _end(row: Schedule, actor: str) -> str | None:
    keeping.delete_schedule(row.name, actor=actor)
    return None
