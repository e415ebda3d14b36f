"""A server of tools that speaks MCP, as a program: ``python -m tests.stubs.mcp_server TRANSPORT [PORT] [FILES]``."""

import asyncio
import os
import signal
import ssl
import sys
import time
from typing import Any

import uvicorn
from mcp import MCPError
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, ImageContent, TextContent

server = MCPServer("stub")
refused = asyncio.Event()


@server.tool()
def greet(name: str) -> str:
    """Say hello."""
    return f"hello {name}"


@server.tool(structured_output=False)
def fail(why: str) -> str:
    """Fail."""
    raise ToolError(why)


@server.tool()
def environment() -> dict[str, str]:
    """Tell the environment of this process."""
    return dict(os.environ)


@server.tool()
def meta(ctx: Context) -> dict[str, Any]:
    """Tell what came with the call."""
    request = ctx.request_context.request
    return {
        "meta": dict(ctx.request_context.meta or {}),
        "headers": dict(request.headers) if request is not None else {},
    }


@server.tool()
def slow() -> str:
    """Take half a minute."""
    time.sleep(30)
    return "at last"


@server.tool()
async def refuse(code: int) -> str:
    """Answer with an error of the protocol."""
    refused.set()
    raise MCPError(code, "not like this")


@server.tool()
async def late() -> str:
    """Answer some time after another call was refused."""
    await refused.wait()
    await asyncio.sleep(0.3)
    return f"after all, from {os.getpid()}"


@server.tool()
def die() -> str:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


@server.tool(structured_output=False)
def large(count: int) -> str:
    """Return a long text."""
    return "x" * count


@server.tool(structured_output=False)
def mixed() -> CallToolResult:
    """Return texts and a picture."""
    picture = ImageContent(type="image", data="aGk=", mime_type="image/png")
    return CallToolResult(content=[TextContent(type="text", text="one"), picture, TextContent(type="text", text="two")])


@server.tool()
def process() -> int:
    """Tell the number of this process."""
    return os.getpid()


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    elif sys.argv[1] == "tls":
        port, certificate, key, authority = sys.argv[2:]
        options: dict[str, Any] = {"ssl_certfile": certificate, "ssl_keyfile": key, "ssl_ca_certs": authority}
        wanted = ssl.CERT_REQUIRED
        uvicorn.run(server.streamable_http_app(), port=int(port), log_level="error", ssl_cert_reqs=wanted, **options)
    else:
        server.run(sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]))  # type: ignore[call-overload]
