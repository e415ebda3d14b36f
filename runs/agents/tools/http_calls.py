"""Tools that are one request to a service: no code, and no way to another host than the spec and the operator allow."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from kneo_project.net.addresses import AddressRefused, HostUnknown, PinnedTransport, web_address
from kneo_project.net.tls import trusted
from runs.agents.errors import HttpToolFailed, ToolMiddlewareViolation
from runs.agents.secrets import referenced_secret
from runs.agents.settings import AgentSettings
from runs.agents.tools.domains import is_refused
from specs.language.agent_plan import AgentPlan, HttpToolPlan
from specs.language.web_addresses import AddressInvalid, filled, filled_value, places_in, plain_text, whole_place

CONNECT_SECONDS = 10.0
MAX_REDIRECTS = 5
MAX_SHOWN_CHARS = 300
TEXTS = ("text/", "application/json", "application/xml", "application/problem", "application/x-ndjson")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One call of an ``http`` tool by ``agent``; ``key`` is its idempotency key."""

    tool: HttpToolPlan
    agent: AgentPlan
    settings: AgentSettings
    key: str

    async def answer(self, arguments: Mapping[str, Any]) -> str:
        """Return what the service answers, as text.

        Raises:
            ToolMiddlewareViolation: the request, or a redirect, leads where it may not.
            HttpToolFailed: the arguments have no place in the address; the service cannot be reached, or refuses.
            AgentError: a secret that the tool refers to may not be named, or is missing.
        """
        try:
            request = self._request(arguments)
        except AddressInvalid as error:
            raise HttpToolFailed(str(error)) from None
        try:
            async with asyncio.timeout(self.tool.timeout_seconds), self._client() as client:
                return await self._sent(client, request)
        except AddressRefused as error:
            message = f"The host {error.host!r} is at an address that tools may not reach."
            raise ToolMiddlewareViolation(message) from None
        except HostUnknown as error:
            raise HttpToolFailed(str(error)) from None
        except (TimeoutError, httpx2.TimeoutException):
            message = f"The service {request.url.host!r} did not answer within {self.tool.timeout_seconds:g} seconds."
            raise HttpToolFailed(message) from None
        except httpx2.TooManyRedirects:
            raise HttpToolFailed(f"The service {request.url.host!r} redirects without end.") from None
        except (httpx2.RequestError, httpx2.InvalidURL):
            raise HttpToolFailed(f"The service {request.url.host!r} could not be reached.") from None

    def _request(self, arguments: Mapping[str, Any]) -> httpx2.Request:
        tool = self.tool
        url = self._address(arguments)
        if tool.query:
            url = url.copy_merge_params({name: filled_value(value, arguments) for name, value in tool.query.items()})
        headers = {"Accept": "application/json, text/*;q=0.9, */*;q=0.1", **tool.headers}
        if tool.method == "GET":
            return httpx2.Request(tool.method, url, headers=headers)
        headers["Idempotency-Key"] = self.key
        if tool.method == "DELETE":
            return httpx2.Request(tool.method, url, headers=headers)
        placed = {name for template in (tool.url, *tool.query.values()) for name in places_in(template)}
        body = {name: value for name, value in arguments.items() if name not in placed}
        return httpx2.Request(tool.method, url, headers=headers, json=body)

    def _address(self, arguments: Mapping[str, Any]) -> httpx2.URL:
        name = whole_place(self.tool.url)
        url = web_address(plain_text(name, arguments) if name else filled(self.tool.url, arguments))
        if url is None:
            raise AddressInvalid("The address is no http or https address, or has a user name or password.")
        return url

    def _client(self) -> httpx2.AsyncClient:
        """Return a client without the proxies of the environment, which would look names up themselves."""
        pinned = PinnedTransport(httpx2.AsyncHTTPTransport(verify=trusted()), self.settings.http_private_hosts)
        return httpx2.AsyncClient(
            transport=_Gate(pinned, self),
            trust_env=False,
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
        )

    async def _sent(self, client: httpx2.AsyncClient, request: httpx2.Request) -> str:
        response = await client.send(request, stream=True)
        try:
            text = await self._read(response)
        finally:
            await response.aclose()
        if not response.is_success:
            answered = f"The service {request.url.host!r} answered {response.status_code} {response.reason_phrase}"
            raise HttpToolFailed(f"{answered.rstrip()}: {text[:MAX_SHOWN_CHARS]}" if text else f"{answered}.")
        return text

    async def _read(self, response: httpx2.Response) -> str:
        raw = bytearray()
        async for chunk in response.aiter_bytes():
            raw += chunk
            if len(raw) > self.tool.max_response_bytes:
                message = f"The service answered with more than {self.tool.max_response_bytes} bytes."
                raise HttpToolFailed(message)
        kind = response.headers.get("Content-Type", "text/plain").partition(";")[0].strip().lower()
        if kind.startswith(TEXTS) or kind.endswith(("+json", "+xml")):
            return raw.decode(response.charset_encoding or "utf-8", "replace")
        return f"[{kind}, {len(raw)} bytes]"


class _Gate(httpx2.AsyncBaseTransport):
    """Looks at each request, also at those that a redirect leads to, before it is sent."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, call: HttpCall) -> None:
        self._inner = inner
        self._call = call
        self._first: httpx2.URL | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        tool, agent = self._call.tool, self._call.agent
        self._first = self._first or request.url
        host = request.url.raw_host.decode("ascii")
        is_own = whole_place(tool.url) is None and host == self._first.raw_host.decode("ascii")
        is_listed = bool(tool.allowed_domains) and not is_refused(host, allowed=tool.allowed_domains, denied=())
        if not (is_own or is_listed) or is_refused(host, allowed=agent.allowed_domains, denied=agent.denied_domains):
            raise ToolMiddlewareViolation(f"The tool may not reach {host!r}.")
        if self._first.scheme == "https" and request.url.scheme != "https":
            raise ToolMiddlewareViolation(f"The tool may not leave https on its way to {host!r}.")
        if _origin(request.url) == _origin(self._first):
            request = self._with_secrets(request)
        return await self._inner.handle_async_request(request)

    def _with_secrets(self, request: httpx2.Request) -> httpx2.Request:
        """Return another request: what is in the headers of this one is sent to wherever a redirect leads."""
        refs = self._call.tool.header_refs
        headers = request.headers.copy()
        headers.update({name: referenced_secret(ref, self._call.settings) for name, ref in refs.items()})
        return httpx2.Request(
            request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


def _origin(url: httpx2.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port
