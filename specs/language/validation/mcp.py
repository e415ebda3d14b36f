"""MCP servers and the tools they serve."""

from collections.abc import Iterator

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.suggesting import did_you_mean

REQUIRED = {"stdio": "command", "http": "url", "sse": "sse_url"}


def mcp_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what is wrong with the servers, then with the tools that name one."""
    yield from _servers(spec)
    for name, tool in spec.tools.items():
        if not tool.mcp:
            continue
        at: Location = ("tools", name, "mcp")
        server = tool.mcp.get("server")
        if not server:
            yield Finding("E_MCP_TOOL_NO_SERVER", at, f"The MCP tool {name!r} does not name its `server`.")
        elif not isinstance(server, str) or server not in spec.mcp_servers:
            message = f"The MCP tool {name!r} names a server that is not declared."
            hint = did_you_mean(server, spec.mcp_servers, otherwise="Declare it under mcp_servers.")
            yield Finding("E_MCP_UNKNOWN_SERVER", (*at, "server"), message, hint)


def _servers(spec: Spec) -> Iterator[Finding]:
    for name, server in spec.mcp_servers.items():
        at: Location = ("mcp_servers", name)
        field = REQUIRED[server.transport]
        if not getattr(server, field):
            message = f"The MCP server {name!r} speaks {server.transport} and needs `{field}`."
            yield Finding("E_MCP_MISSING_FIELD", (*at, field), message)
        if server.transport != "stdio" and server.verify is False:
            message = f"The certificate of the MCP server {name!r} is not verified."
            yield Finding("W_MCP_TLS_VERIFY_DISABLED", (*at, "verify"), message)
