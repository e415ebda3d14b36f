"""Asking a person in the middle of an agent's turn: the step ends there, and begins again once there is an answer.

What the step had learned by then is in its journal, so nothing of it is done twice.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.agents.errors import StepInterrupted
from runs.agents.journal import Journal

REJECTED, EDITED, PROVIDED = "rejected", "edited", "provided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked about ``text``.

    ``key`` names the question within the step. ``context`` is shown with it. ``approver`` is the human component that
    says who is asked and how long to wait; None is anybody, for ever.
    """

    key: str
    title: str
    prompt: str
    text: str
    context: Mapping[str, Any] = field(default_factory=dict)
    approver: str | None = None
    is_escalated: bool = False

    @property
    def digest(self) -> str:
        """Tell exactly what is asked about: an answer counts for nothing else."""
        asked = json.dumps([self.text, self.context], sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(asked.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAnswer:
    """What the person decided, and said."""

    decision: str
    content: str | None = None

    @property
    def is_rejection(self) -> bool:
        """Whether it must not happen."""
        return self.decision == REJECTED


class PersonNeeded(StepInterrupted):
    """The step can go on only when a person has answered ``question``."""

    def __init__(self, question: Question) -> None:
        super().__init__(f"A person is asked: {question.title}")
        self.question = question


async def answer_in(journal: Journal, question: Question) -> PersonAnswer:
    """Return what a person has answered to ``question``.

    Raises:
        PersonNeeded: nobody has, or what is asked about has changed since.
    """
    kept = await journal.recall(place_of(question.key))
    if kept is None or kept["digest"] != question.digest:
        raise PersonNeeded(question)
    return PersonAnswer(decision=kept["decision"], content=kept["content"])


def place_of(key: str) -> str:
    """Return where in its journal a step finds the answer to the question ``key``."""
    return f"person/{key}"
