"""The page of one human task: what is asked, and the buttons that answer it. One press, and on to the next."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html

from humantasks import assigning, inbox
from humantasks.admin import HumanTaskAdmin, whose_of
from humantasks.agreeing import approvals_of
from humantasks.errors import InvalidDecision
from humantasks.inbox import Person
from humantasks.models import AssigneeKind, HumanTask, TaskApproval, TaskStatus
from humantasks.rules import Answer, Decision
from kneo_project.errors import KneoError
from kneo_project.json_schema import Problem
from kneo_project.site import acting, showing
from kneo_project.site.acting import Question
from kneo_project.site.reading import readable
from runs import services
from runs.admin.standing import Standing, standing_of
from runs.admin.task_forms import AnswerForm
from runs.engine.lifecycle import Status
from runs.tasks import ring
from specs.language.plan import OnReject

MOST_NAMES = 200
TITLE_CHARS = 200
LABELS = {
    Decision.APPROVED: "Approve",
    Decision.EDITED: "Send the changed text",
    Decision.SELECTED: "Answer with this option",
    Decision.PROVIDED: "Send the answer",
    Decision.REJECTED: "Reject…",
}
ENDS = "The run ends as failed."
GOES_ON = "The run goes on with a text that says that a person rejected, followed by the comment."


def task_page(page: HumanTaskAdmin, request: HttpRequest, task: HumanTask) -> HttpResponse:
    """Show the task, or do what its page was asked to. Raises PermissionDenied for who may only look."""
    may_act = page.has_act_permission(request)
    if request.method != "POST":
        return _show(page, request, task, _standing(request, task) if may_act else _seen(task))
    if not may_act:
        raise PermissionDenied
    wanted = request.POST.get("do") or request.POST.get("action", "")
    if wanted in _CHANGES:
        return _change(page, request, task, _CHANGES[wanted])
    if wanted in set(Decision):
        return _decide(page, request, task, Decision(wanted))
    raise PermissionDenied


def _seen(task: HumanTask) -> Standing:
    """Return what somebody sees who may not answer."""
    return Standing(given=tuple(approvals_of(task)))


def _standing(request: HttpRequest, task: HumanTask) -> Standing:
    return standing_of(task, _name(request))


def _name(request: HttpRequest) -> str:
    return request.user.get_username()


def _decide(page: HumanTaskAdmin, request: HttpRequest, task: HumanTask, decision: Decision) -> HttpResponse:
    standing = _standing(request, task)
    if task.status != TaskStatus.OPEN:
        page.message_user(request, f"Nothing was done: {_ending(task)}", messages.WARNING)
        return redirect(request.get_full_path())
    form = _form(task, standing, request, decision)
    is_rejection = decision is Decision.REJECTED
    if is_rejection and not (acting.was_asked(request) and form.is_valid()):
        shown = (
            form if acting.was_asked(request) else _form(task, standing, None, decision, request.POST.get("comment"))
        )
        return acting.ask(page, request, _question(task), [task], form=shown)
    if not form.is_valid():
        return _show(page, request, task, standing, form, status=422)
    try:
        give(task, form.answer(decision), actor=_name(request))
    except InvalidDecision as error:
        field = form.field_of(Problem(path=tuple(str(error.data.get("field", "")).split(".")), message=""), "")
        form.add_error(field, error.message)
        return _show(page, request, task, standing, form, status=422)
    except KneoError as error:
        page.message_user(request, f"Nothing was done: {error.message}", messages.ERROR)
        return redirect(request.get_full_path())
    return _leave(page, request, task, decision)


def give(task: HumanTask, answer: Answer, *, actor: str) -> None:
    """Spend the task on ``answer``, and ring for its run if that goes on now. Raises what ``resume_run`` raises."""
    run = services.resume_run(task.pk, answer, actor=actor)
    if run.status == Status.RUNNING:
        ring(run.pk, run.queue)


def _form(
    task: HumanTask,
    standing: Standing,
    request: HttpRequest | None = None,
    decision: Decision | None = None,
    comment: str | None = None,
) -> AnswerForm:
    return AnswerForm(
        None if request is None else request.POST,
        task=task,
        offered=frozenset(standing.offered),
        decision=decision,
        is_first=not standing.given,
        parameters=standing.parameters,
        initial={"comment": comment or ""},
    )


def _question(task: HumanTask) -> Question:
    consequence = ENDS if task.on_reject == OnReject.FAIL else GOES_ON
    return Question(
        action=Decision.REJECTED, title="Reject?", consequence=consequence, button="Yes, reject", is_grave=True
    )


def _leave(page: HumanTaskAdmin, request: HttpRequest, task: HumanTask, decision: Decision) -> HttpResponse:
    """Say what came of it, and go on to the next task of the same inbox."""
    task.refresh_from_db(fields=["status"])
    text = f"{decision.capitalize()}: {page.label(task)}."
    if task.status == TaskStatus.OPEN:
        text += f" {len(approvals_of(task))} of {task.approvals_needed} have approved."
    page.message_user(request, format_html("{} {}", text, _link_to_run(request, task)), messages.SUCCESS)
    filters = request.GET.get("_changelist_filters", "")
    following = inbox.next_for(Person.of(request.user), whose_of(QueryDict(filters)), after=task)
    if following is None:
        page.message_user(request, "Nothing else waits for you here.", messages.INFO)
        return redirect(f"{showing.address('humantasks_humantask_changelist')}?{filters}")
    query = {"_changelist_filters": filters} if filters else None
    return redirect(showing.address("humantasks_humantask_change", args=[following.pk], query=query))


def _link_to_run(request: HttpRequest, task: HumanTask) -> str:
    """Return a link to the run for who may see it."""
    if not request.user.has_perm("runs.view_run"):
        return ""
    return showing.link("Open the run", "runs_run_change", args=[task.run_id])


def _ending(task: HumanTask) -> str:
    if task.status == TaskStatus.ANSWERED:
        by = task.decided_by or "the service"
        return f"this human task was answered meanwhile ({task.decision} by {by})."
    return f"this human task is not open any more ({task.status})."


def _change(
    page: HumanTaskAdmin,
    request: HttpRequest,
    task: HumanTask,
    change: Callable[[HttpRequest, HumanTask], str],
) -> HttpResponse:
    """Change who is to answer the task, and show it again."""
    try:
        page.message_user(request, change(request, task), messages.SUCCESS)
    except KneoError as error:
        page.message_user(request, f"Nothing was done: {error.message}", messages.ERROR)
    return redirect(request.get_full_path())


def _claim(request: HttpRequest, task: HumanTask) -> str:
    assigning.claim_task(task.pk, by=_name(request))
    return "You have claimed this human task: nobody else can answer it until you release it."


def _release(request: HttpRequest, task: HumanTask) -> str:
    assigning.release_task(task.pk, by=_name(request), force=True)
    return "Released: everybody can answer this human task."


def _assign(request: HttpRequest, task: HumanTask) -> str:
    kind, _, name = request.POST.get("assignee", "").partition(":")
    is_known = kind in set(AssigneeKind)
    expected = request.POST.get("expected", task.assignee or "")
    to = AssigneeKind(kind) if is_known else AssigneeKind.USER
    assigning.assign_task(task.pk, name if is_known else None, to, by=_name(request), expected=expected)
    return f"Assigned to the {kind} {name}." if is_known else "Assigned to nobody in particular."


_CHANGES: dict[str, Callable[[HttpRequest, HumanTask], str]] = {
    "claim": _claim,
    "release": _release,
    "assign": _assign,
}


class AssignForm(forms.Form):
    """Whom a task is assigned to."""

    assignee = forms.ChoiceField(label="Assign to")

    def __init__(self, task: HumanTask) -> None:
        super().__init__(auto_id="assign_%s", label_suffix="")
        users = User.objects.filter(is_active=True, is_staff=True).order_by("username")
        groups = Group.objects.order_by("name")
        users_found = users.values_list("username", flat=True)[:MOST_NAMES]
        groups_found = groups.values_list("name", flat=True)[:MOST_NAMES]
        self.fields["assignee"].choices = [  # type: ignore[attr-defined]
            ("", "Nobody in particular"),
            ("Groups", [(f"group:{name}", name) for name in groups_found]),
            ("Users", [(f"user:{name}", name) for name in users_found]),
        ]
        self.initial = {"assignee": f"{task.assignee_kind}:{task.assignee}" if task.assignee_kind else ""}


def _show(
    page: HumanTaskAdmin,
    request: HttpRequest,
    task: HumanTask,
    standing: Standing,
    form: AnswerForm | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    may_act = page.has_act_permission(request) and task.status == TaskStatus.OPEN
    shown = (form or _form(task, standing)) if standing.offered else None
    changes = shown.rows(changes=True) if shown and Decision.EDITED in standing.offered else []
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        **page.parts(task),
        "title": showing.excerpt(task.title, TITLE_CHARS),
        "opts": page.opts,
        "media": page.media,
        "task": task,
        "standing": standing,
        "given": [_told(each) for each in standing.given],
        "run_link": _link_to_run(request, task),
        "back": f"{showing.address('humantasks_humantask_changelist')}?{request.GET.get('_changelist_filters', '')}",
        "form": shown,
        "rows": shown.rows(changes=False) if shown else [],
        "changes": changes,
        "buttons": [(each, LABELS[each]) for each in standing.offered if not changes or each != Decision.EDITED],
        "assign_form": AssignForm(task) if may_act else None,
        "may_act": may_act,
    }
    return TemplateResponse(request, "admin/kneo/task.html", context, status=status)


def _told(approval: TaskApproval) -> dict[str, object]:
    """Return what one person has approved, as it is shown."""
    return {
        "by": showing.words(approval.decided_by),
        "at": showing.age(approval.decided_at),
        "decision": approval.decision,
        "content": showing.long_text(approval.content) if approval.content else "",
        "option": showing.words(approval.selected_option) if approval.selected_option else "",
        "form": readable(approval.filled_form) if approval.filled_form else "",
    }
