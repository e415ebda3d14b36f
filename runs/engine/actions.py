"""What the interpreter asks for."""

from dataclasses import dataclass

from specs.language.plan import AgentPlan, HumanPlan, StepPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """Run ``work`` on ``text`` and record it as ``step`` (they differ when a fallback stands in)."""

    step: StepPlan
    work: StepPlan
    text: str
    attempt: int
    iteration: int = 1

    @property
    def path(self) -> str:
        """Name this piece of work within the run, the same after a crash."""
        return self.step.id if self.work is self.step else f"{self.step.id}~{self.work.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgent:
    """Run the root agent alone: the run has no workflow, or was asked for the agent."""

    agent: AgentPlan
    text: str
    attempt: int = 1
    iteration: int = 1
    path: str = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskHuman:
    """Put a question to a person and wait without holding a worker."""

    step: StepPlan
    human: HumanPlan
    text: str
    index: int
    iteration: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Nothing is left to do; ``text`` is the run's output."""

    text: str


type Work = RunStep | RunAgent
type Action = Work | AskHuman | Finish
