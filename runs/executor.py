"""The one driver. ``advance`` is the only code that moves a run forward, whatever made somebody call it."""

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from django.conf import settings
from django.utils import timezone

from kneo_project import spans
from kneo_project.queues import DEFAULT_QUEUE
from kneo_project.room import room
from kneo_project.transient import is_away
from runs import asking, awaiting, branching, heartbeat, services, spreading, steps, timing, tracing, transitions
from runs.agents.errors import StepInterrupted
from runs.asking import Asked
from runs.awaiting import Rested, is_idle, waits_for_signal
from runs.engine import interpreter, timeouts
from runs.engine.actions import AskHuman, Join, RunAgent, RunStep, Spread, Work
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Asks, Fault, Outcome
from runs.engine.progress import Progress
from runs.engine.state import State
from runs.heartbeat import Hold
from runs.leases import Lease
from runs.models import Target
from runs.restoring import restore_state
from runs.retrying import retry_policy
from specs.language.plan import Plan, WorkflowPlan
from specs.services import load_plan

logger = logging.getLogger(__name__)
CLOCK_SKEW_SECONDS = 2.0


class Rest(StrEnum):
    """Why ``advance`` came back."""

    NOT_DUE = "not_due"
    SETTLED = "settled"
    RETRY_LATER = "retry_later"
    HANDED_OVER = "handed_over"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """How far ``advance`` came with which run; ``retry_after_seconds`` is set when that waits for its next attempt.

    ``branches`` is how many runs of the same queue have come into being that other workers could begin with.
    ``traceparent`` is where the run's trace begins.
    """

    rest: Rest
    run_id: uuid.UUID | None = None
    retry_after_seconds: float | None = None
    branches: int = 0
    traceparent: str | None = None


def advance(run_id: uuid.UUID | None, *, queue: str = DEFAULT_QUEUE, alone: bool = False) -> Advanced:
    """Drive the run as far as it can go now. Safe to call any number of times, anywhere: only one caller gets it.

    Without a run it is the one of ``queue`` whose turn it is. ``alone`` takes the runs that must run in a process of
    their own, and only those.
    """
    pulse = heartbeat.of_this_process()
    if pulse.is_stopping:
        return Advanced(rest=Rest.HANDED_OVER)
    if not room.admits_work():
        return Advanced(rest=Rest.NOT_DUE)
    pulse.ensure_alive()
    began = time.time_ns()
    lease = transitions.claim(run_id, pulse.owner_id, queue=queue, alone=alone)
    if lease is None:
        return Advanced(rest=Rest.NOT_DUE)
    with tracing.leg(lease, began) as span, pulse.holding(lease) as hold:
        advanced = _drive(lease, hold)
        span.note({"kneo.run.rest": advanced.rest.value})
    return replace(advanced, run_id=lease.run_id, traceparent=lease.traceparent)


def _drive(lease: Lease, hold: Hold) -> Advanced:
    try:
        leg = _Leg(lease, hold)
        advanced = leg.drive()
        room.note_success()
        return replace(advanced, branches=leg.branches)
    except StepInterrupted as interruption:
        logger.info("Run handed over", extra={"reason": str(interruption)})
        return _hand_over(lease)
    except steps.DeadlinePassed:
        return _time_out(lease)
    except Exception as error:
        if is_away(error):
            # No fault of the run: nobody holds it from here on, so the heartbeat gives it back once it can.
            logger.warning("Run left alone: the database cannot be used", extra={"reason": str(error)})
            raise
        logger.exception("Run cannot be advanced")
        transitions.fail(lease, Fault(type="internal_error", message="The service could not advance this run."))
        raise


