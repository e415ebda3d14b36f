"""What the interpreter asks for."""

from dataclasses import dataclass

from runs.engine.state import Frame
from specs.language.agent_plan import AgentPlan
from specs.language.plan import HumanPlan, ParallelPlan, Shape, StepPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which visit of which step is meant. ``way`` is the branch taken in each concurrent workflow around it.

    ``prefix`` leads to the steps of its workflow, ``index`` is its position there, ``iteration`` counts its visits.
    """

    step: StepPlan
    shape: Shape
    workflow_name: str
    way: tuple[int, ...] = ()
    prefix: str = ""
    index: int = 0
    iteration: int = 1

    @property
    def path(self) -> str:
        """Name this piece of work within the run, the same after a crash."""
        return f"{self.prefix}{self.step.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """Run ``work`` on ``text`` and record it as the step of ``place`` (they differ when a fallback stands in).

    ``text_at`` is the checkpoint that ``text`` comes from; ``not_before`` is when it may be tried again and
    ``until`` when a workflow around it has to be over, in seconds since the epoch.
    """

    place: Place
    work: StepPlan
    text: str
    attempt: int
    text_at: int = 0
    not_before: float | None = None
    until: float | None = None

    @property
    def step(self) -> StepPlan:
        """The step that is recorded."""
        return self.place.step

    @property
    def iteration(self) -> int:
        """Which visit of the step it is, from 1."""
        return self.place.iteration

    @property
    def path(self) -> str:
        """Name this piece of work within the run, the same after a crash."""
        return self.place.path if self.work is self.step else f"{self.place.path}~{self.work.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgent:
    """Run the root agent alone: the run has no workflow, or was asked for the agent."""

    agent: AgentPlan
    text: str
    attempt: int = 1
    iteration: int = 1
    path: str = "agent"
    not_before: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskHuman:
    """Put a question to a person and wait without holding a worker.

    ``asks`` names a question that the step of ``place`` has put in the middle of its work; then it goes on afterwards.
    """

    place: Place
    human: HumanPlan
    text: str
    asks: str | None = None

    @property
    def step(self) -> StepPlan:
        """The human step."""
        return self.place.step

    @property
    def path(self) -> str:
        """Name this question within the run, the same after a crash."""
        return self.place.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Make the branches of the workflow at ``frame``, given ``text`` of checkpoint ``text_at``, runs of their own."""

    way: tuple[int, ...]
    workflow: ParallelPlan
    frame: Frame
    text: str
    text_at: int

    @property
    def path(self) -> str:
        """Name this fan-out within the run, the same after a crash."""
        return self.frame.prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Wait for the branches of the fan-out ``number``, and go on with what they give."""

    way: tuple[int, ...]
    workflow: ParallelPlan
    frame: Frame
    number: int
    text: str

    @property
    def path(self) -> str:
        """Name this fan-out within the run, the same after a crash."""
        return self.frame.prefix


type Work = RunStep | RunAgent
type Action = Work | AskHuman | Spread | Join
