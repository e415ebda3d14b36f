"""What the language knows and this release cannot run yet. A feature that arrives deletes its lines here.

A run of such a spec is refused before it exists; judging the spec (``validate``) does not ask here.
"""

from collections.abc import Iterator

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.agents import AgentSpec
from specs.language.schema.workflows import SequentialSpec

SHAPES = frozenset({"sequential"})
STEP_KINDS = frozenset({"agent", "function", "human"})
APPEND_MODES = frozenset({None, "auto"})


def unsupported_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what ``spec`` asks for that would be missing from its run: in its root workflow and the agents used."""
    used: set[str] = set()
    if spec.workflow is not None and spec.workflow.type not in SHAPES:
        yield _finding(("workflow", "type"), f"Workflows of type {spec.workflow.type!r}")
    if isinstance(spec.workflow, SequentialSpec):
        yield from _steps(spec.workflow)
        used |= {step.ref for step in spec.workflow.steps if step.enabled and step.kind == "agent"}
    for at, agent in spec.located_agents():
        if at == ("agent",) or at[-1] in used:
            yield from _agent(at, agent)


def _steps(workflow: SequentialSpec) -> Iterator[Finding]:
    for index, step in enumerate(workflow.steps):
        if step.enabled and step.kind not in STEP_KINDS:
            yield _finding(("workflow", "steps", index, "kind"), f"Steps of kind {step.kind!r}")


def _agent(at: Location, agent: AgentSpec) -> Iterator[Finding]:
    if agent.as_agent:
        yield _finding((*at, "as_agent"), "Agents backed by a workflow")
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
