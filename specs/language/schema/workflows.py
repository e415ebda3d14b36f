"""Workflows in their six shapes, steps, edges and conditions."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field

from specs.language.schema.block import Block

type ConditionType = Literal[
    "always",
    "never",
    "output_contains",
    "output_equals",
    "metadata_equals",
    "variable_equals",
    "status_is",
    "decision_is",
    "all_of",
    "any_of",
    "not",
]


class StepSpec(Block):
    """A unit of work: a step, a node or a participant."""

    id: str
    kind: Literal["agent", "function", "workflow", "human", "guardrail", "wait", "signal"]
    ref: str
    enabled: bool = True
    on_error: Literal["fail", "continue", "retry", "fallback"] = "fail"
    fallback_ref: str | None = None
    max_retries: int = 0
    timeout_seconds: int | None = None


class ConditionSpec(Block):
    """When an edge is taken."""

    type: ConditionType
    value: Any = None
    key: str | None = None
    case_sensitive: bool = False
    conditions: "list[ConditionSpec]" = []
    condition: "ConditionSpec | None" = None


class EdgeSpec(Block):
    """A way from node to node."""

    from_: str = Field(validation_alias=AliasChoices("from", "from_"))
    to: str
    condition: ConditionSpec | None = None
    label: str | None = None


class _Workflow(Block):
    name: str | None = None
    description: str | None = None


class SequentialSpec(_Workflow):
    """Steps in declared order."""

    type: Literal["sequential"]
    steps: list[StepSpec]

    @property
    def all_steps(self) -> list[StepSpec]:
        """Every step, enabled or not."""
        return self.steps


class GraphSpec(_Workflow):
    """Nodes and the edges between them."""

    type: Literal["graph"]
    start: str
    nodes: dict[str, StepSpec]
    edges: list[EdgeSpec]
    max_steps: int = 50

    @property
    def all_steps(self) -> list[StepSpec]:
        """Every node, enabled or not."""
        return list(self.nodes.values())


class _Orchestration(_Workflow):
    participants: list[StepSpec]
    max_iterations: int | None = None

    @property
    def all_steps(self) -> list[StepSpec]:
        """Every participant, enabled or not."""
        return self.participants


class ConcurrentSpec(_Orchestration):
    """All participants at once, on the same input."""

    type: Literal["concurrent"]
    max_parallel: int | None = Field(default=None, ge=1)


class SelectorSpec(Block):
    """Who speaks next in a handoff."""

    type: Literal["sequence", "round_robin"] = "sequence"
    sequence: list[str] = []


class HandoffSpec(_Orchestration):
    """One participant after the other, on a shared transcript."""

    type: Literal["handoff"]
    selector: SelectorSpec = SelectorSpec()


class GroupChatSpec(_Orchestration):
    """Every participant in turn, several times, on a shared transcript."""

    type: Literal["group-chat", "group_chat"]
    rounds: int = 1


class MapSpec(_Workflow):
    """One step on each item of a JSON list."""

    type: Literal["map"]
    step: StepSpec
    max_parallel: int | None = Field(default=None, ge=1)

    @property
    def all_steps(self) -> list[StepSpec]:
        """The step, enabled or not."""
        return [self.step]


OrchestrationSpec = ConcurrentSpec | HandoffSpec | GroupChatSpec
type WorkflowSpec = Annotated[
    SequentialSpec | GraphSpec | ConcurrentSpec | HandoffSpec | GroupChatSpec | MapSpec, Field(discriminator="type")
]

SHAPES = frozenset({"sequential", "graph", "concurrent", "handoff", "group-chat", "group_chat", "map"})
