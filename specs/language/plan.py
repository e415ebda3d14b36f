"""The plan: the compiled, frozen form of a spec that the engine reads. Values only, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from specs.language.agent_plan import AgentPlan, McpServerPlan, ToolPlan
from specs.language.conditions import Condition


class StepKind(StrEnum):
    """What a step does."""

    AGENT = "agent"
    FUNCTION = "function"
    HUMAN = "human"
    WORKFLOW = "workflow"
    WAIT = "wait"
    SIGNAL = "signal"


class Shape(StrEnum):
    """How a workflow goes from step to step."""

    SEQUENTIAL = "sequential"
    GRAPH = "graph"
    CONCURRENT = "concurrent"
    HANDOFF = "handoff"
    GROUP_CHAT = "group-chat"
    MAP = "map"


class OnError(StrEnum):
    """What happens once a step's attempts are used up."""

    FAIL = "fail"
    CONTINUE = "continue"
    RETRY = "retry"
    FALLBACK = "fallback"


class OnTimeout(StrEnum):
    """What a missed deadline of a human task means."""

    FAIL = "fail"
    CONTINUE = "continue"
    ESCALATE = "escalate"


class OnReject(StrEnum):
    """What a rejection means for the run."""

    CONTINUE = "continue"
    FAIL = "fail"


class RequestType(StrEnum):
    """What a person is asked for."""

    APPROVAL = "approval"
    REVIEW = "review"
    CORRECTION = "correction"
    SELECTION = "selection"
    FREEFORM = "freeform"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionPlan:
    """One function: a dotted path ``package.module.symbol``. ``sets`` is variable -> key of its result.

    The schemas are JSON Schemas of what it is given and what it gives.
    """

    implementation: str
    sets: Mapping[str, str] = field(default_factory=dict)
    input_schema: Mapping[str, Any] | None = None
    output_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanPlan:
    """One question put to a person.

    ``form`` is the JSON Schema of what the person fills in, ``sets`` is variable -> field of the form.
    ``approvals`` is how many people have to agree; ``exclude_requester``: who started the run is none of them.
    """

    title: str = "Human review required"
    prompt: str = "Please review this item."
    request_type: RequestType = RequestType.APPROVAL
    assignee: str | None = None
    timeout_seconds: int | None = None
    on_timeout: OnTimeout = OnTimeout.FAIL
    on_reject: OnReject = OnReject.CONTINUE
    options: tuple[str, ...] | None = None
    default_option: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    response_role: str | None = None
    form: Mapping[str, Any] | None = None
    sets: Mapping[str, str] = field(default_factory=dict)
    approvals: int = 1
    exclude_requester: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitPlan:
    """A time to let pass: ``seconds`` from when it is reached, or until the moment ``until`` (seconds since 1970)."""

    seconds: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalPlan:
    """What is told to a run from outside: the JSON Schema of it, and variable -> key of it."""

    payload_schema: Mapping[str, Any] | None = None
    sets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One enabled step. ``timeout_seconds`` is per attempt (None: no limit); ``fallback`` names an enabled step.

    For a signal it is how long to wait for it.

    A step of an agent that is backed by a workflow is of kind WORKFLOW and says in ``agent`` whom it stands for.
    """

    id: str
    kind: StepKind
    ref: str
    on_error: OnError = OnError.FAIL
    fallback: str | None = None
    max_retries: int = 0
    timeout_seconds: float | None = None
    agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnsPlan:
    """A workflow whose order is fixed: sequential, handoff and group chat.

    ``order`` are the positions in ``steps`` of one round; the output of one turn is the input of the next.
    """

    shape: Shape
    name: str
    description: str = ""
    steps: tuple[StepPlan, ...]
    order: tuple[int, ...]
    rounds: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePlan:
    """A way from one node to another, taken when ``condition`` matches (None always does)."""

    source: str
    target: str
    condition: Condition | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPlan:
    """Nodes, and edges in declared order of which the first that matches is followed. Disabled nodes are gone.

    ``max_steps`` bounds the visits of nodes.
    """

    shape: Shape = Shape.GRAPH
    name: str
    description: str = ""
    start: str
    steps: tuple[StepPlan, ...]
    edges: Mapping[str, tuple[EdgePlan, ...]] = field(default_factory=dict)
    max_steps: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrentPlan:
    """All steps on the same input; the output is that of the last one in declared order.

    No more than ``max_parallel`` of them are under way at a time.
    """

    shape: Shape = Shape.CONCURRENT
    name: str
    description: str = ""
    steps: tuple[StepPlan, ...]
    max_parallel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlan:
    """The one step on each item of a JSON list; the output is the list of what they give, in the order of the items.

    No more than ``max_parallel`` items are under way at a time.
    """

    shape: Shape = Shape.MAP
    name: str
    description: str = ""
    steps: tuple[StepPlan, ...]
    max_parallel: int | None = None


type ParallelPlan = ConcurrentPlan | MapPlan
type WorkflowPlan = TurnsPlan | GraphPlan | ParallelPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything the engine needs to know about a spec. Mappings keep the spec's order.

    ``recurring`` are the component agents that may have more than one turn in a run without any step coming twice.
    ``asks_people`` tells that a step may ask a person in the middle of its work, ``has_timed_workflows`` that a step
    which is a workflow has a timeout.
    ``spread_above`` is how many branches of a concurrent workflow one worker does by itself (None: any number).
    """

    agent: AgentPlan
    workflow: WorkflowPlan | None = None
    workflows: Mapping[str, WorkflowPlan] = field(default_factory=dict)
    agents: Mapping[str, AgentPlan] = field(default_factory=dict)
    functions: Mapping[str, FunctionPlan] = field(default_factory=dict)
    humans: Mapping[str, HumanPlan] = field(default_factory=dict)
    waits: Mapping[str, WaitPlan] = field(default_factory=dict)
    signals: Mapping[str, SignalPlan] = field(default_factory=dict)
    tools: Mapping[str, ToolPlan] = field(default_factory=dict)
    mcp_servers: Mapping[str, McpServerPlan] = field(default_factory=dict)
    recurring: frozenset[str] = frozenset()
    asks_people: bool = False
    has_timed_workflows: bool = False
    spread_above: int | None = None
