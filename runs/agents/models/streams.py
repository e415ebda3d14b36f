"""Answers that arrive in pieces: put together, they are read like those that arrive whole.

Chat completions end with ``[DONE]`` or a reason to finish, messages with ``message_stop``; what ends before that broke
off, and may be asked for again.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from runs.agents.errors import ProviderError

DONE = "[DONE]"


def chat_completion_of(pieces: Iterable[str], *, status: int) -> dict[str, Any]:
    """Return the chat completion that ``pieces``, the data of server-sent events, say.

    Raises:
        ProviderError: they say something else, or break off.
    """
    texts: list[str] = []
    calls: dict[int, list[dict[str, Any]]] = {}
    usage, reason, is_done = None, None, False
    for piece in pieces:
        if piece.strip() == DONE:
            is_done = True
            break
        chunk = _read(_CHUNK, piece, status)
        _refuse_if_failed(chunk.error, status)
        usage = chunk.usage or usage
        for choice in chunk.choices:
            if choice.index != 0:
                continue
            reason = choice.finish_reason or reason
            texts.append(choice.delta.content or "")
            for part in choice.delta.tool_calls or ():
                _add(calls.setdefault(part.index, []), part)
    if not is_done and reason is None:
        raise broken_off(status)
    said = [
        {"id": call["id"], "function": {"name": call["name"], "arguments": call["arguments"]}}
        for _, begun in sorted(calls.items())
        for call in begun
    ]
    message = {"content": "".join(texts), "tool_calls": said}
    return {"choices": [{"message": message, "finish_reason": reason}], "usage": usage}


def message_of(pieces: Iterable[str], *, status: int) -> dict[str, Any]:
    """Return the message that ``pieces``, the data of server-sent events, say.

    Raises:
        ProviderError: they say something else, or break off.
    """
    blocks: dict[int, dict[str, Any]] = {}
    usage: dict[str, Any] = {}
    reason, is_done = None, False
    for piece in pieces:
        event = _read(_EVENT, piece, status)
        _refuse_if_failed(event.error, status)
        usage |= event.usage or event.message.get("usage") or {}
        reason = event.delta.get("stop_reason") or reason
        is_done = is_done or event.type == "message_stop"
        if event.content_block:
            blocks[event.index] = {**event.content_block}
        elif event.type == "content_block_delta":
            _extend(blocks.setdefault(event.index, {"type": "text"}), event.delta)
    if not is_done:
        raise broken_off(status)
    return {"content": [block for _, block in sorted(blocks.items())], "usage": usage, "stop_reason": reason}


def broken_off(status: int) -> ProviderError:
    """Return the error of an answer that ends before its end."""
    return ProviderError("The model endpoint's answer broke off.", status=status, retriable=True)


def _add(calls: list[dict[str, Any]], part: "_CallPart") -> None:
    """Add a piece to the last of ``calls``, unless it begins another: some servers give all of them the index 0."""
    if not calls or (part.function.name and part.id and calls[-1]["id"] and part.id != calls[-1]["id"]):
        calls.append({"id": "", "name": "", "arguments": ""})
    call = calls[-1]
    call["id"] = call["id"] or part.id or ""
    call["name"] = call["name"] or part.function.name or ""
    call["arguments"] += part.function.arguments or ""


def _extend(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Add a piece to its block. Arguments arrive as the text of their JSON, which replaces the empty ones at first."""
    for key, target in (("text", "text"), ("partial_json", "input")):
        if isinstance(piece := delta.get(key), str):
            before = block.get(target)
            block[target] = (before if isinstance(before, str) else "") + piece


def _read[T](adapter: TypeAdapter[T], piece: str, status: int) -> T:
    try:
        return adapter.validate_json(piece)
    except ValidationError:
        message = "The model endpoint streams what cannot be read; check model.extra.base_url."
        raise ProviderError(message, status=status, retriable=False) from None


def _refuse_if_failed(error: object, status: int) -> None:
    """An endpoint that fails while it answers has said 200 already: that may pass like an answer of 500."""
    if error is None:
        return
    why = error.get("message") if isinstance(error, Mapping) else None
    message = "The model endpoint failed while it answered"
    raise ProviderError(f"{message}: {why}" if why else f"{message}.", status=status, retriable=True)


class _FunctionPart(BaseModel):
    name: str | None = None
    arguments: str | None = None


class _CallPart(BaseModel):
    index: int = 0
    id: str | None = None
    function: _FunctionPart = _FunctionPart()


class _Delta(BaseModel):
    content: str | None = None
    tool_calls: list[_CallPart] | None = None


class _Choice(BaseModel):
    index: int = 0
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_Choice] = []
    usage: Any = None
    error: Any = None


class _Event(BaseModel):
    type: str
    index: int = 0
    message: Annotated[dict[str, Any], Field(default_factory=dict)]
    delta: Annotated[dict[str, Any], Field(default_factory=dict)]
    content_block: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    error: Any = None


_CHUNK, _EVENT = TypeAdapter(_Chunk), TypeAdapter(_Event)
