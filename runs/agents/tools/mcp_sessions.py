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
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
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


# Answers of a server that lives and has understood who asks: no such method, no such tool or arguments.
REFUSALS = frozenset({-32601, -32602})


@dataclass(slots=True, eq=False)
class _Session:
    """A session in its task: ``client`` is there once it is connected, ``over`` ends it.

    One that failed a call is given to no further one, and ends with the last of the ``calls`` that use it.
    """

    task: "asyncio.Task[None]"
    client: "asyncio.Future[Client]"
    over: asyncio.Event
    calls: int = 0


@dataclass(slots=True)
class McpSessions:
    """The sessions of one step with the ``servers`` of its plan."""

    servers: Mapping[str, McpServerPlan]
    settings: AgentSettings
    sessions: dict[str, _Session] = field(default_factory=dict)
    retired: list[_Session] = field(default_factory=list)

    async def call(
        self, server: str, tool: str, arguments: Mapping[str, Any], *, key: str, may_repeat: bool = True
    ) -> str:
        """Return what the tool ``tool`` of ``server`` answers, as text; ``key`` is the call's idempotency key.

        Calls that fail on the way are repeated as often as the operator says, if they ``may_repeat``.

        Raises:
            McpToolFailed: the tool says that it failed, or the server that there is no such tool or takes no such
                arguments.
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
        sessions = [*self.sessions.values(), *self.retired]
        self.sessions, self.retired = {}, []
        for session in sessions:
            session.over.set()
        tasks = [session.task for session in sessions]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSING_SECONDS)
            for task in late:
                task.cancel()

    async def _called(self, name: str, tool: str, arguments: Mapping[str, Any], key: str) -> str:
        server = self.servers[name]
        session = self._session(name, server)
        session.calls += 1
        try:
            client = await self._client(name, session)
            result = await self._result(name, client.call_tool(tool, dict(arguments), meta=_meta(key)))
        except McpNotAvailable:
            self._retire(name, session)
            raise
        finally:
            session.calls -= 1
            if session in self.retired and not session.calls:
                await self._end(session)
        text = _text(result)
        if len(text.encode()) > (limit := server.max_response_bytes or DEFAULT_RESPONSE_BYTES):
            raise McpToolFailed(f"The MCP server {name!r} answered with more than {limit} bytes.")
        if result.is_error:
            raise McpToolFailed(text or f"The tool {tool!r} of the MCP server {name!r} failed.")
        return text

    async def _result(self, name: str, answer: Awaitable[Any]) -> Any:  # noqa: ANN401 - the package's type is imported late
        from mcp import MCPError  # noqa: PLC0415

        seconds = _call_seconds(self.servers[name], self.settings)
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise McpTimeout(f"The MCP server {name!r} did not answer within {seconds:g} seconds.") from None
        except Exception as error:
            if isinstance(error, MCPError) and error.code in REFUSALS:
                raise McpToolFailed(f"The MCP server {name!r} refused the call: {_short(error)}") from error
            raise _unavailable(name, error) from error

    def _session(self, name: str, server: McpServerPlan) -> _Session:
        session = self.sessions.get(name)
        if session is None:
            over: asyncio.Event = asyncio.Event()
            client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(self._serve(server, client, over))
            session = self.sessions[name] = _Session(task=task, client=client, over=over)
        return session

    async def _client(self, name: str, session: _Session) -> "Client":
        seconds = self.settings.mcp_connect_timeout_seconds or DEFAULT_CONNECT_SECONDS
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(session.client)
        except TimeoutError:
            message = f"The MCP server {name!r} was not ready within {seconds:g} seconds."
            raise McpNotAvailable(message, retriable=True) from None
        except McpNotAvailable:
            raise
        except Exception as error:
            raise _unavailable(name, error) from error

    async def _serve(self, server: McpServerPlan, client: "asyncio.Future[Client]", over: asyncio.Event) -> None:
        try:
            async with _connected(server, self.settings) as connected:
                client.set_result(connected)
                await over.wait()
        except Exception as error:  # noqa: BLE001 - whoever waits for the session is told
            if not client.done():
                client.set_exception(error)

    def _retire(self, name: str, session: _Session) -> None:
        """Let the next call have another session; calls beside the one that failed may still be answered."""
        if self.sessions.get(name) is session:
            del self.sessions[name]
            self.retired.append(session)

    async def _end(self, session: _Session) -> None:
        self.retired.remove(session)
        session.task.cancel()
        await asyncio.wait([session.task], timeout=CLOSING_SECONDS)
        if session.client.done() and not session.client.cancelled():
            session.client.exception()  # nobody else asks for it


def _meta(key: str) -> Any:  # noqa: ANN401 - the package's type is imported late
    return {"io.kneo/idempotencyKey": key}


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
    return McpNotAvailable(f"The MCP server {name!r} cannot be asked: {_short(error)}", retriable=True)


def _short(error: BaseException) -> str:
    return str(error)[:MAX_MESSAGE_CHARS] or type(error).__name__
