"""How a good client calls a service whose processes come and go: again, until it is answered."""

import time
import uuid
from http import HTTPStatus

import httpx2

TRY_AGAIN = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
PAUSE_SECONDS = 0.2
PATIENCE_SECONDS = 120.0


class Insisting(httpx2.HTTPTransport):
    """Sends a request until the answer is more than "try again". Every order has a key, so that it counts once."""

    def __init__(self) -> None:
        super().__init__()
        self.again = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the first answer that says something, or the last."""
        if request.method == "POST":
            request.headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response = super().handle_request(request)
                response.read()
                if response.status_code not in TRY_AGAIN or time.monotonic() > deadline:
                    return response
            except httpx2.TransportError:
                if time.monotonic() > deadline:
                    raise
            self.again += 1
            time.sleep(PAUSE_SECONDS)
