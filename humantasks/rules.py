"""Which answer fits which question, and what it means. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kneo_project.json_schema import JsonSchema


class Decision(StrEnum):
    """What a person may decide."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EDITED = "edited"
    SELECTED = "selected"
    PROVIDED = "provided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A person's answer to the question ``request_id``."""

    request_id: str
    decision: Decision
    content: str | None = None
    selected_option: str | None = None
    form: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def misfit(answer: Answer, options: Sequence[str] | None) -> str | None:
    """Return why ``answer`` does not fit a question with ``options``, as a sentence; None when it fits."""
    chosen = answer.selected_option
    if chosen is not None and options and chosen not in options:
        return f"selected_option {chosen!r} is not one of the options offered: {', '.join(options)}."
    if answer.decision is Decision.SELECTED and options and chosen is None:
        return f"The decision 'selected' needs selected_option, one of: {', '.join(options)}."
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormMisfit:
    """Why a form does not fit: a sentence, and the field that is meant."""

    field: str
    message: str


def form_misfit(answer: Answer, form: Mapping[str, Any] | None) -> FormMisfit | None:
    """Return why what ``answer`` filled in does not fit the schema ``form``; None when it fits.

    Whoever rejects need not fill in anything. The value of a field is never repeated.
    """
    if form is None:
        return None if answer.form is None else FormMisfit(field="form", message="This request has no form.")
    if answer.form is None:
        message = f"The decision {answer.decision.value!r} needs the form of the request filled in."
        return None if answer.decision is Decision.REJECTED else FormMisfit(field="form", message=message)
    problem = JsonSchema(form).first_problem(answer.form)
    if problem is None:
        return None
    inside = problem.within("form")
    return FormMisfit(field=inside.where, message=f"{inside}.")


def disagreement(answer: Answer, first: Answer) -> str | None:
    """Return why ``answer`` does not agree with ``first``, what the first of several people said; None when it does.

    Whoever approves agrees to what the first has said, word for word; any other answer has to say the same.
    """
    if answer.decision is Decision.APPROVED and answer.form in (None, first.form):
        return None
    if _said(answer) == _said(first):
        return None
    return f"The first person to answer has {first.decision.value}; approve that, or reject it."


def _said(answer: Answer) -> tuple[object, ...]:
    content = None if answer.decision is Decision.APPROVED else answer.content
    return answer.decision, content, answer.selected_option, answer.form


def text_after(answer: Answer, asked_about: str) -> str:
    """Return the text that flows on after ``answer`` to a question about ``asked_about``.

    Where a person was to say something and filled in a form instead, that is the form as JSON.
    The fixed words of a rejection are compatibility data: existing specs match on them.
    """
    match answer.decision:
        case Decision.APPROVED:
            return asked_about
        case Decision.REJECTED:
            return f"Rejected by human reviewer: {answer.content or ''}"
        case Decision.SELECTED:
            return answer.selected_option or answer.content or asked_about
        case Decision.EDITED | Decision.PROVIDED:
            return answer.content or _filled(answer) or asked_about


def _filled(answer: Answer) -> str:
    return "" if answer.form is None else json.dumps(answer.form, ensure_ascii=False)
