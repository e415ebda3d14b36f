"""The one driver. ``advance`` is the only code that moves a run forward, whatever made somebody call it."""

import logging
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from humantasks.services import new_task, open_task
from kneo_project.transient import retry_transient
from runs import heartbeat, services, steps, transitions
from runs.agents.errors import StepInterrupted
from runs.engine import interpreter
from runs.engine.actions import AskHuman, Finish, Work
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Fault
from runs.engine.progress import Progress, RecordType
from runs.engine.retrying import RetryPolicy
from runs.engine.state import State
from runs.heartbeat import Hold
from runs.leases import Lease
from runs.models import Checkpoint, Target
from specs.language.plan import Plan, SequentialPlan
from specs.services import load_plan

logger = logging.getLogger(__name__)


class Rest(StrEnum):
    """Why ``advance`` came back."""

    NOT_DUE = "not_due"
    SETTLED = "settled"
    RETRY_LATER = "retry_later"
    HANDED_OVER = "handed_over"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """How far ``advance`` came with which run; ``retry_after_seconds`` is set when that waits for its next attempt."""

    rest: Rest
    run_id: uuid.UUID | None = None
    retry_after_seconds: float | None = None


def advance(run_id: uuid.UUID | None, *, alone: bool = False) -> Advanced:
    """Drive the run as far as it can go now. Safe to call any number of times, anywhere: only one caller gets it.

    Without a run it is the due one that has waited longest. ``alone`` takes the runs that must run in a process of
    their own, and only those.
    """
    pulse = heartbeat.of_this_process()
    if pulse.is_stopping:
        return Advanced(rest=Rest.HANDED_OVER)
    pulse.ensure_alive()
    lease = transitions.claim(run_id, pulse.owner_id, alone=alone)
    if lease is None:
        return Advanced(rest=Rest.NOT_DUE)
    with pulse.holding(lease) as hold:
        return replace(_drive(lease, hold), run_id=lease.run_id)


def _drive(lease: Lease, hold: Hold) -> Advanced:
    try:
        return _Leg(lease, hold).drive()
    except StepInterrupted as interruption:
        logger.info("Run handed over", extra={"run_id": str(lease.run_id), "reason": str(interruption)})
        return _hand_over(lease)
    except steps.DeadlinePassed:
        return _time_out(lease)
    except Exception:
        logger.exception("Run cannot be advanced", extra={"run_id": str(lease.run_id)})
        transitions.fail(lease, Fault(type="internal_error", message="The service could not advance this run."))
        raise


class _Leg:
    """One lease's worth of driving: plan and state in memory, everything else in the database."""

    def __init__(self, lease: Lease, hold: Hold) -> None:
        self.lease = lease
        self.hold = hold
        self.plan: Plan = load_plan(lease.snapshot_id)
        self.workflow: SequentialPlan | None = self.plan.workflow if lease.target == Target.WORKFLOW else None
        self.state = State.restore(lease.cursor, text=_last_text(lease))
        self.policy = RetryPolicy(
            base_seconds=settings.STEP_RETRY_BACKOFF_SECONDS,
            max_seconds=settings.STEP_RETRY_BACKOFF_MAX_SECONDS,
            retry_on_timeout=settings.WORKFLOW_RETRY_ON_TIMEOUT,
        )

    def drive(self) -> Advanced:
        """Take one action after another until the run rests."""
        while True:
            if heartbeat.of_this_process().is_stopping:
                return _hand_over(self.lease)
            if self.lease.deadline_at and self.lease.deadline_at <= timezone.now():
                return _time_out(self.lease)
            action = interpreter.next_action(self.plan, self.workflow, self.state)
            if isinstance(action, AskHuman):
                return self._ask(action)
            advanced = self._remember(self._progress(action))
            if advanced is not None:
                return advanced

    def _progress(self, action: Work | Finish) -> Progress:
        if isinstance(action, Finish):
            return interpreter.finish(self.workflow, self.state, timezone.now())
        outcome = steps.perform(self.plan, action, self.lease, self.hold.begin_attempt())
        return interpreter.absorb(self.workflow, self.state, action, outcome, self.policy)

    def _remember(self, progress: Progress) -> Advanced | None:
        lease = transitions.commit_step(self.lease, progress, timezone.now())
        if lease is None:
            return Advanced(rest=Rest.LOST)
        if progress.retry_after_seconds is not None:
            return Advanced(rest=Rest.RETRY_LATER, retry_after_seconds=progress.retry_after_seconds)
        if progress.status is not Status.RUNNING:
            return Advanced(rest=Rest.SETTLED)
        self.lease = lease
        self.state = progress.state or self.state
        return None

    def _ask(self, action: AskHuman) -> Advanced:
        if self.workflow is None:
            raise AssertionError("a question without a workflow")
        blocked = _block(self.lease, self.workflow, self.state, action, timezone.now())
        return Advanced(rest=Rest.SETTLED if blocked else Rest.LOST)


@retry_transient
def _block(lease: Lease, workflow: SequentialPlan, state: State, action: AskHuman, at: datetime) -> bool:
    """Pause the run and open its human task: both or neither."""
    task = new_task(lease.run_id, action.human, text=action.text, at=at)
    task.path = task.step_id = action.step.id
    task.iteration = action.iteration
    task.step_index = action.index
    task.workflow_name = workflow.name
    task.shape = "sequential"
    details = {"continuation_id": str(task.pk), "request": task.as_request()}
    with transaction.atomic():
        if not transitions.block(lease, interpreter.ask(workflow, state, action, details, at), at):
            return False
        open_task(task)
    return True


def _last_text(lease: Lease) -> str:
    """Return what the next step receives: the raw output of the last recorded step, or the run's input."""
    if lease.sequence == 1:
        return lease.input_text
    done = Checkpoint.objects.filter(run_id=lease.run_id, type=RecordType.STEP_COMPLETED)
    last = done.order_by("-sequence").values_list("output_text", flat=True).first()
    return lease.input_text if last is None else last


def _hand_over(lease: Lease) -> Advanced:
    released = transitions.release(lease.run_id, lease.fence)
    return Advanced(rest=Rest.HANDED_OVER if released else Rest.LOST)


def _time_out(lease: Lease) -> Advanced:
    return Advanced(rest=Rest.SETTLED if services.time_out_run(lease.run_id) else Rest.LOST)
