"""What the language knows and this release cannot run yet. A feature that arrives deletes its lines here.

A run of such a spec is refused before it exists; judging the spec (``validate``) does not ask here.
"""

from collections.abc import Iterator, Mapping, Set

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.agents import AgentSpec


def unsupported_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what ``spec`` asks for that would be missing from its run."""
    for name, server in spec.mcp_servers.items():
        if server.client_key_ref:
            yield _finding(("mcp_servers", name, "client_key_ref"), "A client key by reference")
    workflows = {name for name, each in spec.components.agents.items() if each.as_agent}
    if workflows:
        tools = {name for name, tool in spec.tools.items() if tool.agent in workflows}
        for at, agent in spec.located_agents():
            yield from _helpers(at, agent, workflows, tools)


def _helpers(at: Location, agent: AgentSpec, workflows: Set[str], tools: Set[str]) -> Iterator[Finding]:
    """Yield whom ``agent`` asks in the middle of its turn, if that is a workflow: by name, or behind a tool."""
    for name in agent.tools.include if agent.tools else ():
        if name in tools:
            yield _finding((*at, "tools"), f"The tool {name!r}, an agent that is a workflow,")
    for helper in ("summarizer", "retriever"):
        block = (agent.memory or {}).get(helper)
        if isinstance(block, Mapping) and block.get("ref") in workflows:
            yield _finding((*at, "memory", helper), "Memory by an agent that is a workflow")
    for stage, items in (agent.guardrails or {}).items():
        for index, item in enumerate(items or ()):
            if isinstance(item, Mapping) and item.get("type") == "agent" and item.get("ref") in workflows:
                yield _finding((*at, "guardrails", stage, index), "A guardrail by an agent that is a workflow")


def _finding(at: Location, feature: str) -> Finding:
    return Finding("E_UNSUPPORTED", at, f"{feature} cannot be run by this release.", "Remove it, or run it elsewhere.")
