"""Bodies of requests and of answers, as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from kneo_project.strict_json import NotJson, read_json, refuse_deep, storable
from runs.agents.errors import ProviderError
from runs.agents.models.provider import ToolCall

NOT_ARGUMENTS = "The arguments are not a JSON object."


def as_json(body: dict[str, Any]) -> bytes:
    """Return ``body`` as it is sent.

    Raises:
        ProviderError: it holds a value that JSON cannot express, which can only come from ``model.extra``.
    """
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError):
        message = "model.extra holds a value that JSON cannot express."
        raise ProviderError(message, status=None, retriable=False) from None


def tool_call(*, id: str, name: str, arguments: object) -> ToolCall:
    """Return the call of a tool whose ``arguments`` are an object or its JSON; "" and null mean none.

    A model that writes them badly has made a mistake of its own: it is told, and may try again. What cannot be stored
    is replaced here, so that the call that is made, approved and repeated after a crash is the same.
    """
    id, name = storable(id), storable(name)
    try:
        read = read_json(arguments) if isinstance(arguments, str) and arguments else arguments or {}
        refuse_deep(read)
    except NotJson:
        read = None
    if isinstance(read, Mapping):
        return ToolCall(id=id, name=name, arguments=storable(read))
    return ToolCall(id=id, name=name, arguments={}, problem=NOT_ARGUMENTS)
