"""Requests of tools that cannot be made as they are written."""

from typing import Any

import pytest

from tests.unit.specs.factories import document, found_in

CITY = {"type": "object", "properties": {"city": {"type": "string"}, "day": {"type": "string"}}, "required": ["city"]}
URL = "https://api.example.com"


def found(http: dict[str, Any], **agent: Any) -> list[tuple[str, str | None]]:
    """Return the diagnostics of a document with a tool that makes the request ``http``."""
    tool = {"description": "d", "parameters": CITY, "http": http}
    return found_in(document(agent={"name": "root", **agent}, tools={"t": tool}))


@pytest.mark.parametrize(
    ("http", "where"),
    [
        ({"url": f"{URL}/{{city}}"}, []),
        ({"url": URL, "query": {"q": "in {city}"}, "header_refs": {"X-Key": "KEY"}}, []),
        ({"url": "{city}", "allowed_domains": ["example.com"]}, []),
        ({"url": "https://{city}.example.com"}, ["url"]),
        ({"url": "ftp://example.com"}, ["url"]),
        ({"url": f"{URL}/{{ghost}}"}, ["url"]),
        ({"url": f"{URL}/{{day}}"}, ["url"]),
        ({"url": URL, "query": {"q": "{ghost}"}}, ["query.q"]),
        ({"url": "{city}"}, ["url"]),
        ({"url": "{city}", "allowed_domains": ["a.example"], "header_refs": {"X-Key": "KEY"}}, ["header_refs"]),
        ({"url": URL, "headers": {"Host": "other.example"}}, ["headers.Host"]),
        ({"url": URL, "headers": {"Bad Name": "x"}}, ["headers.Bad Name"]),
        ({"url": URL, "headers": {"X-A": "a\nb"}}, ["headers.X-A"]),
        ({"url": URL, "header_refs": {"content-length": "KEY"}}, ["header_refs.content-length"]),
        ({"url": URL, "headers": {"X-Key": "x"}, "header_refs": {"x-key": "KEY"}}, ["headers"]),
    ],
)
def test_a_request_has_a_fixed_host_known_arguments_and_headers_that_can_be_sent(
    http: dict[str, Any], where: list[str]
) -> None:
    assert found(http) == [("E_TOOL_HTTP", f"tools.t.http.{place}") for place in where]


@pytest.mark.parametrize(
    "parameters", [{"required": 5}, {"properties": True}, {"required": [["city"]]}, {"required": {}}]
)
def test_parameters_that_are_no_schema_are_told_with_what_needs_them(parameters: dict[str, Any]) -> None:
    tool = {"description": "d", "parameters": {**CITY, **parameters}, "http": {"url": f"{URL}/{{city}}"}}
    assert found_in(document(tools={"t": tool})) == [
        ("E_TOOL_PARAMETERS", "tools.t.parameters"),
        ("E_TOOL_HTTP", "tools.t.http.url"),
    ]


@pytest.mark.parametrize("http", [{"url": URL, "method": "TRACE"}, {"url": URL, "timeout_seconds": 0}, {}])
def test_what_the_schema_does_not_know_is_told_with_all_the_rest(http: dict[str, Any]) -> None:
    assert [code for code, _ in found(http)] == ["E_SCHEMA"]


def test_an_agent_without_network_has_no_tool_that_needs_it() -> None:
    tools = {"include": ["t"], "permissions": {"allow_network": False}}
    assert ("E_TOOL_HTTP", "agent.tools") in found({"url": URL}, tools=tools)
    assert ("E_TOOL_HTTP", "agent.tools") not in found({"url": URL}, tools={"include": ["t"]})
