"""Who in a spec may do what, who is asked, and what is checked: a report for a person who signs it off."""

from collections.abc import Iterator, Sequence
from typing import Any

from specs.language.checking import Examination
from specs.language.codes import MEANINGS
from specs.language.diagnostics import Diagnostic, path_of, told
from specs.language.policy import guardrail_counts, is_unrestricted
from specs.language.schema import Spec
from specs.language.schema.agents import AgentSpec

REVIEW_WORTHY = frozenset(
    {
        "E_UNSAFE_TOOL_IMPORT",
        "E_UNSAFE_FUNCTION_IMPORT",
        "W_TOOL_POLICY_UNRESTRICTED",
        "W_TOOL_NETWORK_UNRESTRICTED",
        "W_TOOL_SHELL_ALLOWED",
        "W_TOOL_FILESYSTEM_WRITE_ALLOWED",
        "W_TOOL_FILESYSTEM_READ_ALLOWED",
    }
)


def policy_report(examination: Examination) -> dict[str, Any]:
    """Return the report on what was examined; only ``valid`` and ``diagnostics`` when the schema was not met."""
    diagnostics = told(examination.diagnostics)
    spec = examination.spec
    if spec is None:
        return {"valid": False, "diagnostics": diagnostics}
    agents = [(str(path_of(at)), agent) for at, agent in spec.located_agents()]
    return {
        "valid": not examination.errors,
        "version": spec.version,
        "summary": _summary(spec, examination.diagnostics),
        "memory": {"agents": [_memory(path, agent) for path, agent in agents]},
        "tools": {
            "declared": sorted(spec.tools),
            "mcp_imports": [{"name": name, "config": tool.mcp} for name, tool in spec.tools.items() if tool.mcp],
            **_http_tools(spec),
            "agent_policies": [_tools(path, agent) for path, agent in agents],
        },
        "guardrails": {"agents": [_guardrails(path, agent) for path, agent in agents]},
        "human_review": _human_review(spec, examination.diagnostics),
        "diagnostics": diagnostics,
    }


def _summary(spec: Spec, diagnostics: Sequence[Diagnostic]) -> dict[str, int]:
    return {
        "agent_count": 1 + len(spec.components.agents),
        "workflow_count": len(list(spec.located_workflows())),
        "tool_count": len(spec.tools),
        "mcp_tool_count": sum(bool(tool.mcp) for tool in spec.tools.values()),
        "human_reviewer_count": len(spec.components.humans),
        "human_review_step_count": len(list(_human_steps(spec))),
        "diagnostic_count": len(diagnostics),
    }


def _http_tools(spec: Spec) -> dict[str, Any]:
    """Return where tools send requests; nothing when none does, as the published report has no such part."""
    requests = [
        {"name": name, "method": tool.http.method, "url": tool.http.url, "allowed_domains": tool.http.allowed_domains}
        for name, tool in spec.tools.items()
        if tool.http
    ]
    return {"http_requests": requests} if requests else {}


def _memory(path: str, agent: AgentSpec) -> dict[str, Any]:
    memory = agent.memory or {}
    return {"agent": path, "configured": bool(memory), "policy": memory.get("policy"), "config": memory}


def _tools(path: str, agent: AgentSpec) -> dict[str, Any]:
    tools = agent.tools
    permissions = tools.permissions if tools else None
    return {
        "agent": path,
        "include": tools.include if tools else [],
        "exclude": tools.exclude if tools else [],
        "permissions": permissions.model_dump() if permissions else None,
        "unrestricted": is_unrestricted(agent),
    }


def _guardrails(path: str, agent: AgentSpec) -> dict[str, Any]:
    return {"agent": path, "configured": bool(agent.guardrails), "stages": guardrail_counts(agent)}


def _human_review(spec: Spec, diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    requirements = [
        {"code": diagnostic.code, "path": diagnostic.path, "reason": diagnostic.message}
        for diagnostic in diagnostics
        if diagnostic.code in REVIEW_WORTHY
    ]
    if not requirements and spec.components.humans:
        code = "I_HUMAN_REVIEW_CONFIGURED"
        requirements = [{"code": code, "path": "components.humans", "reason": MEANINGS[code]}]
    return {
        "reviewers": sorted(spec.components.humans),
        "workflow_steps": list(_human_steps(spec)),
        "required": bool(requirements),
        "requirements": requirements,
        "missing": any(diagnostic.code == "W_HUMAN_APPROVAL_MISSING" for diagnostic in diagnostics),
    }


def _human_steps(spec: Spec) -> Iterator[dict[str, Any]]:
    """Yield every enabled human step of every workflow, participants of orchestrations included."""
    for at, workflow in spec.located_workflows():
        for step in workflow.all_steps:
            if step.enabled and step.kind == "human":
                yield {"workflow": path_of(at), "step_id": step.id, "ref": step.ref}
