"""The chat completions format: our values to JSON and back."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from runs.agents.errors import ProviderError
from runs.agents.models.provider import Completion, Message, ModelParams, ToolCall, ToolDefinition
from runs.agents.models.usage import usage_of


def request_body(
    model: str, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
) -> bytes:
    """Return the body of a request. What the spec leaves unset is not sent, so that the endpoint's default holds.

    Raises:
        ProviderError: an extra parameter of the spec cannot be written as JSON.
    """
    chosen = {"temperature": params.temperature, "max_tokens": params.max_tokens}
    body: dict[str, Any] = {
        **params.extra,
        **{name: value for name, value in chosen.items() if value is not None},
        "model": model,
        "messages": [_message(message) for message in messages],
    }
    if tools:
        body["tools"] = [_tool(tool) for tool in tools]
    body.pop("stream", None)  # the answer is read whole
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError):
        raise ProviderError(
            "model.extra holds a value that JSON cannot express.", status=None, retriable=False
        ) from None


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


def _arguments(value: object) -> object:
    """Arguments travel as JSON inside a string; "" and null mean none."""
    return json.loads(value) if isinstance(value, str) and value else value or {}


class _Function(BaseModel):
    name: str
    arguments: Annotated[dict[str, Any], BeforeValidator(_arguments)] = {}


class _Call(BaseModel):
    id: str
    function: _Function


class _Reply(BaseModel):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Reply


class _Answer(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Any = None


def read_answer(raw: bytes, *, status: int) -> Completion:
    """Return the completion in the body of an answer.

    Raises:
        ProviderError: the body is not a chat completion. Asking again would cost the same tokens again.
    """
    try:
        answer = _Answer.model_validate_json(raw)
    except ValidationError:
        message = "The model endpoint's answer is not a chat completion; check model.extra.base_url."
        raise ProviderError(message, status=status, retriable=False) from None
    reply = answer.choices[0].message
    return Completion(
        text=reply.content or "",
        tool_calls=tuple(
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in reply.tool_calls or ()
        ),
        usage=usage_of(answer.usage),
    )


class _Explanation(BaseModel):
    message: str


class _Failure(BaseModel):
    error: _Explanation


def read_failure(raw: bytes) -> str:
    """Return the sentence by which the endpoint explains a refusal, or "" when it gives none."""
    try:
        return _Failure.model_validate_json(raw).error.message
    except ValidationError:
        return ""
