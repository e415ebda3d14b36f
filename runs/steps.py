"""Doing the work of one action.

No database transaction is open here: agents and functions may wait for anybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from kneo_project.prices import NANOS
from kneo_project.strict_json import storable
from runs import fan_outs, tracing
from runs.agent_work import (
    agents_of,
    checked_output,
    details_of,
    events_of,
    failed,
    kept_once,
    may_be_tried_again,
    usage_of,
)
from runs.agents.answering import AgentReply, Agents
from runs.agents.budget import Meter
from runs.agents.context import StepContext
from runs.agents.errors import StepInterrupted
from runs.agents.function_schemas import check_input, check_output
from runs.agents.functions import call_function
from runs.agents.interrupt import Interrupt
from runs.agents.loop import run_agent
from runs.agents.models.provider import Message
from runs.agents.people import PersonNeeded, Question
from runs.bounded import TookTooLong, bounded
from runs.engine.actions import RunAgent, RunStep, Work
from runs.engine.outcomes import Asks, Deferred, Failed, Fault, Outcome, Succeeded
from runs.histories import history_of
from runs.journals import journal_of
from runs.leases import Lease
from runs.nested import workflow_answer
from runs.passing import RESTING_KINDS, passing
from specs.language.plan import FunctionPlan, Plan, StepKind
from specs.language.variables import variables_from


class DeadlinePassed(Exception):
    """The run's deadline passed while a step was running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    """How long to wait for an attempt, and what it means when that is over: ``is_outer`` for a workflow around it."""

    seconds: float | None
    is_deadline: bool = False
    is_outer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What belongs to one attempt."""

    started_at: datetime
    context: StepContext
    agents: Agents
    history: Sequence[Message]


def perform(plan: Plan, action: Work, lease: Lease, interrupt: Interrupt) -> Outcome:
    """Do the work of ``action`` and return what came of it.

    Raises StepInterrupted when ``interrupt`` was tripped and DeadlinePassed when the run's deadline passed: in both
    cases nobody waits for the work any more, and its result, should there ever be one, is dropped.
    """
    with tracing.step(action, lease.run_id) as span:
        outcome = _performed(plan, action, lease, interrupt)
        tracing.tell_outcome(span, outcome)
    return outcome


def _performed(plan: Plan, action: Work, lease: Lease, interrupt: Interrupt) -> Outcome:
    if isinstance(action, RunStep) and action.work.kind in RESTING_KINDS:
        return passing(plan, action, timezone.now())
    context = _context(action, lease, interrupt)
    task = _Task(
        started_at=timezone.now(),
        context=context,
        agents=agents_of(
            plan, context, journal=journal_of(lease, action), meter=_meter(lease), run_workflow=workflow_answer
        ),
        history=history_of(lease, plan, action),
    )
    limit = _limit(action, lease.deadline_at, task.started_at)
    try:
        return bounded(lambda: _work(plan, action, task), interrupt, limit.seconds)
    except PersonNeeded as needed:
        return _asks(needed.question, task)
    except StepInterrupted:
        raise
    except TookTooLong:
        if limit.is_deadline:
            raise DeadlinePassed from None
        if limit.is_outer:
            return Deferred(until=task.started_at.timestamp(), started_at=task.started_at, finished_at=timezone.now())
        return _timed_out(limit, task)
    except Exception as error:  # noqa: BLE001 - whatever a spec's code raises is the step's failure, not ours
        return _failure(error, task)


def _context(action: Work, lease: Lease, interrupt: Interrupt) -> StepContext:
    return StepContext(
        run_id=str(lease.run_id),
        step_path=action.path,
        iteration=action.iteration,
        attempt=action.attempt,
        interrupt=interrupt,
    )


def _meter(lease: Lease) -> Meter:
    """Return a meter that knows how many tokens, and how much money, the run may still use."""
    tokens = lease.token_budget or settings.RUN_TOKEN_BUDGET
    money = lease.cost_budget_nanos or round(settings.RUN_COST_BUDGET * NANOS)
    if not tokens and not money:
        return Meter()
    spent = (lease.total_tokens or 0, lease.cost_nanos or 0)
    if lease.within_id:
        spent = fan_outs.spent_within(lease.within_id)
    return Meter(
        left=max(0, tokens - spent[0]) if tokens else None, money_left=max(0, money - spent[1]) if money else None
    )


def _limit(action: Work, deadline_at: datetime | None, now: datetime) -> _Limit:
    """Return what ends first: the step's own timeout, that of a workflow around it, or the run's deadline."""
    limits = []
    if isinstance(action, RunStep):
        if action.work.timeout_seconds and action.work.timeout_seconds > 0:
            limits.append(_Limit(seconds=action.work.timeout_seconds))
        if action.until is not None:
            limits.append(_Limit(seconds=max(0.0, action.until - now.timestamp()), is_outer=True))
    if deadline_at is not None:
        limits.append(_Limit(seconds=max(0.0, (deadline_at - now).total_seconds()), is_deadline=True))
    return min(limits, key=lambda limit: limit.seconds or 0, default=_Limit(seconds=None))


def _timed_out(limit: _Limit, task: _Task) -> Failed:
    return Failed(
        fault=Fault(type="RetryTimeoutError", message=f"Operation timed out after {limit.seconds:g} seconds."),
        started_at=task.started_at,
        finished_at=timezone.now(),
        is_retriable=may_be_tried_again(task.agents),
        is_timeout=True,
        usage=usage_of(task.agents),
        events=events_of(task.agents),
    )


def _asks(question: Question, task: _Task) -> Asks:
    """Return that a person is asked. What the step has cost and done by then is told when it is done."""
    return Asks(
        key=question.key,
        digest=question.digest,
        title=question.title,
        prompt=storable(question.prompt),
        text=storable(question.text),
        context=storable(question.context),
        approver=question.approver,
        is_escalated=question.is_escalated,
        started_at=task.started_at,
        finished_at=timezone.now(),
    )


def _work(plan: Plan, action: Work, task: _Task) -> Succeeded:
    done = _agent_alone(action, task) if isinstance(action, RunAgent) else _step(plan, action, task)
    return replace(done, finished_at=timezone.now(), usage=usage_of(task.agents), events=events_of(task.agents))


def _agent_alone(action: RunAgent, task: _Task) -> Succeeded:
    reply = run_agent(task.agents, action.agent, action.text, task.history)
    return _answered(reply, details_of(action.agent, reply), task)


def _step(plan: Plan, action: RunStep, task: _Task) -> Succeeded:
    """Do the work of a step; only what the workflow guardrails let pass flows on."""
    ref = action.work.ref
    if action.work.kind is StepKind.AGENT:
        agent = plan.agents[ref]
        reply = run_agent(task.agents, agent, action.text, task.history)
        done = _answered(reply, details_of(agent, reply) | {"agent_ref": ref}, task)
    else:
        done = _called(plan.functions[ref], action, task)
    text, changes = checked_output(task.agents, plan.agent, done.text)
    text = storable(text)
    return replace(done, text=text, details={**done.details, **changes}) if changes or text != done.text else done


def _answered(reply: AgentReply, details: Mapping[str, Any], task: _Task) -> Succeeded:
    return Succeeded(
        text=storable(reply.text),
        started_at=task.started_at,
        finished_at=task.started_at,
        details=details,
    )


def _called(function: FunctionPlan, action: RunStep, task: _Task) -> Succeeded:
    check_input(function, action.text)
    text = kept_once(task.agents, "function", lambda: storable(_call(function, action, task)))
    check_output(function, text)
    variables = variables_from(function.sets, text)
    return Succeeded(text=text, started_at=task.started_at, finished_at=task.started_at, variables=variables)


def _call(function: FunctionPlan, action: RunStep, task: _Task) -> str:
    return call_function(function, action.text, context=task.context, allowed_modules=settings.FUNCTION_MODULES)


def _failure(error: Exception, task: _Task) -> Failed:
    failure = failed(error, task.agents, started_at=task.started_at)
    return replace(failure, usage=usage_of(task.agents), events=events_of(task.agents))
