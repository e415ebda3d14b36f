"""The only module that knows the agent SDK: its strategies, driven by one of our providers."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import kneo_agent as sdk

from runs.agents.errors import MaxIterationsReached
from runs.agents.models.provider import Completion, Message, ModelParams, Provider, ToolCall
from runs.agents.tools.toolbox import Toolbox
from specs.language.agent_plan import AgentPlan

DEFAULT_MAX_ITERATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What an agent said and heard until it came to its answer, ``text``, which may be cut off at its longest.

    The system prompt is not part of it.
    """

    text: str
    messages: tuple[Message, ...]
    iterations: int
    runtime_name: str
    is_cut_off: bool = False


class _Stop(BaseException):
    """Carries an error past the strategies, which tell the model of every ``Exception`` of a tool."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


async def converse(
    agent: AgentPlan, messages: Sequence[Message], *, provider: Provider, params: ModelParams, tools: Toolbox
) -> Conversation:
    """Return the conversation of ``agent`` that goes on from ``messages``, by the agent's strategy.

    Raises:
        MaxIterationsReached: the strategy's turns are used up.
        Exception: whatever ``provider`` and ``tools`` raise.
    """
    strategy = cast("Literal['simple', 'react', 'plan-act']", agent.strategy.type)
    ours = _Runtime(provider, params, tools)
    runtime = sdk.BridgeAgentFactory.custom(ours, strategy=strategy)
    limit = agent.strategy.max_iterations or DEFAULT_MAX_ITERATIONS
    config = sdk.RunConfig(
        max_iterations=limit,
        system_prompt=agent.system_prompt,
        tools=[sdk.ToolDefinition(tool.name, tool.description, dict(tool.parameters)) for tool in tools.offered],
        raise_on_max_iterations=True,
    )
    try:
        result = await runtime.run([_theirs(message) for message in messages], config)
    except sdk.MaxIterationsReachedError:
        message = f"Agent {agent.name!r} came to no answer within its limit of {limit} iterations."
        raise MaxIterationsReached(message) from None
    except _Stop as stop:
        raise stop.error from None
    return Conversation(
        text=result.final_message,
        messages=tuple(_ours(message) for message in result.messages),
        iterations=result.iterations,
        runtime_name=runtime.name,
        is_cut_off=ours.is_cut_off,
    )


class _Runtime:
    """A provider and tools in the shape that the SDK's strategies drive."""

    def __init__(self, provider: Provider, params: ModelParams, tools: Toolbox) -> None:
        self._provider = provider
        self._params = params
        self._tools = tools
        self._asked = 0
        self._calls: dict[int, tuple[str, ToolCall]] = {}
        self.is_cut_off = False

    @property
    def platform_name(self) -> str:
        return self._provider.name

    async def complete(self, messages: list[sdk.Message], config: sdk.RunConfig) -> sdk.ModelResponse:
        offered = self._tools.offered if config.tools else ()  # none while a strategy plans
        completion = await self._provider.complete(_prompted(messages, config.system_prompt), offered, self._params)
        self._asked += 1
        self.is_cut_off = completion.is_cut_off
        calls = self._named(completion)
        try:
            await self._tools.prepare(dict(self._calls.values()))
        except Exception as error:  # noqa: BLE001 - it is raised again where the strategy cannot take it
            raise _Stop(error) from None
        return sdk.ModelResponse(text=completion.text, tool_calls=calls)

    def _named(self, completion: Completion) -> list[sdk.ToolCall]:
        """Return the calls, each known by its place in the conversation: models repeat the ids they give."""
        calls = [sdk.ToolCall(call.id, call.name, dict(call.arguments)) for call in completion.tool_calls]
        asked = enumerate(zip(calls, completion.tool_calls, strict=True), start=1)
        self._calls = {id(call): (f"{self._asked}.{index}", ours) for index, (call, ours) in asked}
        return calls

    async def execute_tool(self, call: sdk.ToolCall, _config: sdk.RunConfig) -> str:
        key, ours = self._calls[id(call)]
        try:
            return await self._tools.call(ours, key)
        except Exception as error:  # noqa: BLE001 - it is raised again where the strategy cannot take it
            raise _Stop(error) from None

    async def stream_tokens(self, messages: list[sdk.Message], config: sdk.RunConfig) -> AsyncGenerator[str, None]:
        yield (await self.complete(messages, config)).text

    def supports_tools(self) -> bool:
        return True

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


def _theirs(message: Message) -> sdk.Message:
    calls = [sdk.ToolCall(call.id, call.name, dict(call.arguments)) for call in message.tool_calls]
    return sdk.Message(
        role=message.role,
        content=message.content,
        name=message.name,
        tool_call_id=message.tool_call_id,
        tool_calls=calls,
    )
