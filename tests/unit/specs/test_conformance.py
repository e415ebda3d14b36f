"""Every field of the language does something, is refused, or is on the short list of those that mean nothing."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from specs.language.checking import check
from specs.language.compiling import compile_plan
from specs.language.diagnostics import CompileError
from specs.language.schema import Spec

# What is accepted and means nothing here, as the language reference says.
MEANS_NOTHING = {
    "Spec.metadata": "free",
    "Spec.policies": "free; policies of environments are the operator's",
    "AgentSpec.history": "of the published library, never used by it",
    "AgentSpec.middleware": "of the published library, never used by it",
    "ConcurrentSpec.max_iterations": "each participant has one turn",
    "GroupChatSpec.max_iterations": "the rounds say how long it is",
    "McpServerSpec.message_url": "the server says it itself",
    "McpServerSpec.sse_read_timeout": "the timeout of a call counts",
    "RuntimePreferences.bridge_provider": "the bridge is the offline model",
    "SignalSpec.description": "for readers",
    "SkillSpec.description": "for readers; the skill has its own",
    "ToolSelection.exclude": "tools that are not included are not there; both is refused",
}
BASE: dict[str, Any] = {
    "version": "v1",
    "agent": {"name": "root"},
    "workflow": {
        "type": "graph",
        "name": "flow",
        "start": "a",
        "nodes": {
            "a": {"id": "a", "kind": "agent", "ref": "one"},
            "b": {"id": "b", "kind": "function", "ref": "f"},
            "c": {"id": "c", "kind": "human", "ref": "h"},
        },
        "edges": [
            {"from": "a", "to": "b", "condition": {"type": "output_contains", "value": "x"}},
            {"from": "a", "to": "c"},
        ],
    },
    "tools": {
        "t": {"description": "d", "implementation": "acme.f.g"},
        "u": {"description": "d", "mcp": {"server": "http"}},
        "w": {"description": "d", "http": {"url": "https://example.com"}},
    },
    "mcp_servers": {
        "stdio": {"transport": "stdio", "command": "x"},
        "http": {"transport": "http", "url": "https://example.com"},
        "sse": {"transport": "sse", "sse_url": "https://example.com"},
    },
    "components": {
        "agents": {
            "one": {
                "name": "one",
                "model": {"provider": "openai", "name": "m"},
                "strategy": {"type": "react"},
                "runtime_preferences": {"preferred_mode": "native", "native_provider": "openai"},
                "tools": {"include": ["t"], "permissions": {"allow_network": False}},
            },
            "two": {"name": "two"},
        },
        "functions": {"f": {"implementation": "acme.f.g"}},
        "humans": {"h": {"form": {"type": "object", "properties": {"k": {"type": "string"}}}}},
        "waits": {"w": {"seconds": 5}},
        "signals": {"s": {}},
        "workflows": {
            "seq": {"type": "sequential", "steps": [{"id": "a", "kind": "agent", "ref": "one"}]},
            "all": {"type": "concurrent", "participants": [{"id": "a", "kind": "agent", "ref": "one"}]},
            "hand": {"type": "handoff", "participants": [{"id": "a", "kind": "agent", "ref": "one"}]},
            "chat": {"type": "group-chat", "participants": [{"id": "a", "kind": "agent", "ref": "one"}]},
            "each": {"type": "map", "step": {"id": "a", "kind": "agent", "ref": "one"}},
        },
    },
}
ONE, NODE, EDGE = "components.agents.one", "workflow.nodes.a", "workflow.edges.0"
WAYS = "components.workflows"
TWO_TURNS = [{"id": "a", "kind": "agent", "ref": "one"}, {"id": "b", "kind": "agent", "ref": "two"}]
OBJECT = {"type": "object"}
# Field -> where it is in BASE, and another value for it.
OTHERWISE: dict[str, tuple[str, Any]] = {
    "Spec.version": ("version", "v9"),
    "Spec.metadata": ("metadata", {"team": "a"}),
    "Spec.agent": ("agent", {"name": "other"}),
    "Spec.workflow": ("workflow", None),
    "Spec.components": ("components.agents.three", {"name": "three"}),
    "Spec.tools": ("tools.v", {"description": "d", "implementation": "acme.f.g"}),
    "Spec.mcp_servers": ("mcp_servers.more", {"transport": "stdio", "command": "y"}),
    "Spec.skills": ("skills.k", {"source": "../k"}),
    "Spec.policies": ("policies", {"level": 1}),
    "AgentSpec.name": (f"{ONE}.name", "other"),
    "AgentSpec.description": (f"{ONE}.description", "other"),
    "AgentSpec.system_prompt": (f"{ONE}.system_prompt", "Be brief."),
    "AgentSpec.model": (f"{ONE}.model", None),
    "AgentSpec.strategy": (f"{ONE}.strategy", "plan-act"),
    "AgentSpec.runtime_preferences": (f"{ONE}.runtime_preferences", None),
    "AgentSpec.history": (f"{ONE}.history", {"max": 3}),
    "AgentSpec.memory": (f"{ONE}.memory", {"policy": "sliding_window", "max_messages": 3}),
    "AgentSpec.guardrails": (
        f"{ONE}.guardrails",
        {"input": [{"id": "g", "type": "keyword", "config": {"keywords": ["x"]}}]},
    ),
    "AgentSpec.tools": (f"{ONE}.tools", None),
    "AgentSpec.skills": (f"{ONE}.skills", ["ghost"]),
    "AgentSpec.middleware": (f"{ONE}.middleware", ["m"]),
    "AgentSpec.defaults": (f"{ONE}.defaults", {"append_mode": "never"}),
    "AgentSpec.as_agent": ("components.agents.two.as_agent", "seq"),
    "ModelSpec.provider": (f"{ONE}.model.provider", "anthropic"),
    "ModelSpec.name": (f"{ONE}.model.name", "other"),
    "ModelSpec.temperature": (f"{ONE}.model.temperature", 0.5),
    "ModelSpec.max_tokens": (f"{ONE}.model.max_tokens", 5),
    "ModelSpec.token_budget": (f"{ONE}.model.token_budget", 5),
    "ModelSpec.timeout_seconds": (f"{ONE}.model.timeout_seconds", 5),
    "ModelSpec.extra": (f"{ONE}.model.extra", {"top_p": 1}),
    "StrategySpec.type": (f"{ONE}.strategy.type", "simple"),
    "StrategySpec.max_iterations": (f"{ONE}.strategy.max_iterations", 3),
    "StrategySpec.stop_on_tool_error": (f"{ONE}.strategy.stop_on_tool_error", True),
    "StrategySpec.parallel_tool_calls": (f"{ONE}.strategy.parallel_tool_calls", False),
    "RuntimePreferences.preferred_mode": (f"{ONE}.runtime_preferences.preferred_mode", "bridge"),
    "RuntimePreferences.allowed_modes": (f"{ONE}.runtime_preferences.allowed_modes", ["bridge"]),
    "RuntimePreferences.fallback_mode": (f"{ONE}.runtime_preferences.fallback_mode", "bridge"),
    "RuntimePreferences.native_provider": (f"{ONE}.runtime_preferences.native_provider", "anthropic"),
    "RuntimePreferences.adapter_ref": (f"{ONE}.runtime_preferences", {"preferred_mode": "adapter", "adapter_ref": "x"}),
    "RuntimePreferences.bridge_provider": (f"{ONE}.runtime_preferences.bridge_provider", "x"),
    "ToolSelection.include": (f"{ONE}.tools.include", []),
    "ToolSelection.exclude": (f"{ONE}.tools.exclude", ["u"]),
    "ToolSelection.permissions": (f"{ONE}.tools.permissions", None),
    "ToolPermissions.allow_network": (f"{ONE}.tools.permissions.allow_network", True),
    "ToolPermissions.allow_filesystem_read": (f"{ONE}.tools.permissions.allow_filesystem_read", True),
    "ToolPermissions.allow_filesystem_write": (f"{ONE}.tools.permissions.allow_filesystem_write", True),
    "ToolPermissions.allow_shell": (f"{ONE}.tools.permissions.allow_shell", True),
    "ToolPermissions.allowed_domains": (f"{ONE}.tools.permissions.allowed_domains", ["example.com"]),
    "ToolPermissions.denied_domains": (f"{ONE}.tools.permissions.denied_domains", ["example.com"]),
    "ToolSpec.description": ("tools.t.description", "other"),
    "ToolSpec.parameters": ("tools.t.parameters", {"type": "object", "required": ["x"]}),
    "ToolSpec.implementation": ("tools.t.implementation", "acme.f.h"),
    "ToolSpec.mcp": ("tools.u.mcp", {"server": "stdio"}),
    "ToolSpec.agent": ("tools.t", {"description": "d", "agent": "two"}),
    "ToolSpec.http": ("tools.w.http", {"url": "https://example.org"}),
    "HttpToolSpec.method": ("tools.w.http.method", "DELETE"),
    "HttpToolSpec.url": ("tools.w.http.url", "https://example.org"),
    "HttpToolSpec.query": ("tools.w.http.query", {"a": "b"}),
    "HttpToolSpec.headers": ("tools.w.http.headers", {"X-A": "b"}),
    "HttpToolSpec.header_refs": ("tools.w.http.header_refs", {"X-A": "OPENAI_API_KEY"}),
    "HttpToolSpec.allowed_domains": ("tools.w.http.allowed_domains", ["example.org"]),
    "HttpToolSpec.timeout_seconds": ("tools.w.http.timeout_seconds", 5),
    "HttpToolSpec.max_response_bytes": ("tools.w.http.max_response_bytes", 5),
    "ToolSpec.retry_unsafe": ("tools.t.retry_unsafe", True),
    "ToolSpec.approval": ("tools.t.approval", "always"),
    "ToolSpec.approver": ("tools.t.approver", "h"),
    "ToolSpec.edit_arguments": ("tools.t.edit_arguments", True),
    "McpServerSpec.transport": ("mcp_servers.stdio.transport", "http"),
    "McpServerSpec.command": ("mcp_servers.stdio.command", "y"),
    "McpServerSpec.args": ("mcp_servers.stdio.args", ["y"]),
    "McpServerSpec.env": ("mcp_servers.stdio.env", {"A": "b"}),
    "McpServerSpec.env_refs": ("mcp_servers.stdio.env_refs", {"A": "B"}),
    "McpServerSpec.cwd": ("mcp_servers.stdio.cwd", "data"),
    "McpServerSpec.url": ("mcp_servers.http.url", "https://example.org"),
    "McpServerSpec.sse_url": ("mcp_servers.sse.sse_url", "https://example.org"),
    "McpServerSpec.message_url": ("mcp_servers.sse.message_url", "https://example.org"),
    "McpServerSpec.headers": ("mcp_servers.http.headers", {"A": "b"}),
    "McpServerSpec.header_refs": ("mcp_servers.http.header_refs", {"A": "B"}),
    "McpServerSpec.timeout": ("mcp_servers.http.timeout", 5),
    "McpServerSpec.max_response_bytes": ("mcp_servers.http.max_response_bytes", 5),
    "McpServerSpec.sse_read_timeout": ("mcp_servers.sse.sse_read_timeout", 5),
    "McpServerSpec.verify": ("mcp_servers.http.verify", False),
    "McpServerSpec.ca_bundle": ("mcp_servers.http.ca_bundle", "ca.pem"),
    "McpServerSpec.client_cert": ("mcp_servers.http.client_cert", "me.pem"),
    "McpServerSpec.client_key": ("mcp_servers.http.client_key", "me.key"),
    "McpServerSpec.client_key_ref": ("mcp_servers.http.client_key_ref", "KEY"),
    "SkillSpec.source": ("skills.k", {"source": "../k"}),
    "SkillSpec.description": ("skills.k", {"source": "k", "description": "d"}),
    "Components.agents": ("components.agents.three", {"name": "three"}),
    "Components.workflows": ("components.workflows.more", {"type": "sequential", "steps": TWO_TURNS}),
    "Components.functions": ("components.functions.more", {"implementation": "acme.f.g"}),
    "Components.humans": ("components.humans.more", {}),
    "Components.waits": ("components.waits.more", {"seconds": 1}),
    "Components.signals": ("components.signals.more", {}),
    "FunctionSpec.implementation": ("components.functions.f.implementation", "acme.f.h"),
    "FunctionSpec.sets": ("components.functions.f.sets", {"v": "k"}),
    "FunctionSpec.input_schema": ("components.functions.f.input_schema", OBJECT),
    "FunctionSpec.output_schema": ("components.functions.f.output_schema", OBJECT),
    "HumanSpec.description": ("components.humans.h.description", "Go?"),
    "HumanSpec.approvals": ("components.humans.h.approvals", 2),
    "HumanSpec.exclude_requester": ("components.humans.h.exclude_requester", True),
    "HumanSpec.assignee": ("components.humans.h.assignee", "ceo"),
    "HumanSpec.timeout_seconds": ("components.humans.h.timeout_seconds", 5),
    "HumanSpec.on_timeout": ("components.humans.h.on_timeout", "continue"),
    "HumanSpec.on_reject": ("components.humans.h.on_reject", "fail"),
    "HumanSpec.request_type": ("components.humans.h.request_type", "review"),
    "HumanSpec.options": ("components.humans.h.options", ["a"]),
    "HumanSpec.default_option": ("components.humans.h.default_option", "a"),
    "HumanSpec.context": ("components.humans.h.context", {"a": 1}),
    "HumanSpec.response_role": ("components.humans.h.response_role", "user"),
    "HumanSpec.form": ("components.humans.h.form", None),
    "HumanSpec.sets": ("components.humans.h.sets", {"v": "k"}),
    "WaitSpec.seconds": ("components.waits.w.seconds", 6),
    "WaitSpec.until": ("components.waits.w", {"until": "2030-01-01T00:00:00Z"}),
    "SignalSpec.description": ("components.signals.s.description", "paid"),
    "SignalSpec.payload_schema": ("components.signals.s.payload_schema", OBJECT),
    "SignalSpec.sets": ("components.signals.s.sets", {"v": "k"}),
    "StepSpec.id": (f"{WAYS}.seq.steps.0.id", "z"),
    "StepSpec.kind": (f"{WAYS}.seq.steps.0", {"id": "a", "kind": "function", "ref": "f"}),
    "StepSpec.ref": (f"{WAYS}.seq.steps.0.ref", "two"),
    "StepSpec.enabled": (f"{NODE}.enabled", False),
    "StepSpec.on_error": (f"{NODE}.on_error", "continue"),
    "StepSpec.fallback_ref": (f"{NODE}.fallback_ref", "b"),
    "StepSpec.max_retries": (f"{NODE}.max_retries", 2),
    "StepSpec.timeout_seconds": (f"{NODE}.timeout_seconds", 2),
    "SequentialSpec.name": (f"{WAYS}.seq.name", "other"),
    "SequentialSpec.description": (f"{WAYS}.seq.description", "other"),
    "SequentialSpec.type": (f"{WAYS}.seq.type", "graph"),
    "SequentialSpec.steps": (f"{WAYS}.seq.steps", TWO_TURNS),
    "ConcurrentSpec.name": (f"{WAYS}.all.name", "other"),
    "ConcurrentSpec.description": (f"{WAYS}.all.description", "other"),
    "ConcurrentSpec.type": (f"{WAYS}.all.type", "handoff"),
    "ConcurrentSpec.participants": (f"{WAYS}.all.participants", TWO_TURNS),
    "ConcurrentSpec.max_iterations": (f"{WAYS}.all.max_iterations", 1),
    "ConcurrentSpec.max_parallel": (f"{WAYS}.all.max_parallel", 1),
    "HandoffSpec.name": (f"{WAYS}.hand.name", "other"),
    "HandoffSpec.description": (f"{WAYS}.hand.description", "other"),
    "HandoffSpec.type": (f"{WAYS}.hand.type", "concurrent"),
    "HandoffSpec.participants": (f"{WAYS}.hand.participants", TWO_TURNS),
    "HandoffSpec.max_iterations": (f"{WAYS}.hand", {"type": "handoff", "participants": TWO_TURNS, "max_iterations": 1}),
    "HandoffSpec.selector": (f"{WAYS}.hand.selector", {"type": "sequence", "sequence": ["a", "a"]}),
    "SelectorSpec.type": (
        f"{WAYS}.hand",
        {"type": "handoff", "participants": TWO_TURNS, "selector": {"type": "round_robin", "sequence": ["b"]}},
    ),
    "SelectorSpec.sequence": (f"{WAYS}.hand.selector", {"sequence": ["a", "a"]}),
    "GroupChatSpec.name": (f"{WAYS}.chat.name", "other"),
    "GroupChatSpec.description": (f"{WAYS}.chat.description", "other"),
    "GroupChatSpec.type": (f"{WAYS}.chat.type", "concurrent"),
    "GroupChatSpec.participants": (f"{WAYS}.chat.participants", TWO_TURNS),
    "GroupChatSpec.max_iterations": (f"{WAYS}.chat.max_iterations", 1),
    "GroupChatSpec.rounds": (f"{WAYS}.chat.rounds", 2),
    "MapSpec.name": (f"{WAYS}.each.name", "other"),
    "MapSpec.description": (f"{WAYS}.each.description", "other"),
    "MapSpec.type": (f"{WAYS}.each.type", "concurrent"),
    "MapSpec.step": (f"{WAYS}.each.step.ref", "two"),
    "MapSpec.max_parallel": (f"{WAYS}.each.max_parallel", 1),
    "GraphSpec.name": ("workflow.name", "other"),
    "GraphSpec.description": ("workflow.description", "other"),
    "GraphSpec.type": ("workflow.type", "sequential"),
    "GraphSpec.start": ("workflow.start", "b"),
    "GraphSpec.nodes": ("workflow.nodes.d", {"id": "d", "kind": "agent", "ref": "one"}),
    "GraphSpec.edges": ("workflow.edges", []),
    "GraphSpec.max_steps": ("workflow.max_steps", 3),
    "EdgeSpec.from": (f"{EDGE}.from", "c"),
    "EdgeSpec.to": (f"{EDGE}.to", "c"),
    "EdgeSpec.condition": (f"{EDGE}.condition", None),
    "EdgeSpec.label": (f"{EDGE}.label", "yes"),
    "ConditionSpec.type": (f"{EDGE}.condition.type", "output_equals"),
    "ConditionSpec.value": (f"{EDGE}.condition.value", "y"),
    "ConditionSpec.key": (f"{EDGE}.condition", {"type": "variable_equals", "key": "k", "value": "x"}),
    "ConditionSpec.case_sensitive": (f"{EDGE}.condition.case_sensitive", True),
    "ConditionSpec.conditions": (f"{EDGE}.condition", {"type": "all_of", "conditions": [{"type": "never"}]}),
    "ConditionSpec.condition": (f"{EDGE}.condition", {"type": "not", "condition": {"type": "never"}}),
}


def fields() -> set[str]:
    """Return every field of every block, as ``Block.field``."""
    schema = Spec.model_json_schema(by_alias=True)
    blocks = {"Spec": schema, **{name: block for name, block in schema["$defs"].items() if "properties" in block}}
    return {f"{name}.{field}" for name, block in blocks.items() for field in block["properties"]}


def outcome(document: Mapping[str, Any]) -> object:
    """Return what becomes of ``document``: its plan with what there is to remark, or why it is refused."""
    remarks = [(each.code, each.path) for each in check(dict(document))]
    try:
        return remarks, compile_plan(document)
    except CompileError as error:
        return remarks, [(each.code, each.path) for each in error.diagnostics]


def changed(path: str, value: object) -> dict[str, Any]:
    """Return BASE with ``value`` at ``path``."""
    document = copy.deepcopy(BASE)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = document
    for part in way:
        place = place[part] if isinstance(part, int) else place.setdefault(part, {})
    place[last] = value
    return document


def test_every_field_of_the_language_is_looked_at() -> None:
    assert fields() == set(OTHERWISE)
    assert set(MEANS_NOTHING) <= set(OTHERWISE)


@pytest.mark.parametrize("field", sorted(OTHERWISE))
def test_a_field_does_something_or_is_known_to_mean_nothing(field: str) -> None:
    path, value = OTHERWISE[field]
    before = outcome(BASE if not field.startswith("SkillSpec.d") else changed("skills.k", {"source": "k"}))
    does_something = outcome(changed(path, value)) != before
    assert does_something == (field not in MEANS_NOTHING)
