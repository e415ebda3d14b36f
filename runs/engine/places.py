"""From a line to what it asks for: into nested workflows and into the branches of concurrent ones."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace

from runs.engine import shapes
from runs.engine.actions import Action, AskHuman, Join, Place, RunStep, Spread
from runs.engine.state import Frame, Line, State
from specs.language.plan import ConcurrentPlan, HumanPlan, MapPlan, ParallelPlan, Plan, StepKind, StepPlan, WorkflowPlan

LONGEST_PREFIX = 700


def workflow_at(plan: Plan, root: WorkflowPlan, frame: Frame) -> WorkflowPlan:
    """Return the workflow that ``frame`` lies in; ``root`` is the run's own."""
    return root if frame.workflow is None else plan.workflows[frame.workflow]


def place_of(workflow: WorkflowPlan, frame: Frame, way: tuple[int, ...] = ()) -> Place:
    """Return the place of the step at ``frame``."""
    return Place(
        step=shapes.current(workflow, frame),
        shape=workflow.shape,
        workflow_name=workflow.name,
        way=way,
        prefix=frame.prefix,
        index=frame.at,
        iteration=shapes.iteration(workflow, frame),
    )


def work_at(workflow: WorkflowPlan, frame: Frame) -> StepPlan:
    """Return what does the step at ``frame``: the step itself, or the fallback that stands in for it."""
    step = shapes.current(workflow, frame)
    stand_in = shapes.fallback_of(workflow, step) if frame.in_fallback else None
    return stand_in or step


def unfolded(plan: Plan, root: WorkflowPlan, line: Line) -> Line:
    """Return ``line`` with its innermost place where there is something to do.

    A step that is a workflow is entered, a concurrent workflow is divided into its branches unless they are to be runs
    of their own.
    """
    if line.done or not line.frames:
        return line
    frame = line.top
    workflow = workflow_at(plan, root, frame)
    if fans_out(plan, workflow, frame):
        return line
    if isinstance(workflow, ConcurrentPlan) and not frame.is_branch:
        lines = frame.lines or shapes.branches(workflow, frame, line.text_at)
        return line.with_top(replace(frame, lines=tuple(unfolded(plan, root, branch) for branch in lines)))
    work = work_at(workflow, frame)
    if work.kind is not StepKind.WORKFLOW:
        return line
    inner = Frame(
        workflow=work.ref,
        input_at=line.text_at,
        prefix=_prefix(place_of(workflow, frame), work, frame),
        retry_at=frame.retry_at,
    )
    return unfolded(plan, root, replace(line, frames=(*line.frames, inner)))


def fans_out(plan: Plan, workflow: WorkflowPlan, frame: Frame) -> bool:
    """Return whether the branches of ``workflow``, which is at ``frame``, are to be runs of their own."""
    if not isinstance(workflow, ConcurrentPlan | MapPlan) or frame.is_branch or frame.lines:
        return False
    if isinstance(workflow, MapPlan) or frame.spread is not None:
        return True
    limits = (limit for limit in (plan.spread_above, workflow.max_parallel) if limit is not None)
    return any(len(workflow.steps) > limit for limit in limits)


def actions_of(plan: Plan, root: WorkflowPlan, state: State) -> Iterator[Action]:
    """Yield what each open line of ``state`` asks for."""
    for way, line, until in _open_lines(unfolded(plan, root, state.root), (), math.inf):
        workflow = workflow_at(plan, root, line.top)
        text = state.texts[line.text_at]
        if isinstance(workflow, ConcurrentPlan | MapPlan) and fans_out(plan, workflow, line.top):
            yield _fan_out(workflow, line, way, text)
            continue
        place = place_of(workflow, line.top, way)
        if line.asks is not None:
            yield AskHuman(place=place, human=HumanPlan(), text=text, asks=line.asks)
        elif place.step.kind is StepKind.HUMAN:
            yield AskHuman(place=place, human=plan.humans[place.step.ref], text=text)
        else:
            work, frame = work_at(workflow, line.top), line.top
            yield RunStep(
                place=place,
                work=work,
                text=text,
                text_at=line.text_at,
                attempt=frame.attempt,
                not_before=frame.retry_at,
                until=None if until == math.inf else until,
            )


def _fan_out(workflow: ParallelPlan, line: Line, way: tuple[int, ...], text: str) -> Spread | Join:
    frame = line.top
    if frame.spread is None:
        return Spread(way=way, workflow=workflow, frame=frame, text=text, text_at=line.text_at)
    return Join(way=way, workflow=workflow, frame=frame, text=text, number=frame.spread)


def _open_lines(line: Line, way: tuple[int, ...], until: float) -> Iterator[tuple[tuple[int, ...], Line, float]]:
    """Yield the lines where there is something to do, and when a workflow around them has to be over."""
    if line.done:
        return
    until = min([until, *(frame.until for frame in line.frames if frame.until is not None)])
    if not line.top.lines:
        yield way, line, until
    for index, branch in enumerate(line.top.lines):
        yield from _open_lines(branch, (*way, index), until)


def _prefix(place: Place, work: StepPlan, frame: Frame) -> str:
    """Return what the paths inside ``place`` begin with, different for each visit and each attempt."""
    visit = f"#{place.iteration}" if place.iteration > 1 else ""
    attempt = f"@{frame.attempt}" if frame.attempt > 1 else ""
    stand_in = "" if work is place.step else f"~{work.id}"
    prefix = f"{place.path}{stand_in}{visit}{attempt}/"
    if len(prefix) <= LONGEST_PREFIX:
        return prefix
    return f"{hashlib.sha256(prefix.encode()).hexdigest()}/"
