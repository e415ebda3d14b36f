"""Actions on rows: choose, ask, act, say what came of it. What is done is the services' business."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from kneo_project.errors import KneoError
from kneo_project.site.pages import OperatorAdmin
from kneo_project.site.showing import address

# Each row is a transaction of its own, and all of them happen within one request.
MOST_AT_ONCE = 500
MOST_TOLD = 10
CONFIRMED = "confirmed"
FROM_PAGE = "from_page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a page asks before ``action`` is taken: its title, what will happen, and the word on the button."""

    action: str
    title: str
    consequence: str
    button: str
    is_grave: bool = False


@dataclass(slots=True)
class Tally:
    """What came of an action: how many rows it changed, and a sentence for each that it did not."""

    done: int = 0
    unchanged: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def attempt(self, label: str, act: Callable[[], str | None]) -> None:
        """Act on the row called ``label``. ``act`` returns why it changed nothing, or None when it did."""
        try:
            reason = act()
        except KneoError as error:
            self.refused.append(f"Not done for {label}: {error.message}")
            return
        if reason is None:
            self.done += 1
        else:
            self.unchanged.append(f"Unchanged: {label} {reason}")


def act[M: Model](
    page: OperatorAdmin[M],
    request: HttpRequest,
    rows: QuerySet[M],
    question: Question,
    verb: str,
    change: Callable[[M, str], str | None],
) -> HttpResponse | None:
    """Ask ``question`` about the selected ``rows``, and once it was answered ``carry_out`` the change."""
    chosen = choose(page, request, rows)
    if not chosen:
        return None
    if not was_asked(request):
        return ask(page, request, question, chosen)
    return carry_out(page, request, chosen, verb, change)


def carry_out[M: Model](
    page: OperatorAdmin[M],
    request: HttpRequest,
    chosen: Sequence[M],
    verb: str,
    change: Callable[[M, str], str | None],
) -> HttpResponse | None:
    """Let ``change`` do its work on each row, in the name of who asks for it, and tell what came of it.

    It returns why it changed nothing, or None when it did; ``verb`` is what it does, in the past tense.
    """
    tally = Tally()
    for row in chosen:
        tally.attempt(page.label(row), partial(change, row, request.user.get_username()))
    report(page, request, verb, tally)
    return leave(page, request, chosen)


def choose[M: Model](page: OperatorAdmin[M], request: HttpRequest, rows: QuerySet[M]) -> Sequence[M]:
    """Return the selected rows; none, and a message, when there are too many to act on at once."""
    chosen = list(rows[: MOST_AT_ONCE + 1])
    if len(chosen) <= MOST_AT_ONCE:
        return chosen
    page.message_user(request, f"Nothing was done: select at most {MOST_AT_ONCE} at a time.", messages.ERROR)
    return ()


def was_asked(request: HttpRequest) -> bool:
    """Whether the request answers the question with yes."""
    return CONFIRMED in request.POST


def ask[M: Model](
    page: OperatorAdmin[M],
    request: HttpRequest,
    question: Question,
    rows: Sequence[M],
    *,
    form: forms.Form | None = None,
) -> HttpResponse:
    """Return the page that asks ``question`` about ``rows``."""
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "title": question.title,
        "question": question,
        "rows": [(row.pk, page.label(row)) for row in rows],
        "form": form,
        "opts": page.opts,
        "media": page.media,
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "confirmed_name": CONFIRMED,
        "from_page": request.POST.get(FROM_PAGE),
        "back": _page_of(page, rows[0]) if FROM_PAGE in request.POST else request.get_full_path(),
    }
    return TemplateResponse(request, "admin/kneo/confirm.html", context)


def report[M: Model](page: OperatorAdmin[M], request: HttpRequest, verb: str, tally: Tally) -> None:
    """Tell the user what came of the action: ``verb`` is what was done to the rows, in the past tense."""
    if tally.done:
        noun = page.opts.verbose_name if tally.done == 1 else page.opts.verbose_name_plural
        page.message_user(request, f"{verb} {tally.done} {noun}.", messages.SUCCESS)
    for level, sentences in ((messages.WARNING, tally.unchanged), (messages.ERROR, tally.refused)):
        for sentence in sentences[:MOST_TOLD]:
            page.message_user(request, sentence, level)
        if (more := len(sentences) - MOST_TOLD) > 0:
            page.message_user(request, f"And {more} more like these.", level)


def leave[M: Model](page: OperatorAdmin[M], request: HttpRequest, rows: Sequence[M]) -> HttpResponse | None:
    """Return to where the action was chosen: the row's page, or (None) the list."""
    return redirect(_page_of(page, rows[0])) if FROM_PAGE in request.POST and rows else None


def _page_of[M: Model](page: OperatorAdmin[M], row: M) -> str:
    return address(f"{page.opts.app_label}_{page.opts.model_name}_change", args=[row.pk])
