"""From the blocks of a spec that are about agents to their plans."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from specs.language.agent_plan import (
    AgentPlan,
    AppendMode,
    Approval,
    GuardrailAction,
    GuardrailPlan,
    GuardrailType,
    HttpToolPlan,
    McpServerPlan,
    MemoryPlan,
    MemoryPolicy,
    ModelPlan,
    RuntimePlan,
    Stage,
    StrategyPlan,
    ToolPlan,
)
from specs.language.schema.agents import AgentSpec, ModelSpec, RuntimePreferences, StrategySpec, ToolPermissions
from specs.language.schema.components import HttpToolSpec, McpServerSpec, ToolSpec

AGENT_TOOL_PARAMETERS = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
ASKING = (GuardrailAction.ESCALATE, GuardrailAction.HUMAN_REVIEW)
MCP_TOOL_PARAMETERS = {"type": "object"}


# A name may say in brackets with what it is to be used, which is for those who enforce that: Bash(git:*).
TOOL_NAMES = re.compile(r"([^\s,()]+)(?:\([^)]*\))?")

type Skills = Mapping[str, Mapping[str, Any]]
"""Name -> the stored form of a skill."""

NO_SKILLS: Skills = MappingProxyType({})


def compile_agent(agent: AgentSpec, skills: Skills) -> AgentPlan:
    """Return the plan of ``agent``, in which no check has found an error, with what its skills add.

    Their instructions follow its system prompt; their defaults count where the spec says nothing, and their allowed
    tools are a bound.
    """
    tools = agent.tools
    own = [skills[name] for name in dict.fromkeys(agent.skills) if name in skills]
    defaults = {name: value for skill in own for name, value in skill["defaults"].items()}
    permissions = tools.permissions if tools else None
    return AgentPlan(
        name=agent.name,
        description=agent.description,
        system_prompt=_prompt(agent.system_prompt, own),
        model=_model(agent.model, defaults) if agent.model else None,
        strategy=_strategy(agent.strategy, defaults),
        runtime=_runtime(agent.runtime_preferences) if agent.runtime_preferences else RuntimePlan(),
        as_agent=agent.as_agent or None,
        tools=tuple(_usable(tools.include, own)) if tools else (),
        allowed_domains=tuple(permissions.allowed_domains) if permissions else (),
        denied_domains=tuple(permissions.denied_domains) if permissions else (),
        memory=_memory(agent.memory) if agent.memory else MemoryPlan(),
        guardrails={stage: tuple(_guardrails(agent, stage)) for stage in Stage if (agent.guardrails or {}).get(stage)},
        append_mode=_append_mode(agent.defaults.get("append_mode")),
        is_privileged=permissions is not None and _is_privileged(permissions),
    )


def may_ask_people(agents: Iterable[AgentPlan], tools: Iterable[ToolPlan]) -> bool:
    """Return whether a guardrail of ``agents`` or a call of ``tools`` may be put to a person."""
    stages = (stage for agent in agents for stage in agent.guardrails.values())
    by_guardrails = any(guardrail.action in ASKING for stage in stages for guardrail in stage)
    return by_guardrails or any(tool.approval is not Approval.NEVER for tool in tools)


def _is_privileged(permissions: ToolPermissions) -> bool:
    reaches_any_host = bool(permissions.allow_network) and not permissions.allowed_domains
    return bool(permissions.allow_shell or permissions.allow_filesystem_write or reaches_any_host)


def compile_tool(name: str, tool: ToolSpec) -> ToolPlan:
    """Return the plan of the tool ``name``. The arguments of agents are fixed; those of MCP tools are an object."""
    named: dict[str, Any] = {"name": name, "description": tool.description, "retry_unsafe": tool.retry_unsafe}
    named |= {"approval": Approval(tool.approval), "approver": tool.approver, "edit_arguments": tool.edit_arguments}
    if tool.agent:
        return ToolPlan(**named, parameters=AGENT_TOOL_PARAMETERS, agent=tool.agent)
    if tool.http:
        return ToolPlan(**named, parameters=tool.parameters, http=_http(tool.http))
    if tool.mcp:
        return ToolPlan(
            **named,
            parameters=tool.parameters or MCP_TOOL_PARAMETERS,
            mcp_server=tool.mcp["server"],
            remote_name=tool.mcp.get("name") or name,
        )
    return ToolPlan(**named, parameters=tool.parameters, implementation=tool.implementation)


def _http(http: HttpToolSpec) -> HttpToolPlan:
    return HttpToolPlan(**http.model_dump() | {"allowed_domains": tuple(http.allowed_domains)})


def compile_mcp_server(server: McpServerSpec) -> McpServerPlan:
    """Return the plan of ``server``."""
    return McpServerPlan(
        transport=server.transport,
        command=server.command,
        args=tuple(server.args),
        env=server.env or {},
        cwd=server.cwd,
        url=server.sse_url if server.transport == "sse" else server.url,
        headers=server.headers or {},
        env_refs=server.env_refs or {},
        header_refs=server.header_refs or {},
        timeout_seconds=server.timeout,
        max_response_bytes=server.max_response_bytes,
        verify=server.verify is not False,
        ca_bundle=server.ca_bundle,
        client_cert=server.client_cert,
        client_key=server.client_key,
        client_key_ref=server.client_key_ref,
    )


def _append_mode(mode: object) -> AppendMode:
    """Return the append mode; one that is not known keeps nothing, as a warning says."""
    if mode is None:
        return AppendMode.AUTO
    return next((known for known in AppendMode if known == mode), AppendMode.NEVER)


def _usable(tools: Iterable[str], skills: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield those of ``tools`` that the ``allowed-tools`` of the skills let an agent use; all, when none has such."""
    named = [skill["allowed_tools"] for skill in skills if skill.get("allowed_tools")]
    allowed = {name for names in named for name in TOOL_NAMES.findall(names)}
    yield from (tool for tool in dict.fromkeys(tools) if not named or tool in allowed)


