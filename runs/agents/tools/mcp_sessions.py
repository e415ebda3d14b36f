"""Servers of tools that speak MCP, by the official package: a session for each server that a step calls.

A session begins with the first call and ends with the step. It lives in a task of its own, as the package wants it to
be closed where it was opened, and calls may come from several tasks at once.
"""

import asyncio
import contextlib
import json
import os
import random
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx2

from kneo_project.net.addresses import web_address
from runs.agents.errors import McpNotAvailable, McpTimeout, McpToolFailed
from runs.agents.secrets import referenced_secret, referenced_text
from runs.agents.settings import AgentSettings
from specs.language.agent_plan import McpServerPlan

if TYPE_CHECKING:
    from mcp import Client

CLOSING_SECONDS = 5.0
DEFAULT_CONNECT_SECONDS, DEFAULT_CALL_SECONDS = 30.0, 120.0
DEFAULT_RESPONSE_BYTES = 10 * 1024 * 1024
MAX_MESSAGE_CHARS = 300


@dataclass(slots=True)
class _Session:
    """A session in its task: ``client`` is there once it is connected, ``over`` ends it."""

    task: "asyncio.Task[None]"
    client: "asyncio.Future[Client]"
    over: asyncio.Event


@dataclass(slots=True)
class McpSessions:
    """The sessions of one step with the ``servers`` of its plan."""

    servers: Mapping[str, McpServerPlan]
    settings: AgentSettings
    sessions: dict[str, _Session] = field(default_factory=dict)

    async def call(
        self, server: str, tool: str, arguments: Mapping[str, Any], *, key: str, may_repeat: bool = True
    ) -> str:
        """Return what the tool ``tool`` of ``server`` answers, as text; ``key`` is the call's idempotency key.

        Calls that fail on the way are repeated as often as the operator says, if they ``may_repeat``.

        Raises:
            McpToolFailed: the tool says that it failed.
            McpTimeout: it did not answer in time.
            McpNotAvailable: the server cannot be started, reached, or understood, or is not allowed.
        """
        attempts = 1 + (self.settings.mcp_retries if may_repeat else 0)
        for attempt in range(1, attempts + 1):
            try:
                return await self._called(server, tool, arguments, key)
            except McpTimeout:
                if attempt == attempts or not self.settings.mcp_retry_on_timeout:
                    raise
            except McpNotAvailable as error:
                if attempt == attempts or not error.retriable:
                    raise
            delay = self.settings.mcp_retry_backoff_seconds * attempt
            await asyncio.sleep(delay * (0.5 + random.random() / 2))  # noqa: S311 - not a secret
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """End every session; a server that does not end by itself is killed."""
        sessions, self.sessions = list(self.sessions.values()), {}
        for session in sessions:
            session.over.set()
        tasks = [session.task for session in sessions]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSING_SECONDS)
            for task in late:
                task.cancel()

    async def _called(self, name: str, tool: str, arguments: Mapping[str, Any], key: str) -> str:
        server = self.servers[name]
        client = await self._client(name, server)
        seconds = _call_seconds(server, self.settings)
        meta: Any = {"io.kneo/idempotencyKey": key}
        try:
            async with asyncio.timeout(seconds):
                result = await client.call_tool(tool, dict(arguments), meta=meta)
        except TimeoutError:
            raise McpTimeout(f"The MCP server {name!r} did not answer within {seconds:g} seconds.") from None
        except Exception as error:
            await self._forget(name)
            raise _unavailable(name, error) from error
        text = _text(result)
        if len(text.encode()) > (limit := server.max_response_bytes or DEFAULT_RESPONSE_BYTES):
            raise McpToolFailed(f"The MCP server {name!r} answered with more than {limit} bytes.")
        if result.is_error:
            raise McpToolFailed(text or f"The tool {tool!r} of the MCP server {name!r} failed.")
        return text

    async def _client(self, name: str, server: McpServerPlan) -> "Client":
        session = self.sessions.get(name)
        if session is None:
            over: asyncio.Event = asyncio.Event()
            client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(self._serve(server, client, over))
            session = self.sessions[name] = _Session(task=task, client=client, over=over)
        seconds = self.settings.mcp_connect_timeout_seconds or DEFAULT_CONNECT_SECONDS
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(session.client)
        except TimeoutError:
            await self._forget(name)
            message = f"The MCP server {name!r} was not ready within {seconds:g} seconds."
            raise McpNotAvailable(message, retriable=True) from None
        except McpNotAvailable:
            await self._forget(name)
            raise
        except Exception as error:
            await self._forget(name)
            raise _unavailable(name, error) from error

    async def _serve(self, server: McpServerPlan, client: "asyncio.Future[Client]", over: asyncio.Event) -> None:
        try:
            async with _connected(server, self.settings) as connected:
                client.set_result(connected)
                await over.wait()
        except Exception as error:  # noqa: BLE001 - whoever waits for the session is told
            if not client.done():
                client.set_exception(error)

    async def _forget(self, name: str) -> None:
        session = self.sessions.pop(name, None)
        if session is None:
            return
        session.task.cancel()
        await asyncio.wait([session.task], timeout=CLOSING_SECONDS)
        if session.client.done() and not session.client.cancelled():
            session.client.exception()  # nobody else asks for it


