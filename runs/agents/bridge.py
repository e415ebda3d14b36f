"""The only module that knows the agent SDK: its strategies, driven by one of our providers."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import kneo_agent as sdk

from runs.agents.errors import MaxIterationsReached
from runs.agents.models.provider import Message, ModelParams, Provider, ToolCall
from specs.language.agent_plan import AgentPlan

DEFAULT_MAX_ITERATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What an agent said and heard until it came to its answer, ``text``. The system prompt is not part of it."""

    text: str
    messages: tuple[Message, ...]
    iterations: int
    runtime_name: str


async def converse(agent: AgentPlan, text: str, *, provider: Provider, params: ModelParams) -> Conversation:
    """Return the conversation of ``agent`` about ``text``, by the agent's strategy.

    Raises:
        MaxIterationsReached: the strategy's turns are used up.
        AgentError: whatever ``provider`` raises.
    """
    strategy = cast("Literal['simple', 'react', 'plan-act']", agent.strategy.type)
    runtime = sdk.BridgeAgentFactory.custom(_Runtime(provider, params), strategy=strategy)
    limit = agent.strategy.max_iterations or DEFAULT_MAX_ITERATIONS
    config = sdk.RunConfig(
        max_iterations=limit, system_prompt=agent.system_prompt, tools=[], raise_on_max_iterations=True
    )
    try:
        result = await runtime.run([sdk.Message(role="user", content=text)], config)
    except sdk.MaxIterationsReachedError:
        message = f"Agent {agent.name!r} came to no answer within its limit of {limit} iterations."
        raise MaxIterationsReached(message) from None
    return Conversation(
        text=result.final_message,
        messages=tuple(_ours(message) for message in result.messages),
        iterations=result.iterations,
        runtime_name=runtime.name,
    )


class _Runtime:
    """A provider in the shape that the SDK's strategies drive."""

    def __init__(self, provider: Provider, params: ModelParams) -> None:
        self._provider = provider
        self._params = params

    @property
    def platform_name(self) -> str:
        return self._provider.name

    async def complete(self, messages: list[sdk.Message], config: sdk.RunConfig) -> sdk.ModelResponse:
        completion = await self._provider.complete(_prompted(messages, config.system_prompt), (), self._params)
        return sdk.ModelResponse(
            text=completion.text,
            tool_calls=[sdk.ToolCall(call.id, call.name, dict(call.arguments)) for call in completion.tool_calls],
        )

    async def execute_tool(self, call: sdk.ToolCall, _config: sdk.RunConfig) -> str:
        # The strategy passes the sentence on to the model, which can then do without.
        raise sdk.ToolNotFoundError(call.name)

    async def stream_tokens(self, messages: list[sdk.Message], config: sdk.RunConfig) -> AsyncGenerator[str, None]:
        yield (await self.complete(messages, config)).text

    def supports_tools(self) -> bool:
        return False

    def supports_streaming(self) -> bool:
        return False


def _prompted(messages: Sequence[sdk.Message], system_prompt: str | None) -> list[Message]:
    head = [Message(role="system", content=system_prompt)] if system_prompt else []
    return head + [_ours(message) for message in messages]


def _ours(message: sdk.Message) -> Message:
    calls = (ToolCall(id=call.id, name=call.name, arguments=call.arguments) for call in message.tool_calls)
    return Message(
        role=message.role,
        content=message.content,
        name=message.name,
        tool_call_id=message.tool_call_id,
        tool_calls=tuple(calls),
    )
