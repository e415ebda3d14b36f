"""Whom memory, guardrails and tools may ask in the middle of an agent's turn."""

from typing import Any, Protocol

from runs.agents.people import PersonAnswer, Question


class Helpers(Protocol):
    """The other agents and the functions of a spec. ``key`` names a question within the step."""

    def within(self, key: str) -> "Helpers":
        """Return the same helpers, for questions that belong to the part ``key`` of the step."""

    async def ask_person(self, question: Question) -> PersonAnswer:
        """Return what a person has answered to ``question``, whose key is one within this part of the step.

        Raises:
            PersonNeeded: nobody has; the step ends here until somebody does.
        """

    async def ask_agent(self, name: str, text: str, *, key: str) -> str:
        """Return what the agent ``name`` answers to ``text``, under its own guardrails, memory and budget.

        Raises:
            AgentError: it gives no answer.
        """

    async def call_function(self, name: str, text: str, **keywords: Any) -> object:
        """Return what the function ``name`` makes of ``text``.

        Raises:
            Exception: whatever the function raises.
        """

    async def ask(self, name: str, text: str, *, key: str, **keywords: Any) -> object:
        """Return what the agent or, if there is none of that name, the function ``name`` makes of ``text``.

        Raises:
            Exception: as the two others.
        """
