"""The order of diagnostics is part of the contract: block by block, root first, then the order of the file."""

from tests.unit.specs.factories import document, found_in, step

AGENT = {
    "name": "root",
    "strategy": "react",
    "skills": ["ghost"],
    "tools": {"include": ["ghost"]},
    "runtime_preferences": {"preferred_mode": "native"},
    "memory": {"x": 1},
    "guardrails": {"input": [5]},
    "as_agent": "ghost",
}


def test_every_group_of_checks_reports_in_its_turn() -> None:
    data = document(
        agent=AGENT,
        workflow={"type": "graph", "start": "x", "nodes": {"a": step("b", ref="ghost")}, "edges": [], "max_steps": 0},
        components={
            "agents": {"z": {"name": "z", "skills": ["ghost"]}, "a": {"name": "a", "skills": ["ghost"]}},
            "functions": {"f": {"implementation": "os.system"}},
            "humans": {"h": {"response_role": "system"}},
            "workflows": {
                "w": {"type": "sequential", "steps": [step("s", "workflow", "w")]},
            },
        },
        tools={"t": {"description": "d"}, "m": {"description": "d", "mcp": {"x": 1}}},
        mcp_servers={"s": {"transport": "stdio"}},
    )

    assert [code for code, _ in found_in(data)] == [
        "W_GRAPH_NODE_ID_MISMATCH",
        "E_STEP_AGENT_REF",
        "E_GRAPH_START_UNKNOWN",
        "E_STEP_WORKFLOW_SELF_REF",
        "E_TOOL_REF",
        "E_SKILL_REF",
        "E_SKILL_REF",
        "E_SKILL_REF",
        "W_RUNTIME_NATIVE_PROVIDER",
        "E_GRAPH_MAX_STEPS",
        "E_GRAPH_START",
        "W_AGENT_MODEL",
        "E_UNSAFE_FUNCTION_IMPORT",
        "W_TOOL_POLICY_UNRESTRICTED",
        "W_HUMAN_APPROVAL_MISSING",
        "W_HUMAN_RESPONSE_ROLE_SYSTEM",
        "E_MEMORY_POLICY_REQUIRED",
        "E_GUARDRAIL_FIELDS",
        "E_TOOL_NO_BACKING",
        "E_AS_AGENT_FIELDS",
        "E_AS_AGENT_UNKNOWN_WORKFLOW",
        "E_MCP_MISSING_FIELD",
        "E_MCP_TOOL_NO_SERVER",
        "E_BUILD_CYCLE",
    ]


def test_component_agents_come_after_the_root_in_the_order_of_the_file() -> None:
    agents = {name: {"name": name, "skills": ["ghost"]} for name in ("z", "a")}
    data = document(agent={"name": "root", "skills": ["ghost"]}, components={"agents": agents})

    assert [path for _, path in found_in(data)] == [
        "agent.skills",
        "components.agents.z.skills",
        "components.agents.a.skills",
    ]
