"""The spans of agents, by OpenTelemetry's conventions for generative AI: invoke_agent, chat, execute_tool."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from kneo_project import spans
from kneo_project.spans import Content, Span
from runs.agents.errors import StepInterrupted
from runs.agents.models.provider import Completion, Message, ModelParams, ToolDefinition, WrappedProvider
from runs.agents.models.usage import Usage
from specs.language.agent_plan import AgentPlan

HARMLESS = (StepInterrupted,)


def agent_span(agent: AgentPlan) -> AbstractContextManager[Span]:
    """Mark one turn of ``agent``."""
    about = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent.name}
    return spans.span(f"invoke_agent {agent.name}", about, harmless=HARMLESS)


def tell_turn(span: Span, provider: str, model: str, iterations: int, usage: Usage | None) -> None:
    """Note who answered a turn, and what the whole turn cost, agents that were asked in it included."""
    span.note(
        {"gen_ai.provider.name": provider, "gen_ai.request.model": model, "kneo.agent.iterations": iterations}
        | _tokens(usage)
    )


def tool_span(name: str, arguments: Mapping[str, Any], key: str) -> AbstractContextManager[Span]:
    """Mark one call of the tool ``name``, which ``key`` names within its step."""
    about: dict[str, object] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": key,
    }
    if spans.records(Content.ARGUMENTS):
        about["gen_ai.tool.call.arguments"] = spans.shown(dict(arguments))
    return spans.span(f"execute_tool {name}", about, harmless=HARMLESS)


def tell_result(span: Span, result: str) -> None:
    """Note what a tool gave, if the operator wants to see that."""
    if spans.records(Content.RESULTS):
        span.note({"gen_ai.tool.call.result": spans.shown(result)})


class TracedProvider(WrappedProvider):
    """Passes calls on to ``provider``, each in a span of its own."""

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> Completion:
        """Return the provider's answer; see ``Provider.complete``."""
        with spans.span(f"chat {self.model}", self._request(messages, params), harmless=HARMLESS) as span:
            completion = await self._provider.complete(messages, tools, params)
            span.note({"gen_ai.response.finish_reasons": [_finish(completion)], **_tokens(completion.usage)})
            if spans.records(Content.MESSAGES):
                span.note({"gen_ai.output.messages": spans.shown([_output(completion)])})
        return completion

    def _request(self, messages: Sequence[Message], params: ModelParams) -> dict[str, object]:
        about: dict[str, object] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self.name,
            "gen_ai.request.model": self.model,
            "gen_ai.request.temperature": params.temperature,
            "gen_ai.request.max_tokens": params.max_tokens,
        }
        if spans.records(Content.MESSAGES):
            about["gen_ai.input.messages"] = spans.shown([_input(message) for message in messages])
        return about


def _tokens(usage: Usage | None) -> dict[str, object]:
    if usage is None:
        return {}
    return {"gen_ai.usage.input_tokens": usage.input_tokens, "gen_ai.usage.output_tokens": usage.output_tokens}


def _finish(completion: Completion) -> str:
    if completion.is_cut_off:
        return "length"
    return "tool_calls" if completion.tool_calls else "stop"


def _input(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        parts = [{"type": "tool_call_response", "id": message.tool_call_id, "response": message.content}]
    else:
        parts = [{"type": "text", "content": message.content}] if message.content else []
        parts += [_call(call.id, call.name, call.arguments) for call in message.tool_calls]
    return {"role": message.role, "parts": parts}


def _output(completion: Completion) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "text", "content": completion.text}] if completion.text else []
    parts += [_call(call.id, call.name, call.arguments) for call in completion.tool_calls]
    return {"role": "assistant", "parts": parts, "finish_reason": _finish(completion)}


def _call(call_id: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": dict(arguments)}
