"""Which component needs which: agents, workflows and tools."""

from graphlib import TopologicalSorter

from specs.language.schema import Spec

type Component = tuple[str, str]
"""The kind of a component (agent, workflow, tool, function, human) and its name."""


def needs(spec: Spec) -> dict[Component, list[Component]]:
    """Return what each component agent, workflow and tool needs. Root blocks take no part: nothing can need them."""
    found: dict[Component, list[Component]] = {}
    for name, agent in spec.components.agents.items():
        included = agent.tools.include if agent.tools else []
        found["agent", name] = [("tool", tool) for tool in included]
        if agent.as_agent:
            found["agent", name].append(("workflow", agent.as_agent))
    for name, tool in spec.tools.items():
        found["tool", name] = [("agent", tool.agent)] if tool.agent else []
    for name, workflow in spec.components.workflows.items():
        steps = [step for step in workflow.all_steps if step.enabled]
        found["workflow", name] = [(_kind_run(step.kind), step.ref) for step in steps]
    return found


def build_order(spec: Spec) -> list[Component]:
    """Return the component agents, workflows and tools: what is needed first, equals by kind and name.

    Raises:
        graphlib.CycleError: components need each other in a circle.
    """
    found = needs(spec)
    sorter = TopologicalSorter(found)
    sorter.prepare()
    order: list[Component] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += [component for component in ready if component in found]
        sorter.done(*ready)
    return order


def _kind_run(kind: str) -> str:
    """Return what a step of ``kind`` runs: a guardrail step runs an agent."""
    return "agent" if kind == "guardrail" else kind
