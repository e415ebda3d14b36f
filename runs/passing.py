"""Steps that let time pass: a wait, and a signal that does not come in time."""

from datetime import datetime

from runs.engine.actions import RunStep
from runs.engine.outcomes import Deferred, Failed, Fault, Settled, Succeeded
from specs.language.plan import Plan, StepKind

RESTING_KINDS = frozenset({StepKind.WAIT, StepKind.SIGNAL})


def passing(plan: Plan, action: RunStep, now: datetime) -> Settled:
    """Return what the step of ``action`` comes to at ``now``: later, done, or (a signal) too late."""
    if action.work.kind is StepKind.SIGNAL:
        return _signal(action, now)
    wait = plan.waits[action.work.ref]
    begun = now.timestamp()
    until = action.not_before or (wait.until if wait.until is not None else begun + (wait.seconds or 0))
    if until > begun:
        return Deferred(until=until, started_at=now, finished_at=now)
    return Succeeded(text=action.text, started_at=now, finished_at=now)


def _signal(action: RunStep, now: datetime) -> Settled:
    seconds = action.work.timeout_seconds or 0
    if action.not_before is None:
        return Deferred(until=now.timestamp() + seconds, started_at=now, finished_at=now)
    message = f"The signal {action.work.ref!r} did not come within {seconds:g} seconds."
    fault = Fault(type="SignalTimeout", message=message)
    return Failed(fault=fault, started_at=now, finished_at=now, is_retriable=False, is_timeout=True)
