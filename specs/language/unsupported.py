"""What the language knows and this release cannot run yet. A feature that arrives deletes its lines here.

A run of such a spec is refused before it exists; judging the spec (``validate``) does not ask here.
"""

from collections.abc import Iterator

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.agents import AgentSpec
from specs.language.validation.steps import located_steps

AGENT_KINDS = frozenset({"agent", "guardrail"})
APPEND_MODES = frozenset({None, "auto"})


def unsupported_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what ``spec`` asks for that would be missing from its run: in its agents and its workflows."""
    used: set[str] = set()
    for at, workflow in spec.located_workflows():
        for here, step in located_steps(workflow, at):
            if step.enabled and step.kind == "workflow" and (step.timeout_seconds or 0) > 0:
                yield _finding((*here, "timeout_seconds"), "Timeouts of steps that are workflows")
            if step.enabled and step.kind in AGENT_KINDS:
                used.add(step.ref)
    for at, agent in spec.located_agents():
        if at == ("agent",) or at[-1] in used:
            yield from _agent(at, agent)


def _agent(at: Location, agent: AgentSpec) -> Iterator[Finding]:
    if agent.tools and agent.tools.include:
        yield _finding((*at, "tools"), "Tools of agents")
    if agent.memory:
        yield _finding((*at, "memory"), "Memory policies")
    if any((agent.guardrails or {}).values()):
        yield _finding((*at, "guardrails"), "Guardrails")
    if agent.skills:
        yield _finding((*at, "skills"), "Skills")
    if agent.defaults.get("append_mode") not in APPEND_MODES:
        yield _finding((*at, "defaults", "append_mode"), "Append modes other than `auto`")


def _finding(at: Location, feature: str) -> Finding:
    return Finding("E_UNSUPPORTED", at, f"{feature} cannot be run by this release.", "Remove it, or run it elsewhere.")
