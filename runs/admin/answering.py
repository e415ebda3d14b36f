"""The pages of human tasks, with what answers them: answers move runs, so they live here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from humantasks.admin import HumanTaskAdmin
from humantasks.models import HumanTask, TaskStatus
from humantasks.rules import Answer, Decision
from kneo_project.site import acting
from kneo_project.site.acting import Question
from runs.admin.deciding import give, task_page
from runs.admin.task_forms import DecisionForm

APPROVE = Question(
    action="approve_selected",
    title="Approve human tasks?",
    consequence="The runs that wait for these human tasks go on with the text they asked about.",
    button="Yes, approve",
)
REJECT = Question(
    action="reject_selected",
    title="Reject human tasks?",
    consequence=(
        "Each run ends as failed where its spec says so (on_reject: fail); elsewhere it goes on with a text that "
        "says that a person rejected, followed by the comment."
    ),
    button="Yes, reject",
    is_grave=True,
)


@admin.register(HumanTask)
class AnswerableTaskAdmin(HumanTaskAdmin):
    """Human tasks, with the page that answers one and the actions that answer several."""

    actions = ["approve_selected", "reject_selected"]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one human task, and answer it."""
        return task_page(self, request, self.viewed(request, object_id))

    @admin.action(permissions=["act"], description="Approve selected human tasks…")
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[HumanTask]) -> HttpResponse | None:
        """Approve the selected tasks, after asking."""
        return self._decide(request, queryset, APPROVE, Decision.APPROVED)

    @admin.action(permissions=["act"], description="Reject selected human tasks…")
    def reject_selected(self, request: HttpRequest, queryset: QuerySet[HumanTask]) -> HttpResponse | None:
        """Reject the selected tasks, after asking."""
        return self._decide(request, queryset, REJECT, Decision.REJECTED)

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[HumanTask], question: Question, decision: Decision
    ) -> HttpResponse | None:
        chosen = acting.choose(self, request, queryset)
        if not chosen:
            return None
        alone = chosen[0] if len(chosen) == 1 and decision is not Decision.REJECTED else None
        form = DecisionForm(request.POST if acting.was_asked(request) else None, task=alone)
        if not form.is_valid():
            return acting.ask(self, request, question, chosen, form=form)
        comment, filled = form.cleaned_data["comment"] or None, form.filled

        def answer(task: HumanTask, actor: str) -> str | None:
            request_id = str(task.request_id)
            return _answer(task, Answer(request_id=request_id, decision=decision, content=comment, form=filled), actor)

        return acting.carry_out(self, request, chosen, decision.capitalize(), answer)


def _answer(task: HumanTask, answer: Answer, actor: str) -> str | None:
    """Give the answer; return why nothing changed when the task was answered before."""
    if task.status != TaskStatus.OPEN:
        return f"is not open any more ({task.status})."
    give(task, answer, actor=actor)
    return None
