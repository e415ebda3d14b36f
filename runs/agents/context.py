"""What a step knows about itself while it runs."""

from dataclasses import dataclass

from runs.agents.interrupt import Interrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """Which step of which run is running, handed to functions that ask for it.

    ``iteration`` counts visits of the same step, ``attempt`` counts tries of one visit; both start at 1. ``interrupt``
    tells a long computation that its result is no longer wanted. ``call`` names the call of a tool within the step.
    """

    run_id: str
    step_path: str
    iteration: int
    attempt: int
    interrupt: Interrupt
    call: str = ""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step or call, so that a side effect can be made to happen once."""
        key = f"{self.run_id}/{self.step_path}/{self.iteration}"
        return f"{key}/{self.call}" if self.call else key
