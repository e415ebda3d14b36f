"""Tools, humans, MCP servers, and components that need each other."""

from typing import Any

import pytest

from tests.unit.specs.factories import document, found_in, step

ONE = {"agents": {"one": {"name": "one"}}}


def tool(**fields: Any) -> dict[str, Any]:
    servers = {"web": {"transport": "http", "url": "https://mcp.example"}}
    return document(tools={"t": {"description": "d", **fields}}, components=ONE, mcp_servers=servers)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, [("E_TOOL_NO_BACKING", "tools.t")]),
        ({"mcp": {}, "agent": ""}, [("E_TOOL_NO_BACKING", "tools.t")]),
        ({"implementation": "a.b", "agent": "one"}, [("E_TOOL_MULTIPLE_BACKINGS", "tools.t")]),
        ({"agent": "ghost"}, [("E_AGENT_TOOL_UNKNOWN_AGENT", "tools.t.agent")]),
        ({"agent": "one", "parameters": {"a": 1}}, [("W_AGENT_TOOL_PARAMETERS_IGNORED", "tools.t.parameters")]),
        ({"mcp": {"name": "x"}}, [("E_MCP_TOOL_NO_SERVER", "tools.t.mcp")]),
        ({"mcp": {"server": "ghost"}}, [("E_MCP_UNKNOWN_SERVER", "tools.t.mcp.server")]),
        ({"mcp": {"server": ["web"]}}, [("E_MCP_UNKNOWN_SERVER", "tools.t.mcp.server")]),
        ({"mcp": {"server": "web"}}, []),
    ],
)
def test_exactly_one_thing_that_exists_stands_behind_a_tool(fields: dict[str, Any], found: list[Any]) -> None:
    assert found_in(tool(**fields)) == found


@pytest.mark.parametrize(
    ("human", "found"),
    [
        ({"default_option": "x"}, [("E_HUMAN_DEFAULT_OPTION_NOT_IN_OPTIONS", ".default_option")]),
        ({"request_type": "selection", "options": []}, [("E_HUMAN_SELECTION_REQUIRES_OPTIONS", ".options")]),
        ({"response_role": "system"}, [("W_HUMAN_RESPONSE_ROLE_SYSTEM", ".response_role")]),
        ({"options": ["x"], "default_option": "x", "request_type": "selection", "on_reject": "fail"}, []),
    ],
)
def test_a_question_fits_its_answers(human: object, found: list[tuple[str, str]]) -> None:
    expected = [(code, f"components.humans.h{path}") for code, path in found]

    assert found_in(document(components={"humans": {"h": human}})) == expected


@pytest.mark.parametrize(
    ("server", "found"),
    [
        ({"transport": "stdio"}, [("E_MCP_MISSING_FIELD", ".command")]),
        ({"transport": "http", "url": ""}, [("E_MCP_MISSING_FIELD", ".url")]),
        ({"transport": "sse", "url": "u"}, [("E_MCP_MISSING_FIELD", ".sse_url")]),
        ({"transport": "sse", "sse_url": "u", "verify": False}, [("W_MCP_TLS_VERIFY_DISABLED", ".verify")]),
        ({"transport": "stdio", "command": "c", "verify": False}, []),
    ],
)
def test_a_server_has_what_its_transport_needs(server: object, found: list[tuple[str, str]]) -> None:
    expected = [(code, f"mcp_servers.m{path}") for code, path in found]

    assert found_in(document(mcp_servers={"m": server})) == expected


def test_agents_tools_and_workflows_must_not_need_each_other_in_a_circle() -> None:
    components = {
        "agents": {
            "a": {"name": "a", "tools": {"include": ["t"], "permissions": {}}},
            "b": {"name": "b", "as_agent": "w"},
        },
        "workflows": {"w": {"type": "sequential", "steps": [step(ref="a")]}},
    }
    tools = {"t": {"description": "d", "agent": "b"}}

    assert found_in(document(components=components, tools=tools)) == [("E_BUILD_CYCLE", "components")]


def test_a_disabled_step_closes_no_circle() -> None:
    loop = {"type": "sequential", "steps": [step("s", "workflow", "other", enabled=False), step("t")]}
    other = {"type": "sequential", "steps": [step("s", "workflow", "loop")]}

    assert found_in(document(components={**ONE, "workflows": {"loop": loop, "other": other}})) == []
