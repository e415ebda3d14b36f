"""A provider whose answers are kept, and given again instead of asking again."""

from collections.abc import Sequence
from typing import Any

from runs.agents.journal import Journal
from runs.agents.models.provider import (
    Completion,
    Message,
    ModelParams,
    Provider,
    ToolCall,
    ToolDefinition,
    WrappedProvider,
)
from runs.agents.models.usage import Usage


class JournaledProvider(WrappedProvider):
    """Passes calls on to ``provider`` and keeps what it answers in ``journal``, numbered below ``prefix``."""

    def __init__(self, provider: Provider, journal: Journal, prefix: str) -> None:
        super().__init__(provider)
        self._journal = journal
        self._prefix = prefix
        self._asked = 0

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> Completion:
        """Return the answer given before at this place of the conversation, or else the provider's."""
        self._asked += 1
        key = f"{self._prefix}model/{self._asked}"
        kept = await self._journal.recall(key)
        if kept is not None:
            return _restored(kept)
        completion = await self._provider.complete(messages, tools, params)
        await self._journal.record(key, _kept(completion))
        return completion


def _kept(completion: Completion) -> dict[str, Any]:
    return {
        "text": completion.text,
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": dict(call.arguments), "problem": call.problem}
            for call in completion.tool_calls
        ],
        "is_cut_off": completion.is_cut_off,
        "usage": counts_of(completion.usage),
    }


def _restored(kept: dict[str, Any]) -> Completion:
    return Completion(
        text=kept["text"],
        tool_calls=tuple(ToolCall(**call) for call in kept["tool_calls"]),
        usage=kept_usage(kept["usage"]),
        is_cut_off=kept.get("is_cut_off", False),
    )


def counts_of(usage: Usage | None) -> list[int] | None:
    """Return ``usage`` as it is kept."""
    return None if usage is None else [usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.cost_nanos]


def kept_usage(counts: list[int] | None) -> Usage | None:
    """Return the usage that was kept as ``counts``: input, output, total, and what they cost."""
    if counts is None:
        return None
    spent, produced, total, *cost = counts
    return Usage(input_tokens=spent, output_tokens=produced, total_tokens=total, cost_nanos=sum(cost))
