"""What the language knows and this release cannot run yet. A feature that arrives deletes its lines here.

A run of such a spec is refused before it exists; judging the spec (``validate``) does not ask here.
"""

from collections.abc import Iterator, Mapping, Set

from specs.language.dependencies import Component, needs
from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.agents import AgentSpec

RESTING = "a workflow that waits for people, time or signals"
RESTING_KINDS = frozenset({"human", "wait", "signal"})


def unsupported_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what ``spec`` asks for that would be missing from its run."""
    workflows = {name for name, each in spec.components.agents.items() if each.as_agent and _rests(name, spec)}
    if workflows:
        tools = {name for name, tool in spec.tools.items() if tool.agent in workflows}
        for at, agent in spec.located_agents():
            yield from _helpers(at, agent, workflows, tools)


def _rests(name: str, spec: Spec) -> bool:
    """Return whether the workflow that the agent ``name`` stands for may have to wait for somebody outside."""
    known, pending, seen = needs(spec), [("agent", name)], set[Component]()
    while pending:
        component = pending.pop()
        if component[0] in RESTING_KINDS:
            return True
        if component not in seen:
            seen.add(component)
            pending += known.get(component, [])
    return False


def _helpers(at: Location, agent: AgentSpec, workflows: Set[str], tools: Set[str]) -> Iterator[Finding]:
    """Yield whom of ``workflows`` the agent asks in the middle of its turn: by name, or behind one of ``tools``."""
    for name in agent.tools.include if agent.tools else ():
        if name in tools:
            yield _finding((*at, "tools"), f"The tool {name!r}, {RESTING},")
    for helper in ("summarizer", "retriever"):
        block = (agent.memory or {}).get(helper)
        if isinstance(block, Mapping) and block.get("ref") in workflows:
            yield _finding((*at, "memory", helper), f"Memory by {RESTING}")
    for stage, items in (agent.guardrails or {}).items():
        for index, item in enumerate(items or ()):
            if isinstance(item, Mapping) and item.get("type") == "agent" and item.get("ref") in workflows:
                yield _finding(
                    (*at, "guardrails", stage, index),
                    f"A guardrail by {RESTING}",
                )


def _finding(at: Location, feature: str) -> Finding:
    return Finding("E_UNSUPPORTED", at, f"{feature} cannot be run by this release.", "Remove it, or run it elsewhere.")
