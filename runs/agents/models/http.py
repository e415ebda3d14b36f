"""Models behind HTTP: one request, tried again, bounded in time and size, whatever format the endpoint speaks."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import httpx2

from kneo_project.net.retry_after import retry_after_seconds
from kneo_project.net.tls import trusted
from kneo_project.redaction import REDACTED
from runs.agents.errors import ProviderError, ProviderTimeout
from runs.agents.models.backoff import delay_seconds
from runs.agents.models.endpoint import Endpoint
from runs.agents.models.failures import read_failure
from runs.agents.models.limits import gate_of
from runs.agents.models.provider import Completion, Message, ModelParams, ToolDefinition
from runs.agents.settings import AgentSettings

CONNECT_SECONDS = 10.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
KEY_SHAPES = re.compile(r"\bsk-[\w*.-]{6,}|\b(?:Bearer|Basic)\s+\S+", re.IGNORECASE)


class Wire(Protocol):
    """The format that an endpoint speaks."""

    name: str

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Return the headers of a request, beside its content type."""

    def request_body(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> bytes:
        """Return the body of a request.

        Raises:
            ProviderError: an extra parameter of the spec cannot be written as JSON.
        """

    def read_answer(self, raw: bytes, *, status: int) -> Completion:
        """Return the completion in the body of an answer.

        Raises:
            ProviderError: the body is none.
        """

    def read_pieces(self, pieces: Iterable[str], *, status: int) -> Completion:
        """Return the completion in the data of server-sent events.

        Raises:
            ProviderError: they are none, or break off.
        """


type Watch = Callable[[int, ProviderError], None]
"""Is told which attempt of a call failed, and why."""


class HttpProvider:
    """Asks one endpoint; each call has its own client, so that nothing outlives the step."""

    def __init__(self, endpoint: Endpoint, settings: AgentSettings, wire: Wire, watch: Watch) -> None:
        self._endpoint = endpoint
        self._wire = wire
        self._watch = watch
        self._gate = gate_of(str(endpoint.url.copy_with(path="/", query=None)), settings.limits)
        self._retries = settings.retries
        self._retries_timeouts = settings.retry_on_timeout
        self._backoff_seconds = settings.backoff_seconds

    @property
    def name(self) -> str:
        """The provider's public name."""
        return self._wire.name

    @property
    def model(self) -> str:
        """The name of the model it serves."""
        return self._endpoint.model

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> Completion:
        """Return the model's answer; see ``Provider.complete``. Failures that may pass are tried again in here."""
        body = self._wire.request_body(self.model, messages, tools, params)
        async with self._client() as client:
            attempt = 1
            while True:
                try:
                    async with self._gate.passage(self._endpoint.shown):
                        return await self._ask(client, body)
                except ProviderError as error:
                    error.args = (self._redact(str(error)),)
                    self._watch(attempt, error)
                    may_pass = error.retriable and (self._retries_timeouts or not isinstance(error, ProviderTimeout))
                    if attempt > self._retries or not may_pass:
                        raise
                    asked = error.retry_after_seconds
                await asyncio.sleep(
                    delay_seconds(attempt, backoff_seconds=self._backoff_seconds, retry_after_seconds=asked)
                )
                attempt += 1

    def _client(self) -> httpx2.AsyncClient:
        headers = {"Content-Type": "application/json", **self._wire.headers(self._endpoint.api_key)}
        # The library bounds single reads; the whole attempt is bounded where it is made.
        return httpx2.AsyncClient(
            headers=headers, verify=trusted(), timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS)
        )

    async def _ask(self, client: httpx2.AsyncClient, body: bytes) -> Completion:
        seconds = self._endpoint.timeout_seconds
        try:
            async with (
                asyncio.timeout(seconds),
                client.stream("POST", self._endpoint.url, content=body) as response,
            ):
                if response.is_success and _is_stream(response):
                    answer = self._wire.read_pieces(await self._pieces(response), status=response.status_code)
                elif response.is_success:
                    answer = self._wire.read_answer(await self._whole(response), status=response.status_code)
                else:
                    raise self._refusal(response, await self._whole(response))
        except (TimeoutError, httpx2.TimeoutException):
            message = f"The model endpoint {self._endpoint.shown} did not answer within {seconds:g} seconds."
            raise ProviderTimeout(message) from None
        except httpx2.RequestError as error:
            message = f"The model endpoint {self._endpoint.shown} could not be reached: {self._redact(str(error))}"
            raise ProviderError(message, status=None, retriable=True) from None
        if answer.is_cut_off and answer.tool_calls:
            message = "The model's answer was cut off while it called a tool; model.max_tokens is too small for it."
            raise ProviderError(message, status=response.status_code, retriable=False)
        return answer

    async def _whole(self, response: httpx2.Response) -> bytes:
        raw = bytearray()
        async for chunk in response.aiter_bytes():
            raw += chunk
            self._refuse_if_long(len(raw), response)
        return bytes(raw)

    async def _pieces(self, response: httpx2.Response) -> list[str]:
        pieces, size = [], 0
        async for event in httpx2.EventSource(response, max_event_size=MAX_ANSWER_BYTES):
            pieces.append(event.data)
            size += len(event.data)
            self._refuse_if_long(size, response)
        return pieces

    def _refuse_if_long(self, size: int, response: httpx2.Response) -> None:
        if size > MAX_ANSWER_BYTES:
            message = f"The model endpoint {self._endpoint.shown} sent more than {MAX_ANSWER_BYTES} bytes."
            raise ProviderError(message, status=response.status_code, retriable=False)

    def _refusal(self, response: httpx2.Response, raw: bytes) -> ProviderError:
        status = response.status_code
        detail = self._redact(read_failure(raw))
        answered = f"The model endpoint {self._endpoint.shown} answered {status} {response.reason_phrase}".rstrip()
        return ProviderError(
            f"{answered}: {detail}" if detail else f"{answered}.",
            status=status,
            retriable=status == httpx2.codes.TOO_MANY_REQUESTS or response.is_server_error,
            retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After"), now=datetime.now(UTC)),
        )

    def _redact(self, text: str) -> str:
        """Return ``text`` without the key, also where a spec holds it itself, which nobody else knows as a secret."""
        if self._endpoint.api_key:
            text = text.replace(self._endpoint.api_key, REDACTED)
        return KEY_SHAPES.sub(REDACTED, text)


def _is_stream(response: httpx2.Response) -> bool:
    """Return whether pieces were sent, whatever was asked for: not every server knows streams."""
    return bool(response.headers.get("Content-Type", "").lower().startswith("text/event-stream"))
