"""The document as a whole."""

from collections.abc import Iterator
from typing import Literal

from specs.language.diagnostics import Location
from specs.language.schema.agents import AgentSpec
from specs.language.schema.block import Block, FreeForm
from specs.language.schema.components import (
    FunctionSpec,
    HumanSpec,
    McpServerSpec,
    SignalSpec,
    SkillSpec,
    ToolSpec,
    WaitSpec,
)
from specs.language.schema.workflows import WorkflowSpec


class Components(Block):
    """What workflows refer to by name."""

    agents: dict[str, AgentSpec] = {}
    workflows: dict[str, WorkflowSpec] = {}
    functions: dict[str, FunctionSpec] = {}
    humans: dict[str, HumanSpec] = {}
    waits: dict[str, WaitSpec] = {}
    signals: dict[str, SignalSpec] = {}


class Spec(Block):
    """A v1 document."""

    version: Literal["v1"]
    metadata: FreeForm | None = None
    agent: AgentSpec
    workflow: WorkflowSpec | None = None
    components: Components = Components()
    tools: dict[str, ToolSpec] = {}
    mcp_servers: dict[str, McpServerSpec] = {}
    skills: dict[str, SkillSpec] = {}
    policies: FreeForm = {}

    def located_agents(self) -> Iterator[tuple[Location, AgentSpec]]:
        """Yield the root agent, then the component agents in the order of the file, each with its location."""
        yield ("agent",), self.agent
        for name, agent in self.components.agents.items():
            yield ("components", "agents", name), agent

    def located_workflows(self) -> Iterator[tuple[Location, WorkflowSpec]]:
        """Yield the root workflow, then the component workflows in the order of the file, each with its location."""
        if self.workflow is not None:
            yield ("workflow",), self.workflow
        for name, workflow in self.components.workflows.items():
            yield ("components", "workflows", name), workflow
