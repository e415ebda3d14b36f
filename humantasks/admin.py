"""The admin's pages about human tasks.

Not registered here: answering a task moves a run, and human tasks know nothing of runs. ``runs.admin`` adds the actions
and registers the pages.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from django.db.models.functions import Now
from django.forms import Script
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from humantasks import inbox
from humantasks.agreeing import approvals_of
from humantasks.inbox import Person, Whose
from humantasks.models import URGENCY, HumanTask, HumanTaskQuerySet, TaskApproval, TaskStatus
from kneo_project.site import showing
from kneo_project.site.filters import Narrowing, NeedsAttention, OfRun, ids_beginning_with
from kneo_project.site.pages import MOST_COUNTED, LeanChangeList, OperatorAdmin, column
from kneo_project.site.reading import readable, readable_text
from kneo_project.site.showing import Tone

WHOSE = "whose"
TONES = {
    TaskStatus.OPEN: Tone.WAITING,
    TaskStatus.ANSWERED: Tone.GOOD,
    TaskStatus.EXPIRED: Tone.BAD,
    TaskStatus.CANCELLED: Tone.QUIET,
}
TABS = {Whose.MINE: "My tasks", Whose.GROUPS: "My groups", Whose.ALL: "All"}
ON_TIMEOUT = {
    "fail": "the run expires",
    "continue": "the run goes on as if it was approved",
    "escalate": "it stays open, and is flagged",
}


def task_badge(task: HumanTask) -> SafeString:
    """Return a task's status as a badge."""
    return showing.badge(task.status, TONES[TaskStatus(task.status)])


def task_badges(task: HumanTask) -> Iterator[SafeString]:
    """Yield the badges of a task: its status, or why it is urgent; and how many have approved, where many have to."""
    is_open = task.status == TaskStatus.OPEN
    is_overdue = task.expires_at is not None and task.expires_at <= timezone.now()
    if is_open and task.escalated_at:
        yield showing.badge("escalated", Tone.BAD)
    elif is_open and is_overdue:
        yield showing.badge("overdue", Tone.BAD)
    else:
        yield task_badge(task)
    if is_open and task.approvals_needed > 1:
        yield showing.badge(f"{len(approvals_of(task))} of {task.approvals_needed}", Tone.BUSY)


class TaskAttention(NeedsAttention):
    """The tasks that somebody should look at."""

    def narrowings(self) -> Mapping[str, tuple[str, Narrowing[Any]]]:
        """Return the narrowings of the list of human tasks."""
        return {
            "open": ("Open", lambda rows: rows.filter(status=TaskStatus.OPEN)),
            "overdue": ("Open, overdue", lambda rows: rows.filter(status=TaskStatus.OPEN, expires_at__lte=Now())),
            "escalated": (
                "Open, escalated",
                lambda rows: rows.filter(status=TaskStatus.OPEN, escalated_at__isnull=False),
            ),
        }


class Stage(admin.SimpleListFilter):
    """Open tasks, unless others are asked for: by this filter, by their run or by an id."""

    title = "status"
    parameter_name = "stage"
    EVERY = "every"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Return the other statuses, and all."""
        others = [(status.value, status.label) for status in TaskStatus if status is not TaskStatus.OPEN]
        return [*others, (self.EVERY, "Any")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield what can be chosen; without a choice the list is that of the open tasks."""
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": TaskStatus.OPEN.label} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the tasks of this status."""
        chosen = self.value()
        if chosen in set(TaskStatus):
            return queryset.filter(status=chosen)
        if chosen == self.EVERY or request.method != "GET":
            return queryset
        is_looked_for = OfRun.parameter_name in request.GET or is_id(queryset, request.GET.get("q", ""))
        return queryset if is_looked_for else queryset.filter(status=TaskStatus.OPEN)


def is_id(rows: QuerySet[Any], text: str) -> bool:
    """Return whether ``text`` may be the beginning of an id."""
    return ids_beginning_with(rows, text, "id") is not None


class InboxList(LeanChangeList):
    """The list of one part of the inbox."""

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the filters have to know; whose tasks they are is no column."""
        return {name: value for name, value in super().get_filters_params(params).items() if name != WHOSE}

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        """Return the tasks of the part that is looked at."""
        rows = cast("HumanTaskQuerySet", super().get_queryset(request, exclude_parameters))
        return inbox.of_whom(rows, whose_of(request.GET), Person.of(request.user))

    def get_results(self, request: HttpRequest) -> None:
        """Load the rows, and who has approved those that several people have to agree on."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        several = [task for task in self.result_list if task.approvals_needed > 1]
        prefetch_related_objects(several, Prefetch("approvals", TaskApproval.objects.only("task_id")))


def whose_of(query: QueryDict) -> Whose:
    """Return which part of the inbox ``query`` asks for."""
    asked = query.get(WHOSE, "")
    return Whose(asked) if asked in set(Whose) else Whose.ALL


