"""What model calls cost, and when that is enough."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kneo_project.prices import Price
from runs.agents.errors import CostBudgetExceeded, TokenBudgetExceeded
from runs.agents.models.provider import Completion, Message, ModelParams, Provider, ToolDefinition, WrappedProvider
from runs.agents.models.usage import Usage


@dataclass(slots=True)
class Meter:
    """Counts what all model calls of a step cost, those of agents that are asked by agents included.

    ``left`` is how many tokens the run may still use when the step begins, ``money_left`` how many billionths of the
    currency's unit; None is no bound. ``whole`` is the meter of which this one counts a part.
    """

    left: int | None = None
    money_left: int | None = None
    usage: Usage | None = None
    whole: "Meter | None" = None

    def part(self) -> "Meter":
        """Return a meter for a part of the step; what it counts is counted here too."""
        return Meter(whole=self)

    def refuse_if_spent(self) -> None:
        """Do nothing, unless the run's budget of tokens is used up.

        Raises:
            TokenBudgetExceeded: it is; that ends the run.
        """
        if self.whole is not None:
            self.whole.refuse_if_spent()
        if self.left is not None and (self.usage.total_tokens if self.usage else 0) >= self.left:
            raise TokenBudgetExceeded("The run has used up its budget of tokens.", is_final=True)

    def refuse_if_dear(self, model: str, price: Price | None) -> None:
        """Do nothing, unless the run's budget in money is used up, or nobody knows what ``model`` costs.

        Raises:
            CostBudgetExceeded: it is; that ends the run.
        """
        if self.whole is not None:
            self.whole.refuse_if_dear(model, price)
        if self.money_left is None:
            return
        if price is None:
            message = f"The run has a budget in money, and the model {model!r} has no price (KNEO_SERV_MODEL_PRICES)."
            raise CostBudgetExceeded(message)
        if (self.usage.cost_nanos if self.usage else 0) >= self.money_left:
            raise CostBudgetExceeded("The run has used up its budget in money.")

    def add(self, usage: Usage) -> None:
        """Count what one call cost."""
        self.usage = self.usage + usage if self.usage else usage
        if self.whole is not None:
            self.whole.add(usage)


class MeteredProvider(WrappedProvider):
    """Passes calls on to ``provider`` and adds up what they report; a ``limit`` of 0 tokens is none.

    The agent's limit is looked at before each call and after it, because only the answer tells what it cost. ``meter``
    counts for the whole step; without a ``price`` nobody knows what calls cost, unless they are free.
    """

    def __init__(
        self, provider: Provider, *, limit: int, meter: Meter, price: Price | None, is_free: bool = False
    ) -> None:
        super().__init__(provider)
        self._limit = limit
        self._meter = meter
        self._price = price
        self._is_free = is_free
        self.usage: Usage | None = None

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> Completion:
        """Return the provider's answer.

        Raises:
            TokenBudgetExceeded: the agent has used more than ``limit`` tokens, or all of them before this call; or the
                run has used up its own.
            CostBudgetExceeded: the run has used up its budget in money, or the model has no price.
        """
        self._meter.refuse_if_spent()
        if not self._is_free:
            self._meter.refuse_if_dear(self.model, self._price)
        self._refuse(is_spent=self._used >= self._limit)
        completion = await self._provider.complete(messages, tools, params)
        if completion.usage:
            usage = self._priced(completion.usage)
            self.usage = self.usage + usage if self.usage else usage
            self._meter.add(usage)
        self._refuse(is_spent=self._used > self._limit)
        return completion

    def _priced(self, usage: Usage) -> Usage:
        if self._price is None:
            return usage
        spent, produced = usage.input_tokens, usage.output_tokens
        return replace(usage, cost_nanos=self._price.nanos(input_tokens=spent, output_tokens=produced))

    @property
    def _used(self) -> int:
        return self.usage.total_tokens if self.usage else 0

    def _refuse(self, *, is_spent: bool) -> None:
        if self._limit and is_spent:
            raise TokenBudgetExceeded(f"The agent used {self._used} tokens; its budget is {self._limit}.")
