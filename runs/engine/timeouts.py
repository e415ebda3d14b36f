"""Steps that are workflows and have a timeout: when their time begins, when it is over, and what follows then.

Their clock starts when they are entered, and runs while people are asked and signals waited for inside them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from runs.engine import interpreter
from runs.engine.ledger import Ledger
from runs.engine.outcomes import Failed, Fault
from runs.engine.places import unfolded, work_at, workflow_at
from runs.engine.progress import Progress
from runs.engine.retrying import RetryPolicy
from runs.engine.state import Line, State
from runs.engine.walk import Walk
from specs.language.plan import Plan, WorkflowPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A workflow whose time is over: the frame number ``depth`` of the line that ``way`` leads to."""

    way: tuple[int, ...]
    depth: int
    prefix: str


def have_to_begin(plan: Plan, workflow: WorkflowPlan, state: State) -> bool:
    """Return whether a workflow was entered whose time has not begun."""
    lines = _lines(unfolded(plan, workflow, state.root), ())
    return any(
        frame.until is None and not frame.started and work_at(workflow_at(plan, workflow, outer), outer).timeout_seconds
        for _, line in lines
        for outer, frame in zip(line.frames, line.frames[1:], strict=False)
    )


def begin(plan: Plan, workflow: WorkflowPlan, state: State, at: datetime) -> Progress:
    """Return what changes when the time of every workflow that was entered begins at ``at``."""
    return interpreter.progress_of(state, interpreter.begun(plan, workflow, state, at))


def soonest(state: State) -> float | None:
    """Return when the first of the workflows that are under way has to be over (seconds since the epoch)."""
    moments = [f.until for _, line in _lines(state.root, ()) for f in line.frames if f.until is not None]
    return min(moments, default=None)


def overdue(state: State, now: float) -> Overdue | None:
    """Return the outermost workflow whose time is over at ``now`` (seconds since the epoch), if there is one."""
    for way, line in _lines(state.root, ()):
        for depth, frame in enumerate(line.frames):
            if frame.until is not None and frame.until <= now:
                return Overdue(way=way, depth=depth, prefix=frame.prefix)
    return None


def time_out(
    plan: Plan, workflow: WorkflowPlan, state: State, where: Overdue, policy: RetryPolicy, at: datetime
) -> Progress:
    """Return what changes when the workflow ``where`` has taken too long: the step that it is has failed."""
    outer = state.line_at(where.way).frames[where.depth - 1]
    seconds = work_at(workflow_at(plan, workflow, outer), outer).timeout_seconds or 0
    fault = Fault(type="RetryTimeoutError", message=f"Operation timed out after {seconds:g} seconds.")
    walk = Walk(plan, workflow, state, Ledger(state.sequence, state.texts, at), policy)
    walk.time_out(where.way, where.depth, Failed(fault=fault, started_at=at, finished_at=at, is_timeout=True))
    return interpreter.progress_of(state, walk)


def _lines(line: Line, way: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Line]]:
    """Yield the open lines, the outer ones first."""
    if line.done or not line.frames:
        return
    yield way, line
    for index, branch in enumerate(line.top.lines):
        yield from _lines(branch, (*way, index))
