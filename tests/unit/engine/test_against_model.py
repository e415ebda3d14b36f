"""Random workflows, random failures, random crashes: the engine does what the model says, and nothing twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.engine import interpreter, spreading
from runs.engine.actions import Action, Join, RunStep, Spread
from runs.engine.continuing import revived
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Failed, Fault, Settled, Succeeded
from runs.engine.progress import Progress, RecordType
from runs.engine.retrying import RetryPolicy
from runs.engine.spreading import AllEnded, Ended
from runs.engine.state import State
from specs.language.compiling import compile_plan
from specs.language.plan import Plan, WorkflowPlan
from tests.offline import NOW
from tests.unit.engine.model import Block, Model, StepFailed

AT_ONCE = RetryPolicy(base_seconds=0)
MOST_ACTIONS = 2_000
SHAPES = ("sequential", "concurrent", "handoff", "group-chat", "graph")
# A root workflow, the workflows inside it, and how often each step fails.
type Drawn = tuple[Block, dict[str, Block], dict[str, int]]
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]


@dataclass(slots=True)
class Tally:
    """What happened in a run and its branches: calls that were remembered, all calls, and crashes so far."""

    fails: dict[str, int]
    recorded: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    crashes: int = 0


@dataclass(slots=True)
class Driven:
    """A run that is driven in memory, with its branches: ``fan_outs`` are those that are under way or were."""

    plan: Plan
    data: st.DataObject
    tally: Tally
    state: State
    status: Status = Status.RUNNING
    output: str | None = None
    fault: Fault | None = None
    visits: list[str] = field(default_factory=list)
    paths: Counter[tuple[str, int]] = field(default_factory=Counter)
    fan_outs: "list[list[Driven]]" = field(default_factory=list)

    @property
    def root(self) -> WorkflowPlan:
        """The run's own workflow."""
        assert self.plan.workflow is not None
        return self.plan.workflow

    def drive(self) -> None:
        """Take one action after another, in any order that is allowed, until the run ends."""
        for _ in range(MOST_ACTIONS):
            if self.status is not Status.RUNNING:
                return
            self.do_one()
        raise AssertionError("the run does not end")

    def do_one(self) -> None:
        """Do one of the things that can be done now."""
        choices = [choice for action in self._actions() for choice in self._choices(action)]
        choices[self.data.draw(st.integers(0, len(choices) - 1))]()

    def go_on(self) -> None:
        """Let the run go on after it failed, and the branches that did not complete."""
        self.state = _stored(revived(self.plan, self.root, self.state))
        self.status, self.fault = Status.RUNNING, None
        for number in self.state.root.spreads():
            for branch in self.fan_outs[number]:
                if branch.status is not Status.COMPLETED:
                    branch.go_on()

    def _actions(self) -> tuple[Action, ...]:
        return interpreter.next_actions(self.plan, self.root, self.state)

    def _choices(self, action: Action) -> list[Callable[[], None]]:
        match action:
            case RunStep():
                return [partial(self._do, action)]
            case Spread():
                return [partial(self._spread, action)]
            case Join():
                open_ = [branch for branch in self.fan_outs[action.number] if branch.status is Status.RUNNING]
                return [branch.do_one for branch in open_] or [partial(self._join, action)]
        raise AssertionError(f"nobody asked for {action}")

    def _do(self, action: RunStep) -> None:
        name, tally = action.work.id, self.tally
        tally.done[name] += 1
        if self._crashes():  # the work was done, and nobody remembers
            return
        tally.recorded[name] += 1
        outcome = self._outcome(action, is_failing=tally.recorded[name] <= tally.fails.get(name, 0))
        self._remember(interpreter.absorb(self.plan, self.root, self.state, action, outcome, AT_ONCE))

    def _spread(self, action: Spread) -> None:
        if self._crashes():
            return
        states = spreading.branches_of(action, self.state)
        self.fan_outs.append([Driven(self.plan, self.data, self.tally, _stored(state)) for state in states])
        number = len(self.fan_outs) - 1
        self._remember(spreading.spread(self.plan, self.root, self.state, action, number, NOW))

    def _join(self, action: Join) -> None:
        if self._crashes():
            return
        branches = self.fan_outs[action.number]
        ended = [Ended(text=action.text, output=each.output, fault=each.fault) for each in branches]
        all_ended = AllEnded(ended=ended)
        self._remember(spreading.join(self.plan, self.root, self.state, action, all_ended, NOW))

    def _crashes(self) -> bool:
        """Let the process die now, perhaps: all that is left is what was stored."""
        if self.tally.crashes >= 3 or self.data.draw(st.integers(0, 9)):
            return False
        self.tally.crashes += 1
        self.state = _stored(self.state)
        return True

    def _remember(self, progress: Progress) -> None:
        self.status, self.output, self.fault = progress.status, progress.output_text, progress.fault
        for record in progress.records:
            if record.type is RecordType.STEP_COMPLETED:
                self.paths[record.path, record.iteration] += 1
                if record.path == record.step_id:
                    self.visits.append(str(record.step_id))
        if progress.state is not None:
            self.state = _stored(progress.state)

    def _outcome(self, action: RunStep, *, is_failing: bool) -> Settled:
        if not is_failing:
            return Succeeded(text=f"{action.text}>{action.work.id}", started_at=NOW, finished_at=NOW)
        return Failed(fault=Fault(type="E", message="no"), started_at=NOW, finished_at=NOW)

    def all_paths(self) -> Iterator[int]:
        """Yield how often each step of the run and of its branches was recorded."""
        yield from self.paths.values()
        for fan_out in self.fan_outs:
            for branch in fan_out:
                yield from branch.all_paths()


