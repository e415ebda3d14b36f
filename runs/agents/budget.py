"""A provider whose spending is counted, and stopped."""

from collections.abc import Sequence

from runs.agents.errors import TokenBudgetExceeded
from runs.agents.models.provider import Completion, Message, ModelParams, Provider, ToolDefinition
from runs.agents.models.usage import Usage


class MeteredProvider:
    """Passes calls on to ``provider`` and adds up what they report; a ``limit`` of 0 tokens is none.

    The limit is looked at after each call, because only the answer tells what it cost.
    """

    def __init__(self, provider: Provider, *, limit: int) -> None:
        self._provider = provider
        self._limit = limit
        self.usage: Usage | None = None

    @property
    def name(self) -> str:
        """The provider's public name."""
        return self._provider.name

    @property
    def model(self) -> str:
        """The name of the model it serves."""
        return self._provider.model

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> Completion:
        """Return the provider's answer.

        Raises:
            TokenBudgetExceeded: with this call the agent has used more than ``limit`` tokens.
        """
        completion = await self._provider.complete(messages, tools, params)
        if completion.usage:
            self.usage = self.usage + completion.usage if self.usage else completion.usage
        if self._limit and self.usage and self.usage.total_tokens > self._limit:
            used = self.usage.total_tokens
            raise TokenBudgetExceeded(f"The agent used {used} tokens; its budget is {self._limit}.")
        return completion
