"""Tools: who may use them, and what stands behind them."""

from collections.abc import Iterator

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.components import ToolSpec
from specs.language.suggesting import did_you_mean


def tool_selection_findings(spec: Spec) -> Iterator[Finding]:
    """Yield tools that agents include and nobody declares, or that they exclude as well."""
    for at, agent in spec.located_agents():
        if agent.tools is None:
            continue
        here = (*at, "tools")
        for tool in agent.tools.include:
            if tool not in spec.tools:
                message = f"Tool {tool!r} of agent {agent.name!r} is not declared."
                hint = did_you_mean(tool, spec.tools, otherwise="Declare it under tools.")
                yield Finding("E_TOOL_REF", here, message, hint)
        for tool in sorted({*agent.tools.include} & {*agent.tools.exclude}):
            yield Finding("E_TOOL_CONFLICT", here, f"Agent {agent.name!r} includes and excludes tool {tool!r}.")


def tool_backing_findings(spec: Spec) -> Iterator[Finding]:
    """Yield tools that have no or several backings, or one that does not exist."""
    for name, tool in spec.tools.items():
        yield from _backing(name, tool, spec)


def _backing(name: str, tool: ToolSpec, spec: Spec) -> Iterator[Finding]:
    at: Location = ("tools", name)
    backings = [field for field in ("implementation", "mcp", "agent", "http") if getattr(tool, field)]
    if not backings:
        message = f"Tool {name!r} needs one of implementation, mcp, agent and http."
        yield Finding("E_TOOL_NO_BACKING", at, message)
    elif len(backings) > 1:
        message = f"Tool {name!r} can have only one of {', '.join(backings)}."
        yield Finding("E_TOOL_MULTIPLE_BACKINGS", at, message)
    if not tool.agent:
        return
    if tool.agent not in spec.components.agents:
        message = f"Tool {name!r} is agent {tool.agent!r}, which is not declared."
        hint = did_you_mean(tool.agent, spec.components.agents)
        yield Finding("E_AGENT_TOOL_UNKNOWN_AGENT", (*at, "agent"), message, hint)
    if tool.parameters:
        message = f"Tool {name!r} is an agent and takes one text `input`; its parameters are ignored."
        yield Finding("W_AGENT_TOOL_PARAMETERS_IGNORED", (*at, "parameters"), message)
