"""OpenAI's chat completions, which many servers speak: api.openai.com, vLLM, Ollama, llama.cpp, gateways."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from kneo_project.strict_json import storable
from runs.agents.errors import ProviderError
from runs.agents.models.bodies import as_json, tool_call
from runs.agents.models.provider import Completion, Message, ModelParams, ToolDefinition
from runs.agents.models.streams import chat_completion_of
from runs.agents.models.usage import usage_of


class ChatCompletions:
    """Our values to the format and back."""

    name = "openai"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Return the header with the key, if there is one."""
        return {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def request_body(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> bytes:
        """Return the body of a request. What the spec leaves unset is not sent: the endpoint's default holds."""
        chosen = {"temperature": params.temperature, "max_tokens": params.max_tokens}
        body: dict[str, Any] = {
            **params.extra,
            **{name: value for name, value in chosen.items() if value is not None},
            "model": model,
            "messages": [_message(message) for message in messages],
        }
        if tools:
            body["tools"] = [_tool(tool) for tool in tools]
        if params.streams:
            body |= {"stream": True, "stream_options": {"include_usage": True} | dict(body.get("stream_options") or {})}
        return as_json(body)

    def read_answer(self, raw: bytes, *, status: int) -> Completion:
        """Return the completion in the body of an answer. Asking again would cost the same tokens again."""
        return _completion(lambda: _Answer.model_validate_json(raw), status)

    def read_pieces(self, pieces: Iterable[str], *, status: int) -> Completion:
        """Return the completion in the data of server-sent events."""
        whole = chat_completion_of(pieces, status=status)
        return _completion(lambda: _Answer.model_validate(whole), status)


def _completion(read: Callable[[], "_Answer"], status: int) -> Completion:
    try:
        answer = read()
    except ValidationError:
        message = "The model endpoint's answer is not a chat completion; check model.extra.base_url."
        raise ProviderError(message, status=status, retriable=False) from None
    choice = answer.choices[0]
    return Completion(
        text=storable(choice.message.content or ""),
        tool_calls=tuple(
            tool_call(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in choice.message.tool_calls or ()
        ),
        usage=usage_of(answer.usage),
        is_cut_off=choice.finish_reason == "length",
    )


def _message(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        sent["tool_call_id"] = message.tool_call_id
    return sent


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    described = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": described}


class _Function(BaseModel):
    name: str
    arguments: Any = None


class _Call(BaseModel):
    id: str
    function: _Function


class _Reply(BaseModel):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Reply
    finish_reason: str | None = None


class _Answer(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Any = None