@contextlib.asynccontextmanager
async def _connected(server: McpServerPlan, settings: AgentSettings) -> "AsyncIterator[Client]":
    """Connect to ``server``. The package takes a second to import, so it is left until it is needed."""
    from mcp import Client  # noqa: PLC0415

    async with _transport(server, settings) as transport, Client(transport, cache=None) as client:
        yield client


@contextlib.asynccontextmanager
async def _transport(server: McpServerPlan, settings: AgentSettings) -> AsyncIterator[Any]:
    from mcp.client.sse import sse_client  # noqa: PLC0415
    from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: PLC0415
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    if server.transport == "stdio":
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: ASYNC230, PTH123 - it never blocks
            command, env = _allowed(server.command or "", settings), _environment(server, settings)
            parameters = StdioServerParameters(command=command, args=list(server.args), env=env, cwd=server.cwd)
            yield stdio_client(parameters, errlog=nowhere)
        return
    url, headers, tls = _address(server.url or ""), _headers(server, settings), _tls(server, settings)
    if server.transport == "sse":
        yield sse_client(url, headers, httpx_client_factory=partial(_http, tls=tls))
        return
    async with _http(headers, httpx2.Timeout(_call_seconds(server, settings)), tls=tls) as http:
        yield streamable_http_client(url, http_client=http)


def _http(
    headers: dict[str, str] | None = None,
    timeout: httpx2.Timeout | None = None,
    auth: httpx2.Auth | None = None,
    *,
    tls: ssl.SSLContext | bool = True,
) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(headers=headers, timeout=timeout, auth=auth, verify=tls)


def _tls(server: McpServerPlan, settings: AgentSettings) -> ssl.SSLContext | bool:
    """Return whom to believe over TLS, and who to be there."""
    if not server.verify or not (server.ca_bundle or server.client_cert):
        return server.verify
    try:
        context = ssl.create_default_context(cafile=server.ca_bundle)
        if server.client_cert:
            with _client_key(server, settings) as key:
                context.load_cert_chain(server.client_cert, key)
    except (OSError, ssl.SSLError):
        raise McpNotAvailable("The certificates that this MCP server is to be asked with cannot be used.") from None
    return context


@contextlib.contextmanager
def _client_key(server: McpServerPlan, settings: AgentSettings) -> Iterator[str | None]:
    """Yield the file with the key: the spec's, the one that the secret names, or for a moment one with the secret."""
    if server.client_key_ref is None:
        yield server.client_key
        return
    secret = referenced_text(server.client_key_ref, settings)
    if not secret.startswith("-----BEGIN"):
        yield secret
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="ascii") as file:  # readable by its owner only
        file.write(f"{secret}\n")
        file.flush()
        yield file.name


def _call_seconds(server: McpServerPlan, settings: AgentSettings) -> float:
    return server.timeout_seconds or settings.mcp_timeout_seconds or DEFAULT_CALL_SECONDS


def _allowed(command: str, settings: AgentSettings) -> str:
    if command not in settings.mcp_commands:
        message = "The command of this MCP server is not one of KNEO_SERV_MCP_COMMANDS, which the operator lists."
        raise McpNotAvailable(message)
    return command


def _environment(server: McpServerPlan, settings: AgentSettings) -> dict[str, str]:
    """Return what a process is told beside its PATH and who it runs as: nothing of what this service knows."""
    return {**server.env, **{name: referenced_secret(ref, settings) for name, ref in server.env_refs.items()}}


def _headers(server: McpServerPlan, settings: AgentSettings) -> dict[str, str]:
    return {**server.headers, **{name: referenced_secret(ref, settings) for name, ref in server.header_refs.items()}}


def _address(url: str) -> str:
    if web_address(url) is None:
        raise McpNotAvailable("The address of an MCP server is an http or https URL without a user name or password.")
    return url


def _text(result: Any) -> str:  # noqa: ANN401 - the package's type is imported late
    """Return the answer as the model hears it: its texts, or its data as JSON; of anything else only what it is."""
    texts = [block.text for block in result.content if block.type == "text"]
    others = [f"[{block.type}]" for block in result.content if block.type != "text"]
    if result.structured_content is not None and not texts:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join([*texts, *others])


def _unavailable(name: str, error: BaseException) -> McpNotAvailable:
    """Return what went wrong on the way to the server, in a sentence; groups of errors show their first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, McpNotAvailable):
        return error
    if isinstance(error, OSError):
        return McpNotAvailable(f"The MCP server {name!r} cannot be started or reached.", retriable=True)
    why = str(error)[:MAX_MESSAGE_CHARS] or type(error).__name__
    return McpNotAvailable(f"The MCP server {name!r} cannot be asked: {why}", retriable=True)
