"""Fanning out under a lease: making branches runs of their own, and going on with what they came to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from kneo_project.transient import retry_transient
from runs import fan_outs, transitions
from runs.asking import Taken
from runs.engine import spreading
from runs.engine.actions import Join, Spread
from runs.engine.outcomes import Fault
from runs.engine.progress import RecordType
from runs.engine.spreading import AllEnded, Ended, NotSpreadable
from runs.engine.state import State
from runs.leases import Lease
from runs.models import Checkpoint, FanOut
from specs.language.plan import Plan, WorkflowPlan

STEP_ENDS = (RecordType.STEP_COMPLETED, RecordType.STEP_FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FannedOut(Taken):
    """A workflow that has fanned out into so many ``branches``; none when it was over at once."""

    branches: int = 0


@retry_transient
def spread(lease: Lease, plan: Plan, workflow: WorkflowPlan, state: State, action: Spread) -> FannedOut:
    """Make every branch of ``action`` a run, and remember in the same transaction that they are."""
    at = timezone.now()
    try:
        branches = spreading.branches_of(action, state)
    except NotSpreadable as error:
        progress = spreading.refuse(plan, workflow, state, action, error.fault, at)
        return FannedOut(progress=progress, lease=transitions.commit_step(lease, progress, at))
    if not branches:
        progress = spreading.join(plan, workflow, state, action, AllEnded(), at)
        return FannedOut(progress=progress, lease=transitions.commit_step(lease, progress, at))
    with transaction.atomic():
        fan_outs.lock(lease.within_id)
        fan_out = fan_outs.open_fan_out(lease.run_id, action, branches, at)
        progress = spreading.spread(plan, workflow, state, action, fan_out.pk, at)
        after = transitions.commit_step(lease, progress, at)
        if after is None:
            transaction.set_rollback(True)
    return FannedOut(progress=progress, lease=after, branches=len(branches))


@retry_transient
def take_join(lease: Lease, plan: Plan, workflow: WorkflowPlan, state: State, waiting: Sequence[Join]) -> Taken | None:
    """Go on with the first of the fan-outs ``waiting`` whose branches have all ended; None when there is none."""
    numbers = [action.number for action in waiting]
    fan_out = FanOut.objects.filter(pk__in=numbers, unfinished=0).order_by("pk").first()
    if fan_out is None:
        return None
    action = next(each for each in waiting if each.number == fan_out.pk)
    at = timezone.now()
    ended = tuple(_ended(fan_out, tuple(spreading.step_paths(action))))
    branches = AllEnded(ended=ended, variables=_set_by_branches(fan_out))
    progress = spreading.join(plan, workflow, state, action, branches, at)
    return Taken(progress=progress, lease=transitions.commit_step(lease, progress, at))


def _ended(fan_out: FanOut, paths: tuple[str, ...]) -> Iterator[Ended]:
    """Yield how each branch ended, in order: by its own end, and by what its step recorded if it got that far."""
    steps = _last_steps(fan_out, paths)
    for run in fan_out.branches.order_by("branch_index").only(
        "branch_index", "input_text", "error_type", "error_message"
    ):
        step = steps.get(run.branch_index or 0)
        fault = Fault(type=run.error_type, message=run.error_message or "") if run.error_type else None
        if step is None:
            yield Ended(text=run.input_text, fault=fault)
        else:
            yield _by_step(step, fault)


def _last_steps(fan_out: FanOut, paths: tuple[str, ...]) -> dict[int, Checkpoint]:
    recorded = Checkpoint.objects.filter(run__branch_of=fan_out, type__in=STEP_ENDS, path__in=set(paths))
    placed = recorded.annotate(branch_index=F("run__branch_index")).order_by("sequence")
    return {step.branch_index: step for step in placed}


def _by_step(step: Checkpoint, fault: Fault | None) -> Ended:
    tolerated = Fault(type=step.error_type, message=step.error_message or "") if step.error_type else None
    return Ended(
        text=step.input_text or "",
        output=None if fault else step.output_text,
        fault=fault or tolerated,
        attempt=step.attempt,
        started_at=step.started_at,
        details=step.details,
    )


def _set_by_branches(fan_out: FanOut) -> Mapping[str, Any]:
    """Return the variables that branches have set; of several who set the same the last in declared order counts."""
    cursors = fan_out.branches.order_by("branch_index").values_list("cursor", flat=True)
    known = fan_out.variables
    return {
        name: value
        for cursor in cursors.iterator()
        for name, value in cursor.get("variables", {}).items()
        if name not in known or known[name] != value
    }
