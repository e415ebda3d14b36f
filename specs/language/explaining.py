"""What a spec consists of, in a few words."""

from dataclasses import dataclass
from typing import Any

from specs.language.dependencies import build_order
from specs.language.schema import Spec
from specs.language.schema.workflows import WorkflowSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The parts of a spec by name. Components are in the order in which they can be built."""

    root_agent: str
    root_workflow: str | None
    component_agents: tuple[str, ...]
    component_workflows: tuple[str, ...]

    def as_compiled(self) -> dict[str, Any]:
        """Return the public form of the answer to "does it compile?"."""
        return {
            "has_root_agent": True,
            "has_root_workflow": self.root_workflow is not None,
            "component_agents": list(self.component_agents),
        }

    def as_explained(self) -> dict[str, Any]:
        """Return the public form of the answer to "what is in it?"."""
        return {
            "root_agent": self.root_agent,
            "root_workflow": self.root_workflow,
            "component_agents": list(self.component_agents),
            "component_workflows": list(self.component_workflows),
        }


def summarise(spec: Spec) -> Summary:
    """Return the summary of ``spec``, whose components do not need each other in a circle."""
    order = build_order(spec)
    return Summary(
        root_agent=spec.agent.name,
        root_workflow=workflow_name(spec.workflow) if spec.workflow else None,
        component_agents=tuple(name for kind, name in order if kind == "agent"),
        component_workflows=tuple(name for kind, name in order if kind == "workflow"),
    )


def workflow_name(workflow: WorkflowSpec) -> str:
    """Return the name of ``workflow``, or the one it has when its author gave none."""
    return workflow.name or f"{workflow.type.replace('_', '-')}-workflow"
