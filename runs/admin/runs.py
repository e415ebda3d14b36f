"""The admin's pages about runs."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from kneo_project import queues
from kneo_project.site import acting, showing
from kneo_project.site.acting import Question
from kneo_project.site.filters import Chosen, ids_beginning_with
from kneo_project.site.pages import Offer, Related, column
from kneo_project.site.showing import NOTHING
from runs import services
from runs.admin import columns
from runs.admin.attention import RunAttention
from runs.admin.run_page.forking import FORK, ForkForm
from runs.admin.run_page.pages import RunPages
from runs.engine.lifecycle import Status
from runs.models import Priority, Run
from runs.redriving import continue_run, fork_run
from runs.tasks import ring

ERROR_CHARS = 400
# A run that became due only now is not late.
GRACE = timedelta(seconds=10)
CANCEL = Question(
    action="cancel_selected",
    title="Cancel these runs?",
    consequence=(
        "They end as cancelled, for good. A step that is being worked on is stopped and not recorded, and open human "
        "tasks are closed. Runs that have ended stay as they are."
    ),
    button="Yes, cancel",
    is_grave=True,
)

CONTINUE = Question(
    action="continue_selected",
    title="Go on with these runs?",
    consequence=(
        "Each goes on from the step that failed, with all its attempts; what is finished is not done again. Runs that "
        "have not failed stay as they are."
    ),
    button="Yes, go on",
)


class OfSpec(Chosen):
    """The runs of one spec."""

    title = "spec"
    parameter_name = "spec"
    field = "snapshot_id"


class ForksOf(Chosen):
    """The runs that were forked from one."""

    title = "forks of"
    parameter_name = "forks"
    field = "parent_id"
    parse = uuid.UUID


class BranchesOf(Chosen):
    """The branches of one run, of all its fan-outs."""

    title = "branches of"
    parameter_name = "branches"
    field = "within_id"
    parse = uuid.UUID


class OfOwner(Chosen):
    """The runs that one worker holds."""

    title = "worker"
    parameter_name = "owner"
    field = "lease_owner"


class InQueue(admin.SimpleListFilter):
    """The runs of one queue, where there is more than one."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Return the queues that there are."""
        return [(name, name) for name in queues.names()] if settings.QUEUES else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """Return the runs of the queue that was chosen."""
        return queryset.filter(queue=self.value()) if self.value() else queryset