def driven(root: Block, inner: dict[str, Block], fails: dict[str, int], data: st.DataObject) -> Driven:
    """Return a run of these workflows that was driven to its end."""
    run = Driven(plan_of(root, inner), data, Tally(fails), State.begin("hi", has_workflow=True))
    run.drive()
    return run


def _stored(state: State) -> State:
    cursor, texts = state.cursor(), state.texts
    assert State.sources(cursor) <= texts.keys()
    return State.restore(cursor, sequence=state.sequence, texts=texts)


class Namer:
    """Gives every step of a spec a name of its own."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        """Return the next name."""
        self.count += 1
        return f"s{self.count}"


@st.composite
def specs(draw: st.DrawFn, *, is_strict: bool = False) -> Drawn:
    """Draw a root workflow, the workflows inside it, and how often each step fails.

    ``is_strict`` leaves out everything that tolerates failures.
    """
    inner: dict[str, Block] = {}
    fails: dict[str, int] = {}
    name = Namer()

    def step(depth: int) -> Block:
        own = name()
        made: Block = {"id": own, "kind": "function", "ref": "f"}
        if depth < 2 and draw(st.integers(0, 3)) == 0:
            inner[own] = workflow(depth + 1)
            made |= {"kind": "workflow", "ref": own}
        else:
            fails[own] = draw(st.integers(0, 2))
        if not is_strict:
            made["max_retries"] = draw(st.integers(0, 1))
            made["on_error"] = draw(st.sampled_from(["fail", "fail", "continue"]))
        return made

    def workflow(depth: int) -> Block:
        shape = draw(st.sampled_from(SHAPES))
        steps = [step(depth) for _ in range(draw(st.integers(1, 3)))]
        names = [each["id"] for each in steps]
        match shape:
            case "sequential":
                return {"type": shape, "steps": [_with_fallback(draw, each, names, is_strict) for each in steps]}
            case "handoff":
                order = draw(st.lists(st.sampled_from(names), min_size=1, max_size=4))
                return {"type": shape, "participants": steps, "selector": {"type": "sequence", "sequence": order}}
            case "group-chat":
                return {"type": shape, "participants": steps, "rounds": draw(st.integers(1, 2))}
            case "graph":
                return {
                    "type": shape,
                    "start": names[0],
                    "nodes": dict(zip(names, steps, strict=True)),
                    "edges": _ways(names),
                }
        apart = {"max_parallel": 1} if draw(st.booleans()) else {}
        return {"type": shape, "participants": steps, **apart}

    return workflow(0), inner, fails


def _with_fallback(draw: st.DrawFn, step: Block, names: list[str], is_strict: bool) -> Block:
    others = [name for name in names if name != step["id"]]
    if is_strict or not others or draw(st.integers(0, 2)):
        return step
    return step | {"on_error": "fallback", "fallback_ref": draw(st.sampled_from(others))}


def _ways(names: list[str]) -> list[Block]:
    """Lead on when a node did what it was to do, and past the next one when it did not."""
    ways: list[Block] = []
    for index, name in enumerate(names):
        for status, target in (("failed", index + 2), ("completed", index + 1)):
            if target < len(names):
                condition = {"type": "status_is", "value": status}
                ways.append({"from": name, "to": names[target], "condition": condition})
    return ways


def plan_of(root: Block, inner: dict[str, Block]) -> Plan:
    """Return the plan of a spec with these workflows."""
    components = {"functions": {"f": {"implementation": "acme.f"}}, "workflows": inner}
    return compile_plan({"version": "v1", "agent": {"name": "a"}, "workflow": root, "components": components})


def compared(data: st.DataObject, spec: Drawn) -> None:
    """Run a spec by the model and by the engine, and compare."""
    root, inner, fails = spec
    model = Model(workflows=inner, fails=fails)
    try:
        expected: tuple[Status, str | None] = (Status.COMPLETED, model.run(root, "hi"))
    except StepFailed:
        expected = (Status.FAILED, None)
    run = driven(root, inner, fails, data)

    assert (run.status, run.output) == expected
    assert run.tally.recorded == model.calls
    if run.status is Status.COMPLETED or not run.fan_outs:  # a failed join records only its failure
        assert Counter(run.visits) == Counter(model.visits)
    assert (run.tally.done - run.tally.recorded).total() <= run.tally.crashes
    assert set(run.all_paths()) <= {1}


def gone_on(data: st.DataObject, spec: Drawn) -> None:
    """Go on with a run as often as it fails: in the end it did what an undisturbed one does, and nothing twice."""
    root, inner, fails = spec
    model = Model(workflows=inner, fails={})
    output = model.run(root, "hi")
    run = driven(root, inner, fails, data)
    for _ in range(1 + sum(fails.values())):
        if run.status is Status.FAILED:
            run.go_on()
            run.drive()

    assert (run.status, run.output) == (Status.COMPLETED, output)
    assert Counter(run.visits) == Counter(model.visits)
    assert set(run.all_paths()) <= {1}


@given(data=st.data(), spec=specs())
@settings(max_examples=300, deadline=None, suppress_health_check=UNHURRIED)
def test_the_engine_does_what_the_model_says(data: st.DataObject, spec: Drawn) -> None:
    compared(data, spec)


@given(data=st.data(), spec=specs(is_strict=True))
@settings(max_examples=200, deadline=None, suppress_health_check=UNHURRIED)
def test_going_on_after_failures_ends_like_an_undisturbed_run(data: st.DataObject, spec: Drawn) -> None:
    gone_on(data, spec)


@pytest.mark.storm
@given(data=st.data(), spec=specs())
@settings(max_examples=30_000, deadline=None, suppress_health_check=UNHURRIED)
def test_many_runs_do_what_the_model_says(data: st.DataObject, spec: Drawn) -> None:
    compared(data, spec)


@pytest.mark.storm
@given(data=st.data(), spec=specs(is_strict=True))
@settings(max_examples=10_000, deadline=None, suppress_health_check=UNHURRIED)
def test_many_runs_that_are_gone_on_with_end_well(data: st.DataObject, spec: Drawn) -> None:
    gone_on(data, spec)
