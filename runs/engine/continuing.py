"""Going on with a run that failed, from where it failed: what is finished stays finished."""

from dataclasses import replace

from runs.engine.places import workflow_at
from runs.engine.state import Frame, Line, State
from specs.language.plan import GraphPlan, Plan, WorkflowPlan


def revived(plan: Plan, workflow: WorkflowPlan | None, state: State) -> State:
    """Return ``state`` with everything that failed ready to be tried again.

    The step that failed has all its attempts again, and a graph that ran too far as many visits as at the beginning.
    Workflows around it keep the attempts they have used, as the steps inside are named by them; their time begins anew.
    """
    if workflow is None:
        return replace(state, root=replace(state.root, asks=None))
    return replace(state, root=_line(plan, workflow, state.root))


def _line(plan: Plan, root: WorkflowPlan, line: Line) -> Line:
    if not line.frames:
        return line
    frame = line.top
    if frame.lines:
        frame = replace(frame, lines=tuple(_line(plan, root, branch) for branch in frame.lines))
    elif line.fault or not line.done:
        frame = _frame(workflow_at(plan, root, frame), frame)
    anew = (replace(each, started=False, until=None) if each.until is not None else each for each in line.frames[:-1])
    if frame.until is not None:
        frame = replace(frame, started=False, until=None)
    return replace(line, frames=(*anew, frame), done=line.done and line.fault is None, fault=None, asks=None)


def _frame(workflow: WorkflowPlan, frame: Frame) -> Frame:
    is_used_up = isinstance(workflow, GraphPlan) and frame.at >= workflow.max_steps
    return replace(frame, attempt=1, retry_at=None, at=0 if is_used_up else frame.at)
