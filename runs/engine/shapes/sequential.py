"""Steps in declared order: the output of one is the input of the next."""

from dataclasses import replace

from runs.engine.actions import Action, AskHuman, Finish, RunStep
from runs.engine.state import State
from specs.language.plan import Plan, SequentialPlan, StepKind, StepPlan


def next_action(plan: Plan, workflow: SequentialPlan, state: State) -> Action:
    """Return what to do at ``state``."""
    if state.index >= len(workflow.steps):
        return Finish(text=state.text)
    step = workflow.steps[state.index]
    if step.kind is StepKind.HUMAN:
        return AskHuman(step=step, human=plan.humans[step.ref], text=state.text, index=state.index)
    work = fallback_of(workflow, step) if state.in_fallback else None
    return RunStep(step=step, work=work or step, text=state.text, attempt=state.attempt)


def move_on(state: State, text: str) -> State:
    """Return the state after the step at ``state`` produced ``text``."""
    return replace(state, text=text, index=state.index + 1, attempt=1, in_fallback=False)


def fallback_of(workflow: SequentialPlan, step: StepPlan) -> StepPlan | None:
    """Return the step that stands in for ``step``, if it has one that is enabled."""
    return next((other for other in workflow.steps if other.id == step.fallback), None)


def visited(workflow: SequentialPlan, state: State) -> list[str]:
    """Return the ids of the steps that are behind ``state``."""
    return [step.id for step in workflow.steps[: state.index]]
