"""Components that need each other in a circle and so can never be built."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from specs.language.diagnostics import Finding
from specs.language.schema import Spec

type Component = tuple[str, str]
MOST_NAMED = 10


def cycle_findings(spec: Spec) -> Iterator[Finding]:
    """Yield one finding if component agents, workflows and tools need each other in a circle."""
    try:
        TopologicalSorter(_needs(spec)).prepare()
    except CycleError as error:
        circle = [f"{kind} {name!r}" for kind, name in error.args[1]]
        shown = circle if len(circle) <= MOST_NAMED else [*circle[:MOST_NAMED], "…"]
        yield Finding("E_BUILD_CYCLE", ("components",), f"Components need each other in a circle: {' → '.join(shown)}.")


def _needs(spec: Spec) -> dict[Component, list[Component]]:
    needs: dict[Component, list[Component]] = {}
    for name, agent in spec.components.agents.items():
        included = agent.tools.include if agent.tools else []
        needs["agent", name] = [("tool", tool) for tool in included]
        if agent.as_agent:
            needs["agent", name].append(("workflow", agent.as_agent))
    for name, tool in spec.tools.items():
        needs["tool", name] = [("agent", tool.agent)] if tool.agent else []
    for name, workflow in spec.components.workflows.items():
        steps = [step for step in workflow.all_steps if step.enabled]
        needs["workflow", name] = [(_kind_run(step.kind), step.ref) for step in steps]
    return needs


def _kind_run(kind: str) -> str:
    """Return what a step of ``kind`` runs: a guardrail step runs an agent."""
    return "agent" if kind == "guardrail" else kind