@admin.register(Run)
class RunAdmin(RunPages):
    """Runs: what they do, what they wait for, what went wrong."""

    list_display = ["state", "name", "identifier", "updated", "error", "owner", "wake", "deadline", "lost"]
    list_display_links = ["name", "identifier"]
    list_filter = [
        RunAttention,
        "status",
        "updated_at",
        "created_at",
        "target",
        InQueue,
        OfSpec,
        OfOwner,
        ForksOf,
        BranchesOf,
    ]
    loaded = [
        "id", "status", "agent_name", "workflow_name", "updated_at", "attempts", "lease_owner", "wake_at",
        "deadline_at", "error_type",
    ]  # fmt: skip
    ordering = ["-updated_at"]
    search_fields = ["id"]
    nothing = "Runs are started over the API, by the command line, by schedules, or from “Check and run”."
    search_help_text = "Id (as it is shown, or at least its first 4 characters), session id, workflow or agent."
    actions = ["continue_selected", "cancel_selected", "fork_selected"]
    fieldsets = [
        ("Input and output", {"fields": ["wrong", "input_shown", "output_shown"]}),
        (
            "What runs",
            {
                "fields": [
                    ("workflow", "agent", "kind"), ("spec", "overlays"), ("environment_shown", "session", "by"),
                    "metadata",
                ],
            },
        ),
        (
            "Times and usage",
            {
                "fields": [
                    ("created", "started", "completed", "imported"), "time_limit",
                    ("tokens_in", "tokens_out", "tokens", "cost"),
                ],
            },
        ),
        ("Engine", {"fields": [("full_identifier", "fenced", "sequenced"), ("line", "urgency"), "position"]}),
    ]  # fmt: skip

    identifier = column("run", showing.short_id, "id")
    full_identifier = column("run id", str, "id")
    updated = column("updated", showing.age, "updated_at", is_sortable=True)
    updated_in_full = column("updated", showing.moment, "updated_at")
    lost = column("attempts lost", str, "attempts")
    input_shown = column("input", showing.long_text, "input_text")
    output_shown = column("output", showing.long_text, "output_text")
    workflow = column("workflow", showing.words, "workflow_name")
    agent = column("agent", showing.words, "agent_name")
    kind = column("target", showing.words, "target")
    environment_shown = column("environment", showing.words, "environment")
    overlays = column("overlays", showing.document, "overlay_paths")
    session = column("session id", showing.words, "session_id")
    by = column("ordered by", showing.words, "ordered_by")
    metadata = column("metadata", showing.document, "caller_metadata")
    created = column("created", showing.moment, "created_at")
    started = column("started", showing.moment, "started_at")
    completed = column("ended", showing.moment, "completed_at")
    imported = column("imported", showing.moment, "imported_at")
    time_limit = column("timeout in seconds", showing.number, "timeout_seconds")
    tokens_in = column("input tokens", showing.number, "input_tokens")
    tokens_out = column("output tokens", showing.number, "output_tokens")
    tokens = column("total tokens", showing.number, "total_tokens")
    cost = column("cost", showing.money, "cost_nanos")
    line = column("queue", showing.words, "queue")
    urgency = column("priority", lambda priority: Priority(priority).word, "priority")
    fenced = column("fence", showing.number, "fence")
    sequenced = column("checkpoints", showing.number, "sequence")
    position = column("cursor", showing.document, "cursor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Return the runs with their owners' signs of life; branches of others only for who looks for them."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        is_plain_list = match is not None and match.url_name == "runs_run_changelist" and not request.GET.get("q")
        names_branches = {each.parameter_name for each in (RunAttention, OfOwner, BranchesOf)}
        if is_plain_list and request.method == "GET" and not names_branches & request.GET.keys():
            rows = rows.filter(within=None)
        return columns.with_owner(rows)

    def listed(self, rows: QuerySet[Run]) -> QuerySet[Run]:
        """Return the rows with the beginnings of their errors."""
        return super().listed(rows).annotate(error_head=Left("error_message", ERROR_CHARS))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """Find runs by the beginning of their id, else by session, else by what they run: no search within texts."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        for found in (ids_beginning_with(queryset, wanted, "id"), queryset.filter(session_id=wanted)):
            if found is not None and found.exists():
                return found, False
        return queryset.filter(Q(workflow_name=wanted) | Q(agent_name=wanted)), False

    def label(self, row: Run) -> str:
        """Return what the run runs, its id and its status."""
        return f"{showing.words(str(row))} ({row.status})"

    def related(self, row: Run) -> Iterable[Related]:
        """Link to the question the run waits for, if it does, and to its spec."""
        if task := row.pending_task:
            url = showing.address("humantasks_humantask_change", args=[task.pk])
            yield Related(label="Waiting for an answer: open the human task", url=url)
        if row.parent_id:
            label = f"Forked from checkpoint {row.forked_at} of another run"
            yield Related(label=label, url=columns.run_address(row.parent_id))
        if row.branch_of:
            label = f"Branch {row.branch_index} of another run"
            yield Related(label=label, url=columns.run_address(row.branch_of.run_id))
        yield columns.spec_link(row)

    def now(self, run: Run) -> list[tuple[str, object]]:
        """Return what is to be known at once: where the run is, whose it is, what went wrong, what it has cost."""
        lines: list[tuple[str, object]] = [
            ("status", self.state(run)),
            ("run", str(run.pk)),
            ("updated", showing.age(run.updated_at)),
            ("took", showing.seconds_between(run.started_at, run.completed_at)),
            ("error", columns.error(run.error_type, run.error_message)),
            ("lease owner", self.owner(cast("columns.OwnedRun", run))),
            ("wakes", self.wake(run)),
            ("deadline", self.deadline(run)),
            ("attempts lost", str(run.attempts) if run.attempts else NOTHING),
            ("tokens", showing.number(run.total_tokens)),
            ("cost", showing.money(run.cost_nanos)),
        ]
        return [(name, value) for name, value in lines if value != NOTHING]

    def offers(self, row: Run) -> Iterable[Offer]:
        """Offer to go on with a run that failed, to cancel one that has not ended, and to fork any."""
        if row.within_id:
            return
        if row.status == Status.FAILED and row.imported_at is None:
            yield Offer(action=CONTINUE.action, label="Go on from where it failed…")
        if self.can_fork(row):
            yield Offer(action=FORK.action, label="Fork…")
        if not row.is_terminal:
            yield Offer(action=CANCEL.action, label="Cancel this run…", is_grave=True)

    @admin.action(permissions=["act"], description="Cancel selected runs…")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse | None:
        """Cancel the selected runs, after asking."""
        return acting.act(self, request, queryset, CANCEL, "Cancelled", _cancel)

    @admin.action(permissions=["act"], description="Go on with selected runs that failed…")
    def continue_selected(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse | None:
        """Go on with the selected runs, after asking."""
        return acting.act(self, request, queryset, CONTINUE, "Went on with", _continue)

    @admin.action(permissions=["act"], description="Fork the selected run…")
    def fork_selected(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse | None:
        """Fork the selected run, after asking from where, and lead to the fork."""
        chosen = acting.choose(self, request, queryset)
        if len(chosen) != 1:
            self.message_user(request, "Nothing was done: select one run to fork.", messages.ERROR)
            return None
        asked = {"checkpoint": request.POST.get("checkpoint")}
        form = ForkForm(request.POST if acting.was_asked(request) else None, initial=asked)
        if not form.is_valid():
            return acting.ask(self, request, FORK, chosen, form=form)
        forks: list[Run] = []

        def fork(run: Run, actor: str) -> None:
            forks.append(fork_run(run.pk, form.order, actor=actor))
            ring(forks[0].pk, run.queue)

        answer = acting.carry_out(self, request, chosen, "Forked", fork)
        return redirect(columns.run_address(forks[0].pk)) if forks else answer

    @admin.display(description="status", ordering="status")
    def state(self, row: Run) -> str:
        """Return the status as a badge."""
        return columns.status_badge(row.status)

    @admin.display(description="workflow")
    def name(self, row: Run) -> str:
        """Return what the run runs: its workflow, or else its agent."""
        return showing.words(row.workflow_name or row.agent_name)

    @admin.display(description="spec")
    def spec(self, row: Run) -> str:
        """Return the path of the spec, where it has one."""
        return columns.spec_name(row)

    @admin.display(description="lease owner")
    def owner(self, row: columns.OwnedRun) -> str:
        """Return who advances the run, alive or lapsed."""
        return columns.owner(row)

    @admin.display(description="wakes")
    def wake(self, row: Run) -> str:
        """Return when somebody must look at the run; flagged when nobody did."""
        is_late = row.lease_owner is None and row.wake_at is not None and row.wake_at < timezone.now() - GRACE
        return columns.flagged(row.wake_at, is_late=is_late, word="waiting")

    @admin.display(description="deadline")
    def deadline(self, row: Run) -> str:
        """Return the run's deadline; flagged when an unfinished run has passed it."""
        is_late = not row.is_terminal and row.deadline_at is not None and row.deadline_at < timezone.now()
        return columns.flagged(row.deadline_at, is_late=is_late, word="passed")

    @admin.display(description="error")
    def error(self, row: columns.ListedRun) -> str:
        """Return what went wrong, on one line."""
        return columns.error(row.error_type, row.error_head)

    @admin.display(description="error")
    def wrong(self, row: Run) -> str:
        """Return what went wrong, in full."""
        return showing.long_text(f"{row.error_type}: {row.error_message}") if row.error_type else NOTHING


def _continue(run: Run, actor: str) -> str | None:
    """Go on with the run and ring for it; return why nothing changed when it has not failed."""
    if run.status != Status.FAILED:
        return "has not failed."
    continue_run(run.pk, actor=actor)
    ring(run.pk, run.queue)
    return None


def _cancel(run: Run, actor: str) -> str | None:
    """Cancel the run; return why nothing changed when it had ended already."""
    if run.is_terminal:
        return "had ended already."
    status = services.cancel_run(run.pk, actor=actor).status
    return None if status == Status.CANCELLED else f"ended meanwhile ({status})."
