"""Tools that make a request themselves: an address that only the spec chooses, and headers that can be sent."""

import re
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.components import HttpToolSpec, ToolSpec
from specs.language.web_addresses import places_in, problems_of, whole_place

HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# These say where a request goes and where it ends, which is not for headers to change.
RESERVED = frozenset({"connection", "content-length", "content-type", "host", "idempotency-key", "transfer-encoding"})


def http_tool_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what keeps the requests of ``http`` tools from being made."""
    for name, tool in spec.tools.items():
        if tool.http is None:
            continue
        for field, problem in (*_address(tool, tool.http), *_headers(tool.http)):
            at: Location = ("tools", name, "http", *field)
            yield Finding("E_TOOL_HTTP", at, f"The request of tool {name!r} {problem}.")
    for at, agent in spec.located_agents():
        permissions = agent.tools.permissions if agent.tools else None
        if agent.tools is None or permissions is None or permissions.allow_network is not False:
            continue
        for name in agent.tools.include:
            if name in spec.tools and spec.tools[name].http:
                message = f"Agent {agent.name!r} has the tool {name!r}, which needs the network, and may not use it."
                yield Finding("E_TOOL_HTTP", (*at, "tools"), message)


def _address(tool: ToolSpec, http: HttpToolSpec) -> Iterator[tuple[Location, str]]:
    yield from ((("url",), problem) for problem in problems_of(http.url))
    declared, required = tool.parameters.get("properties"), tool.parameters.get("required")
    places = {*declared} & {*required} if isinstance(declared, Mapping) and _are_texts(required) else set()
    for field, template in (("url", http.url), *((f"query.{key}", value) for key, value in http.query.items())):
        for place in places_in(template):
            if place not in places:
                yield (
                    tuple(field.split(".", 1)),
                    f"needs the argument {place!r}, which parameters must declare and require",
                )
    if whole_place(http.url) and not http.allowed_domains:
        yield ("url",), "may go wherever its argument says; list allowed_domains"
    if whole_place(http.url) and http.header_refs:
        yield ("header_refs",), "would send a secret wherever its argument says; write the host into url"


def _are_texts(value: object) -> TypeGuard[list[str]]:
    """Whether it is a list of texts; if not, the check of the parameters says so."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _headers(http: HttpToolSpec) -> Iterator[tuple[Location, str]]:
    for block, headers in (("headers", http.headers), ("header_refs", http.header_refs)):
        for name, value in headers.items():
            if not HEADER.fullmatch(name) or not (value.isascii() and value.isprintable()):
                yield (block, name), f"has a header {name!r} that cannot be sent"
            elif name.lower() in RESERVED:
                yield (block, name), f"may not set the header {name!r}"
    for name in sorted({*map(str.lower, http.headers)} & {*map(str.lower, http.header_refs)}):
        yield ("headers",), f"has the header {name!r} twice"
