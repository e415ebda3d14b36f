"""Which answer fits which question, and what it means. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


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
    metadata: dict[str, Any] = field(default_factory=dict)


def misfit(answer: Answer, options: Sequence[str] | None) -> str | None:
    """Return why ``answer`` does not fit a question with ``options``, as a sentence; None when it fits."""
    chosen = answer.selected_option
    if chosen is not None and options and chosen not in options:
        return f"selected_option {chosen!r} is not one of the options offered: {', '.join(options)}."
    if answer.decision is Decision.SELECTED and options and chosen is None:
        return f"The decision 'selected' needs selected_option, one of: {', '.join(options)}."
    return None


def text_after(answer: Answer, asked_about: str) -> str:
    """Return the text that flows on after ``answer`` to a question about ``asked_about``.

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
            return answer.content or asked_about
