"""Bodies of requests."""

import json
from typing import Any

from runs.agents.errors import ProviderError


def as_json(body: dict[str, Any]) -> bytes:
    """Return ``body`` as it is sent; the answer is read whole, so it does not ask for a stream.

    Raises:
        ProviderError: it holds a value that JSON cannot express, which can only come from ``model.extra``.
    """
    sent = {name: value for name, value in body.items() if name != "stream"}
    try:
        return json.dumps(sent, allow_nan=False).encode()
    except (TypeError, ValueError):
        message = "model.extra holds a value that JSON cannot express."
        raise ProviderError(message, status=None, retriable=False) from None
