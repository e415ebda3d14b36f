"""The interpreter: what happens next, and what an outcome means."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.engine import interpreter
from runs.engine.actions import Action, AskHuman, RunAgent, RunStep
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Answered, Failed, Fault, Succeeded
from runs.engine.progress import Progress
from runs.engine.retrying import RetryPolicy
from runs.engine.state import Frame, Line, State
from specs.language.agent_plan import AgentPlan
from specs.language.plan import FunctionPlan, HumanPlan, OnError, Plan, Shape, StepKind, StepPlan, TurnsPlan

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
POLICY = RetryPolicy(base_seconds=1, max_seconds=8)
BOOM = Fault(type="RuntimeError", message="boom")


def step(name: str, **kwargs: object) -> StepPlan:
    """Return a function step."""
    return StepPlan(id=name, kind=StepKind.FUNCTION, ref=name, **kwargs)  # type: ignore[arg-type]


def ask(name: str) -> StepPlan:
    """Return a human step."""
    return StepPlan(id=name, kind=StepKind.HUMAN, ref=name)


def plan_of(*steps: StepPlan) -> Plan:
    """Return a plan whose workflow has these steps."""
    return Plan(
        agent=AgentPlan(name="root"),
        workflow=TurnsPlan(shape=Shape.SEQUENTIAL, name="flow", steps=steps, order=tuple(range(len(steps)))),
        functions={each.ref: FunctionPlan(implementation=f"tests.functions.{each.ref}") for each in steps},
        humans={each.ref: HumanPlan() for each in steps if each.kind is StepKind.HUMAN},
    )


def succeed(text: str) -> Succeeded:
    """Return a success."""
    return Succeeded(text=text, started_at=NOW, finished_at=NOW)


def fail(*, is_retriable: bool = True, is_timeout: bool = False) -> Failed:
    """Return a failure."""
    return Failed(fault=BOOM, started_at=NOW, finished_at=NOW, is_retriable=is_retriable, is_timeout=is_timeout)


def begin(text: str = "hi") -> State:
    """Return the state of a run on ``text`` that has not begun."""
    return State.begin(text, has_workflow=True)


def at(index: int, text: str, **frame: Any) -> State:
    """Return the state before step ``index``, which is given ``text``."""
    root = Line(text_at=7, frames=(Frame(at=index, started=True, **frame),))
    return State(root=root, sequence=7, texts={1: "hi", 7: text})


def next_action(plan: Plan, state: State) -> Action:
    """Return the only action there is."""
    (action,) = interpreter.next_actions(plan, plan.workflow, state)
    return action


def take(plan: Plan, state: State, outcome: Succeeded | Failed) -> Progress:
    """Take the next action of ``plan`` and let it come out as ``outcome``."""
    action = next_action(plan, state)
    assert isinstance(action, RunStep)
    return interpreter.absorb(plan, plan.workflow, state, action, outcome, POLICY)


def state_of(progress: Progress) -> State:
    """Return the state after ``progress``."""
    assert progress.state is not None
    return progress.state


def top(progress: Progress) -> Frame:
    """Return the innermost place after ``progress``."""
    return state_of(progress).root.top


def kinds(progress: Progress) -> list[str]:
    """Return the types of the checkpoints of ``progress``."""
    return [record.type.value for record in progress.records]


def test_the_output_of_a_step_is_the_input_of_the_next() -> None:
    plan = plan_of(step("a"), step("b"))
    after = state_of(take(plan, begin(), succeed("hi>a")))
    action = next_action(plan, after)
    assert isinstance(action, RunStep)
    assert (action.step.id, action.text) == ("b", "hi>a")


def test_the_last_step_and_the_end_of_the_run_are_one_change() -> None:
    progress = take(plan_of(step("a")), begin(), succeed("hi>a"))
    assert (progress.status, progress.output_text) == (Status.COMPLETED, "hi>a")
    assert kinds(progress) == ["step_completed", "run_completed"]
    assert [event.type.value for event in progress.events] == ["workflow_started", "workflow_completed"]


def test_the_workflow_announces_itself_once() -> None:
    plan = plan_of(step("a"), step("b"), step("c"))
    first = take(plan, begin(), succeed("x"))
    second = take(plan, state_of(first), succeed("y"))
    assert [event.type.value for event in first.events] == ["workflow_started"]
    assert second.events == ()


def test_a_failure_without_retries_ends_the_run() -> None:
    progress = take(plan_of(step("a"), step("b")), begin(), fail())
    assert (progress.status, progress.fault) == (Status.FAILED, BOOM)
    assert kinds(progress) == ["step_failed", "run_failed"]


def test_a_failure_with_retries_left_waits_and_keeps_its_place() -> None:
    progress = take(plan_of(step("a", max_retries=1)), begin(), fail())
    assert progress.status is Status.RUNNING
    assert progress.retry_after_seconds is not None
    assert 0.5 <= progress.retry_after_seconds <= 1
    assert (top(progress).at, top(progress).attempt) == (0, 2)
    assert progress.records == ()


@pytest.mark.parametrize("on_error", list(OnError))
def test_retries_happen_whatever_comes_after_them(on_error: OnError) -> None:
    plan = plan_of(step("a", on_error=on_error, max_retries=2, fallback="b"), step("b"))
    attempts = [top(take(plan, at(0, "hi", attempt=number), fail())).attempt for number in (1, 2)]
    assert attempts == [2, 3]


def test_a_tolerated_failure_passes_the_input_on_and_leaves_no_error_on_the_run() -> None:
    progress = take(plan_of(step("a", on_error=OnError.CONTINUE)), begin(), fail())
    assert (progress.status, progress.output_text, progress.fault) == (Status.COMPLETED, "hi", None)
    assert progress.records[0].fault == BOOM


def test_a_fallback_stands_in_with_the_same_input_and_is_recorded_as_the_step() -> None:
    plan = plan_of(step("a", on_error=OnError.FALLBACK, fallback="b"), step("b"))
    after = state_of(take(plan, begin(), fail()))
    action = next_action(plan, after)
    assert isinstance(action, RunStep)
    assert (action.step.id, action.work.id, action.text, action.path) == ("a", "b", "hi", "a~b")
    progress = interpreter.absorb(plan, plan.workflow, after, action, succeed("hi>b"), POLICY)
    assert (progress.records[0].step_id, progress.records[0].output_text) == ("a", "hi>b")
    assert top(progress).at == 1


def test_a_fallback_that_fails_ends_the_run_and_is_never_tolerated() -> None:
    plan = plan_of(
        step("a", on_error=OnError.FALLBACK, fallback="b"), step("b", on_error=OnError.FALLBACK, fallback="a")
    )
    assert take(plan, at(0, "hi", in_fallback=True), fail()).status is Status.FAILED


def test_a_fallback_that_is_not_there_ends_the_run_with_the_original_error() -> None:
    progress = take(plan_of(step("a", on_error=OnError.FALLBACK, fallback="gone")), begin(), fail())
    assert (progress.status, progress.fault) == (Status.FAILED, BOOM)


def test_a_timeout_is_not_tried_again_unless_the_deployment_says_so() -> None:
    plan = plan_of(step("a", max_retries=3))
    action = next_action(plan, begin())
    assert isinstance(action, RunStep)
    eager = RetryPolicy(base_seconds=1, max_seconds=8, retry_on_timeout=True)
    outcomes = [
        interpreter.absorb(plan, plan.workflow, begin(), action, fail(is_timeout=True), policy).status
        for policy in (POLICY, eager)
    ]
    assert outcomes == [Status.FAILED, Status.RUNNING]


def test_an_error_that_cannot_pass_is_not_tried_again() -> None:
    assert take(plan_of(step("a", max_retries=3)), begin(), fail(is_retriable=False)).status is Status.FAILED


def test_a_human_step_asks_and_changes_nothing_but_the_status() -> None:
    plan = plan_of(step("a"), ask("boss"))
    state = at(1, "hi>a")
    action = next_action(plan, state)
    assert isinstance(action, AskHuman)
    assert plan.workflow is not None
    progress = interpreter.ask(plan, plan.workflow, state, [(action, {"continuation_id": "c"})], NOW)
    assert (progress.status, state_of(progress).root) == (Status.BLOCKED, state.root)
    assert kinds(progress) == ["human_pause"]


@pytest.mark.parametrize(
    ("is_final", "status", "records"),
    [
        (False, Status.RUNNING, ["human_resume", "step_completed"]),
        (True, Status.FAILED, ["step_failed", "run_failed"]),
    ],
)
def test_an_answer_moves_on_or_ends_the_run(is_final: bool, status: Status, records: list[str]) -> None:
    plan = plan_of(ask("boss"), step("a"))
    action = next_action(plan, begin())
    assert isinstance(action, AskHuman)
    answered = Answered(text="no", answered_at=NOW, is_final_rejection=is_final)
    assert plan.workflow is not None
    progress = interpreter.answer(plan, plan.workflow, begin(), action, answered)
    assert (progress.status, kinds(progress)) == (status, records)


def test_an_answer_to_the_last_step_ends_the_run() -> None:
    plan = plan_of(ask("boss"))
    action = next_action(plan, begin())
    assert isinstance(action, AskHuman)
    assert plan.workflow is not None
    progress = interpreter.answer(plan, plan.workflow, begin(), action, Answered(text="ok", answered_at=NOW))
    assert (progress.status, progress.output_text) == (Status.COMPLETED, "ok")
    assert kinds(progress) == ["human_resume", "step_completed", "run_completed"]


def test_without_a_workflow_the_root_agent_runs_once() -> None:
    plan = plan_of(step("a"))
    state = State.begin("hi", has_workflow=False)
    (action,) = interpreter.next_actions(plan, None, state)
    assert isinstance(action, RunAgent)
    progress = interpreter.absorb(plan, None, state, action, succeed("answer"), POLICY)
    assert (progress.status, progress.output_text, kinds(progress)) == (Status.COMPLETED, "answer", ["run_completed"])


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(OnError))), min_size=1, max_size=6), st.data())
def test_every_run_ends_whatever_its_steps_do(shape: list[tuple[int, OnError]], data: st.DataObject) -> None:
    steps = [step(f"s{at}", max_retries=tries, on_error=way, fallback="s0") for at, (tries, way) in enumerate(shape)]
    plan = plan_of(*steps)
    state, recorded = begin(), []
    for _ in range(sum(2 * tries + 2 for tries, _ in shape) + len(shape) * 4):
        action: Action = next_action(plan, state)
        assert isinstance(action, RunStep)
        outcomes: list[Succeeded | Failed] = [succeed("x"), fail(), fail(is_timeout=True)]
        outcome = data.draw(st.sampled_from(outcomes))
        progress = interpreter.absorb(plan, plan.workflow, state, action, outcome, POLICY)
        recorded += [record.path for record in progress.records if record.type == "step_completed"]
        if progress.status is not Status.RUNNING:
            break
        after = state_of(progress)
        state = State.restore(after.cursor(), sequence=after.sequence, texts=after.texts)
        assert state == after
    assert progress.status in {Status.COMPLETED, Status.FAILED}
    assert len(recorded) == len(set(recorded))
