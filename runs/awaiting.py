"""What a run that a worker drives waits for without holding it: signals from outside, answers, the time to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from humantasks.models import HumanTask
from kneo_project.transient import retry_transient
from runs import transitions
from runs.asking import Taken
from runs.engine import interpreter
from runs.engine.actions import RunStep
from runs.engine.outcomes import Succeeded
from runs.engine.retrying import RetryPolicy
from runs.engine.state import State
from runs.leases import Lease
from runs.models import FanOut, Signal
from runs.signal_texts import text_of, variables_of
from specs.language.plan import Plan, StepKind, WorkflowPlan


class Rested(StrEnum):
    """What came of letting a run rest."""

    RESTS = "rests"
    AGAIN = "again"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a run waits for: signals by name, the ends of fan-outs, perhaps answers, and the moment ``until`` (seconds
    since the epoch).
    """

    signals: frozenset[str]
    fan_outs: frozenset[int]
    until: float | None


def waits_for_signal(action: object) -> bool:
    """Return whether ``action`` is a step that a signal ends."""
    return isinstance(action, RunStep) and action.work.kind is StepKind.SIGNAL


def is_idle(action: RunStep, now: float) -> bool:
    """Return whether only a signal can do anything for ``action`` now: it has no timeout to set, and none is over."""
    return not action.work.timeout_seconds if action.not_before is None else action.not_before > now


@retry_transient
def take_signal(
    lease: Lease, plan: Plan, workflow: WorkflowPlan, state: State, waiting: Sequence[RunStep]
) -> Taken | None:
    """Let the first signal that came for one of the ``waiting`` steps end that step; None when there is none."""
    names = {action.work.ref for action in waiting}
    signal = Signal.objects.filter(run_id=lease.run_id, name__in=names, taken_at=None).order_by("pk").first()
    if signal is None:
        return None
    action = next(each for each in waiting if each.work.ref == signal.name)
    outcome = Succeeded(
        text=text_of(signal.payload),
        started_at=signal.received_at,
        finished_at=timezone.now(),
        variables=variables_of(plan.signals[signal.name], signal.payload),
        details={"signal": signal.name, "signal_id": signal.pk},
    )
    progress = interpreter.absorb(plan, workflow, state, action, outcome, RetryPolicy())
    with transaction.atomic():
        after = transitions.commit_step(lease, progress, timezone.now())
        if after is not None:
            Signal.objects.filter(pk=signal.pk).update(taken_at=timezone.now())
    return Taken(progress=progress, lease=after)


@retry_transient
def rest(lease: Lease, wait: Wait) -> Rested:
    """Give the run back until somebody has something for it, or its time has come.

    Whoever tells a run something locks its row first, so from here on he finds one that nobody drives and wakes it.
    """
    with transaction.atomic():
        if not transitions.rest(lease, wait.until):
            return Rested.LOST
        if _has_come(lease, wait):
            transaction.set_rollback(True)
            return Rested.AGAIN
    return Rested.RESTS


def _has_come(lease: Lease, wait: Wait) -> bool:
    """Return whether something is there by now that the run would wait for."""
    return (
        Signal.objects.filter(run_id=lease.run_id, name__in=wait.signals, taken_at=None).exists()
        or FanOut.objects.filter(pk__in=wait.fan_outs, unfinished=0).exists()
        or HumanTask.objects.answered_for(lease.run_id).exists()
    )