def _prompt(system_prompt: str | None, skills: Sequence[Mapping[str, Any]]) -> str | None:
    parts = [system_prompt, *(skill["instructions"] for skill in skills)]
    return "\n\n".join(part for part in parts if part) or system_prompt


def _model(model: ModelSpec, defaults: Mapping[str, Any]) -> ModelPlan:
    return ModelPlan(
        provider=model.provider,
        name=model.name,
        temperature=_number(defaults.get("temperature")) if model.temperature is None else model.temperature,
        max_tokens=model.max_tokens,
        token_budget=model.token_budget,
        timeout_seconds=model.timeout_seconds if model.timeout_seconds and model.timeout_seconds > 0 else None,
        extra=model.extra,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _strategy(strategy: StrategySpec | None, defaults: Mapping[str, Any]) -> StrategyPlan:
    turns = _number(defaults.get("max_iterations"))
    by_default = int(turns) if turns and turns >= 1 else None
    if strategy is None:
        return StrategyPlan(max_iterations=by_default)
    return StrategyPlan(
        type=strategy.type,
        is_declared=True,
        max_iterations=by_default if strategy.max_iterations is None else strategy.max_iterations,
        stop_on_tool_error=bool(strategy.stop_on_tool_error),
        parallel_tool_calls=strategy.parallel_tool_calls,
    )


def _runtime(preferences: RuntimePreferences) -> RuntimePlan:
    return RuntimePlan(
        preferred_mode=preferences.preferred_mode or "bridge",
        fallback_mode=preferences.fallback_mode,
        native_provider=preferences.native_provider,
    )


def _memory(memory: Mapping[str, Any]) -> MemoryPlan:
    helper = memory.get("summarizer") or memory.get("retriever") or {}
    default = MemoryPlan()
    return MemoryPlan(
        policy=MemoryPolicy(memory["policy"]),
        max_messages=memory.get("max_messages", default.max_messages),
        preserve_system_messages=memory.get("preserve_system_messages", default.preserve_system_messages),
        ref=helper.get("ref") if isinstance(helper, Mapping) else None,
        top_k=memory.get("top_k", default.top_k),
        session=memory.get("session", default.session),
    )


def _guardrails(agent: AgentSpec, stage: Stage) -> Iterator[GuardrailPlan]:
    for item in (agent.guardrails or {})[stage]:
        config = item.get("config") or {}
        yield GuardrailPlan(
            id=str(item["id"]),
            type=GuardrailType(item["type"]),
            action=GuardrailAction(item.get("action", GuardrailAction.BLOCK)),
            keywords=tuple(config.get("keywords") or ()),
            patterns=tuple(config.get("patterns") or ()),
            ref=item.get("ref"),
        )
