"""Anthropic's Messages API."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from kneo_project.strict_json import storable
from runs.agents.errors import ProviderError
from runs.agents.models.bodies import as_json, tool_call
from runs.agents.models.provider import Completion, Message, ModelParams, ToolDefinition
from runs.agents.models.streams import message_of
from runs.agents.models.usage import Usage, count, usage_of

VERSION = "2023-06-01"
# The API wants a bound; this one every model of theirs accepts.
DEFAULT_MAX_TOKENS = 4096
CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")


class Messages:
    """Our values to the format and back."""

    name = "anthropic"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Return the version that is spoken here and the key, if there is one."""
        return {"anthropic-version": VERSION} | ({"x-api-key": api_key} if api_key else {})

    def request_body(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> bytes:
        """Return the body of a request; system prompts are not part of the conversation there."""
        system = "\n\n".join(message.content for message in messages if message.role == "system" and message.content)
        body: dict[str, Any] = {
            "max_tokens": params.max_tokens or DEFAULT_MAX_TOKENS,
            **params.extra,
            "model": model,
            "messages": list(_turns([message for message in messages if message.role != "system"])),
        }
        if params.max_tokens is not None:
            body["max_tokens"] = params.max_tokens
        if params.temperature is not None:
            body["temperature"] = params.temperature
        if system:
            body["system"] = system
        if tools:
            body["tools"] = [_tool(tool) for tool in tools]
        if params.streams:
            body["stream"] = True
        return as_json(body)

    def read_answer(self, raw: bytes, *, status: int) -> Completion:
        """Return the completion in the body of an answer. Asking again would cost the same tokens again."""
        return _completion(lambda: _Answer.model_validate_json(raw), status)

    def read_pieces(self, pieces: Iterable[str], *, status: int) -> Completion:
        """Return the completion in the data of server-sent events."""
        whole = message_of(pieces, status=status)
        return _completion(lambda: _Answer.model_validate(whole), status)


def _completion(read: Callable[[], "_Answer"], status: int) -> Completion:
    try:
        answer = read()
    except ValidationError:
        message = "The model endpoint's answer is not a message; check model.extra.base_url."
        raise ProviderError(message, status=status, retriable=False) from None
    texts = [block.text for block in answer.content if isinstance(block, _Text)]
    calls = [block for block in answer.content if isinstance(block, _ToolUse)]
    return Completion(
        text=storable("".join(texts)),
        tool_calls=tuple(tool_call(id=call.id, name=call.name, arguments=call.input) for call in calls),
        usage=_usage(answer.usage),
        is_cut_off=answer.stop_reason == "max_tokens",
    )


def _usage(reported: object) -> Usage | None:
    """Return what was used; what is written to a cache and read from it is counted apart there, and is input too."""
    usage = usage_of(reported)
    if usage is None or not isinstance(reported, Mapping):
        return None
    cached = sum(count(reported.get(key)) or 0 for key in CACHED)
    return replace(usage, input_tokens=usage.input_tokens + cached, total_tokens=usage.total_tokens + cached)


def _turns(messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """Yield turns of alternating roles; results of tools are said by the user."""
    for role, group in groupby(messages, key=lambda message: "assistant" if message.role == "assistant" else "user"):
        blocks = [block for message in group for block in _blocks(message)]
        if blocks:
            yield {"role": role, "content": blocks}


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        yield {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}
        return
    if message.content:  # an empty text is refused
        yield {"type": "text", "text": message.content}
    for call in message.tool_calls:
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.arguments)}


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    schema = {"type": "object", **tool.parameters}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


class _Text(BaseModel):
    type: Literal["text"]
    text: str


class _ToolUse(BaseModel):
    type: Literal["tool_use"]
    id: str
    name: str
    input: Any = None


def _unknown(kind: str) -> str:
    if kind in {"text", "tool_use"}:
        raise ValueError("a block of a known kind that is not like it")
    return kind


class _Other(BaseModel):
    """A block that nobody asked for, such as what the model thought."""

    type: Annotated[str, AfterValidator(_unknown)]


class _Answer(BaseModel):
    content: list[Annotated[_Text | _ToolUse | _Other, Field(union_mode="left_to_right")]]
    usage: Any = None
    stop_reason: str | None = None