class HumanTaskAdmin(OperatorAdmin[HumanTask]):
    """Questions put to people, and their answers: an inbox, most urgent first."""

    list_display = ["question", "state", "workflow", "of_run", "asked", "due", "assigned_to", "taken_by"]
    list_display_links = ["question"]
    list_filter = [Stage, TaskAttention, "request_type", OfRun]
    linked = {"of_run": "runs.view_run"}
    list_before_template = "admin/kneo/inbox_head.html"
    loaded = [
        "id", "run_id", "status", "title", "workflow_name", "assignee", "created_at", "expires_at", "escalated_at",
        "decision", "decided_by", "request_id", "claimed_by", "approvals_needed",
    ]  # fmt: skip
    search_fields = ["id"]
    nothing = "Nobody has to be asked at the moment. A run that waits for a person shows up here."
    search_help_text = "Words of the question, a workflow, an assignee, or the beginning of the id of a task or a run."

    question = column("question", showing.excerpt, "title")
    assigned_to = column("assignee", lambda assignee: showing.excerpt(assignee, 60), "assignee")
    of_run = column("run", showing.run_link, "run_id")
    workflow = column("workflow", showing.words, "workflow_name")
    asked = column("asked", showing.age, "created_at", is_sortable=True)
    due = column("due", showing.age, "expires_at", is_sortable=True)

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["kneo/inbox.css"]}
        js: ClassVar[list[object]] = [Script("kneo/inbox.js", type="module")]

    def get_ordering(self, request: HttpRequest) -> list[Any] | tuple[Any, ...]:
        """Return the order of an inbox for open tasks, and the latest first for others."""
        return ["-created_at", "pk"] if request.GET.get(Stage.parameter_name) else URGENCY

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list of the part that is looked at."""
        return InboxList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list under its tabs."""
        tabs = {"inbox_tabs": self._tabs(request)} if request.method == "GET" else {}
        return super().changelist_view(request, {**(extra_context or {}), **tabs})

    def _tabs(self, request: HttpRequest) -> list[dict[str, object]]:
        chosen, counts = whose_of(request.GET), inbox.counts(Person.of(request.user), at_most=MOST_COUNTED)
        return [
            {
                "label": label,
                "url": showing.address("humantasks_humantask_changelist", query={WHOSE: whose.value}),
                "count": f"{counts[whose]:,}{'+' if counts[whose] == MOST_COUNTED else ''}",
                "is_chosen": whose is chosen,
            }
            for whose, label in TABS.items()
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[HumanTask], search_term: str
    ) -> tuple[QuerySet[HumanTask], bool]:
        """Find tasks by the beginning of their id or of their run's, else by their words and names."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        found = ids_beginning_with(queryset, wanted, "id", "run__id")
        if found is not None and found.exists():
            return found, False
        names = Q(workflow_name=wanted) | Q(assignee=wanted) | Q(claimed_by=wanted)
        return queryset.filter(names | Q(title__icontains=wanted)), False

    def label(self, row: HumanTask) -> str:
        """Return the question and where it comes from: many tasks ask the same."""
        origin = f"{showing.words(row.workflow_name)}, run {showing.short_id(row.run_id)}"
        return f"{showing.excerpt(row.title)} ({origin})"

    @admin.display(description="status")
    def state(self, row: HumanTask) -> str:
        """Return the badges."""
        return format_html_join(" ", "{}", ((badge,) for badge in task_badges(row)))

    @admin.display(description="claimed or answered by")
    def taken_by(self, row: HumanTask) -> str:
        """Return who works on it, or the decision and who made it."""
        if row.decision is None:
            return showing.words(row.claimed_by if row.status == TaskStatus.OPEN else None)
        return f"{row.decision} by {showing.words(row.decided_by or 'the service')}"

    def parts(self, task: HumanTask) -> dict[str, Any]:
        """Return what the page of a task shows of it, whoever looks."""
        prompt = showing.excerpt(task.prompt, showing.MOST_CHARS) if task.prompt != task.title else ""
        return {
            "badges": list(task_badges(task)),
            "prompt": prompt,
            "subject": list(_subject(task)),
            "answer": list(_answer(task)) if task.decision else [],
            "facts": list(_facts(task)),
        }


def _subject(task: HumanTask) -> Iterator[tuple[str, object]]:
    context = dict(task.context)
    arguments = context.pop("arguments", None) if task.is_call else None
    if arguments is None:
        yield "Asked about", readable_text(task.input_text)
    else:
        yield "Arguments of the call", readable(arguments)
        context.pop("editable", None)
    if context:
        yield "Context", readable(context)
    if task.options:
        yield "Options", readable(task.options)


def _answer(task: HumanTask) -> Iterator[tuple[str, object]]:
    yield "Decision", task.decision
    yield "By", showing.words(task.decided_by or "the service")
    yield "At", showing.moment(task.decided_at)
    if task.selected_option:
        yield "Option", showing.words(task.selected_option)
    if task.content:
        yield "Content", showing.long_text(task.content)
    if task.filled_form:
        yield "Form", readable(task.filled_form)
    if task.response_metadata:
        yield "Metadata", readable(task.response_metadata)


def _facts(task: HumanTask) -> Iterator[tuple[str, object]]:
    yield "Workflow", showing.words(task.workflow_name)
    yield "Step", showing.words(task.path)
    yield "Run", str(task.run_id)
    yield "Asked", showing.moment(task.created_at)
    if task.expires_at:
        yield "Due", showing.moment(task.expires_at)
        yield "After that", ON_TIMEOUT[task.on_timeout]
    if task.escalated_at:
        yield "Escalated", showing.moment(task.escalated_at)
    yield "When rejected", "the run fails" if task.on_reject == "fail" else "the run goes on with that"
    kind = f" ({task.assignee_kind})" if task.assignee_kind else ""
    yield "Assigned to", f"{showing.words(task.assignee)}{kind}"
    if task.claimed_by and task.status == TaskStatus.OPEN:
        yield "Claimed by", format_html("{}, {}", showing.words(task.claimed_by), showing.age(task.claimed_at))
    yield "Kind", task.request_type
    yield "Continuation id", str(task.pk)