class _Leg:
    """One lease's worth of driving: plan and state in memory, everything else in the database."""

    def __init__(self, lease: Lease, hold: Hold) -> None:
        self.lease = lease
        self.hold = hold
        self.is_fresh = True
        self.branches = 0
        self.plan: Plan = load_plan(lease.snapshot_id)
        self.workflow = interpreter.root_workflow(self.plan, wants_agent=lease.target == Target.AGENT)
        self.state = restore_state(
            lease.run_id,
            cursor=lease.cursor,
            sequence=lease.sequence,
            input_text=lease.input_text,
            has_workflow=self.workflow is not None,
        )
        self.policy = retry_policy()
        names = {"kneo.workflow.name": self.workflow and self.workflow.name, "kneo.agent.name": self.plan.agent.name}
        spans.here().note(names)

    @property
    def _own_workflow(self) -> WorkflowPlan:
        """The workflow, of a run that has one: only its steps fan out, and wait for signals."""
        if self.workflow is None:
            raise AssertionError("an agent alone has no workflow")
        return self.workflow

    def drive(self) -> Advanced:
        """Take one action after another until the run rests."""
        while True:
            if heartbeat.of_this_process().is_stopping:
                return _hand_over(self.lease)
            if self.lease.deadline_at and self.lease.deadline_at <= timezone.now():
                return _time_out(self.lease)
            advanced = self._forward()
            if advanced is not None:
                return advanced

    def _forward(self) -> Advanced | None:
        """Take up what came in, put new questions, or do what there is to do; return why to come back, if there is."""
        if self.workflow is not None and self.plan.has_timed_workflows:
            timed = timing.keep_time(self.lease, self.plan, self.workflow, self.state, self.policy)
            if timed is not None:
                return self._settled(timed.progress, timed.lease)
        actions = interpreter.next_actions(self.plan, self.workflow, self.state)
        spread = next((action for action in actions if isinstance(action, Spread)), None)
        if spread is not None:
            return self._spread(spread)
        questions = [action for action in actions if isinstance(action, AskHuman)]
        joins = [action for action in actions if isinstance(action, Join)]
        signals = [action for action in actions if isinstance(action, RunStep) and waits_for_signal(action)]
        work: list[Work] = [action for action in actions if isinstance(action, RunAgent)]
        work += [action for action in actions if isinstance(action, RunStep) and action not in signals]
        taken = self._taken(questions, signals, joins)
        if taken is not None:
            return self._settled(taken.progress, taken.lease)
        now = timezone.now().timestamp()
        idle = [action for action in signals if is_idle(action, now)]
        work += [action for action in signals if action not in idle]
        if questions:
            is_working = bool(work or idle or joins)
            advanced = self._ask(questions, is_working=is_working)
            if advanced is not None or not is_working:
                return advanced
        if not (questions or signals or joins):
            return self._do(work)
        ready = self._ready(work)
        return self._do_all(ready) if ready else self._rest([*work, *idle], joins)

    def _spread(self, action: Spread) -> Advanced | None:
        """Make the branches of ``action`` runs of their own; other workers are to be told of them."""
        taken = spreading.spread(self.lease, self.plan, self._own_workflow, self.state, action)
        self.branches += taken.branches
        return self._settled(taken.progress, taken.lease)

    def _taken(self, questions: list[AskHuman], signals: list[RunStep], joins: list[Join]) -> asking.Taken | None:
        """Take up one answer, one signal or one fan-out's end that came; None when there is none."""
        taken = asking.take_answer(self.lease, self.plan, self.workflow, self.state) if questions else None
        if taken is None and signals:
            taken = awaiting.take_signal(self.lease, self.plan, self._own_workflow, self.state, signals)
        if taken is None and joins:
            taken = spreading.take_join(self.lease, self.plan, self._own_workflow, self.state, joins)
        return taken

    def _ready(self, work: Sequence[Work]) -> list[Work]:
        """Return what can be done now. A run that was just claimed may be a little early by this machine's clock."""
        now = timezone.now().timestamp() + (CLOCK_SKEW_SECONDS if self.is_fresh else 0)
        self.is_fresh = False
        return [action for action in work if action.not_before is None or action.not_before <= now]

    def _rest(self, waiting: Sequence[Work], joins: Sequence[Join]) -> Advanced | None:
        """Let the run rest until somebody has something for it, or the first of those ``waiting`` has its time."""
        moments = [action.not_before for action in waiting if action.not_before is not None]
        soonest = timeouts.soonest(self.state)
        moments += [] if soonest is None else [soonest]
        names = frozenset(
            action.work.ref for action in waiting if isinstance(action, RunStep) and waits_for_signal(action)
        )
        until = min(moments, default=None)
        numbers = frozenset(action.number for action in joins)
        match awaiting.rest(self.lease, awaiting.Wait(signals=names, fan_outs=numbers, until=until)):
            case Rested.LOST:
                return Advanced(rest=Rest.LOST)
            case Rested.AGAIN:
                return None
        if until is None:
            return Advanced(rest=Rest.SETTLED)
        delay = max(0.0, until - timezone.now().timestamp())
        return Advanced(rest=Rest.RETRY_LATER, retry_after_seconds=delay)

    def _do(self, work: Sequence[Work]) -> Advanced | None:
        """Do what can be done now, or wait for the first that can."""
        ready = self._ready(work)
        if not ready:
            now = timezone.now().timestamp()
            delay = min(action.not_before or now for action in work) - now
            return self._remember(Progress(retry_after_seconds=max(0.0, delay)), others=False)
        if len(work) > 1:
            return self._do_all(ready)
        outcome = steps.perform(self.plan, ready[0], self.lease, self.hold.begin_attempt())
        return self._absorb(ready[0], outcome, others=False)

    def _do_all(self, ready: Sequence[Work]) -> Advanced | None:
        """Do all that is ``ready``, branches beside each other; remember each as it comes back."""
        interrupt = self.hold.begin_attempt()
        most = settings.MAX_PARALLEL_STEPS
        with branching.performed(self.plan, ready[:most], self.lease, interrupt) as performed:
            for action, outcome in performed:
                advanced = self._absorb(action, outcome, others=True)
                if advanced is not None:
                    return advanced
        return None

    def _absorb(self, action: Work, outcome: Outcome, *, others: bool) -> Advanced | None:
        if isinstance(outcome, Asks):
            taken = asking.pause(self.lease, self.plan, self.workflow, self.state, action, outcome)
            return self._settled(taken.progress, taken.lease)
        progress = interpreter.absorb(self.plan, self.workflow, self.state, action, outcome, self.policy)
        return self._remember(progress, others=others)

    def _remember(self, progress: Progress, *, others: bool) -> Advanced | None:
        if others:
            progress = replace(progress, retry_after_seconds=None)
        if progress.retry_after_seconds is not None:
            seconds = _within_time(progress.retry_after_seconds, progress.state or self.state)
            progress = replace(progress, retry_after_seconds=seconds)
        return self._settled(progress, transitions.commit_step(self.lease, progress, timezone.now()))

    def _settled(self, progress: Progress, lease: Lease | None) -> Advanced | None:
        """Go on under ``lease``, after ``progress`` was written, or return why to come back."""
        if lease is None:
            return Advanced(rest=Rest.LOST)
        room.note_success()
        if progress.retry_after_seconds is not None:
            return Advanced(rest=Rest.RETRY_LATER, retry_after_seconds=progress.retry_after_seconds)
        if progress.status is not Status.RUNNING:
            tracing.tell_end(progress)
            return Advanced(rest=Rest.SETTLED)
        self.lease = lease
        self.state = progress.state or self.state
        return None

    def _ask(self, questions: list[AskHuman], *, is_working: bool) -> Advanced | None:
        put = asking.put(self.lease, self.plan, self.workflow, self.state, questions, is_working=is_working)
        if put.asked is Asked.LOST or put.lease is None:
            return Advanced(rest=Rest.LOST)
        if put.asked is Asked.WAITING and not is_working:
            tracing.tell_end(Progress(status=Status.BLOCKED))
            return Advanced(rest=Rest.SETTLED)
        self.lease = put.lease
        self.state = put.state or self.state
        return None


def _within_time(seconds: float, state: State) -> float:
    """Return how long to leave a run at ``state`` alone: ``seconds``, unless a workflow has to be over before."""
    soonest = timeouts.soonest(state)
    return seconds if soonest is None else min(max(0.0, soonest - timezone.now().timestamp()), seconds)


def _hand_over(lease: Lease) -> Advanced:
    released = transitions.release(lease.run_id, lease.fence)
    return Advanced(rest=Rest.HANDED_OVER if released else Rest.LOST)


def _time_out(lease: Lease) -> Advanced:
    if not services.time_out_run(lease.run_id):
        return Advanced(rest=Rest.LOST)
    tracing.tell_end(Progress(status=Status.TIMED_OUT))
    return Advanced(rest=Rest.SETTLED)
