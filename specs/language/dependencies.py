"""Which component needs which: agents, workflows and tools."""

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter

from specs.language.schema import Spec
from specs.language.schema.agents import GUARDRAIL_STAGES, AgentSpec

type Component = tuple[str, str]
"""The kind of a component (agent, workflow, tool, function, human) and its name."""


def needs(spec: Spec) -> dict[Component, list[Component]]:
    """Return what each component agent, workflow and tool needs. Root blocks take no part: nothing can need them."""
    found: dict[Component, list[Component]] = {}
    for name, agent in spec.components.agents.items():
        included = agent.tools.include if agent.tools else []
        found["agent", name] = [("tool", tool) for tool in included]
        found["agent", name] += [("agent", helper) for helper in _helpers(agent) if helper in spec.components.agents]
        if agent.as_agent:
            found["agent", name].append(("workflow", agent.as_agent))
    for name, tool in spec.tools.items():
        found["tool", name] = [("agent", tool.agent)] if tool.agent else []
    for name, workflow in spec.components.workflows.items():
        steps = [step for step in workflow.all_steps if step.enabled]
        found["workflow", name] = [(_kind_run(step.kind), step.ref) for step in steps]
    return found


def _helpers(agent: AgentSpec) -> Iterator[str]:
    """Yield whom ``agent`` asks for a summary, for what to remember, or whether a text passes."""
    blocks = [(agent.memory or {}).get(helper) for helper in ("summarizer", "retriever")]
    for stage in GUARDRAIL_STAGES:
        items = (agent.guardrails or {}).get(stage) or ()
        blocks += [item for item in items if isinstance(item, Mapping) and item.get("type") == "agent"]
    for block in blocks:
        if isinstance(block, Mapping) and isinstance(block.get("ref"), str):
            yield block["ref"]


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
