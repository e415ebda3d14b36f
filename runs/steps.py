"""Doing the work of one action.

No database transaction is open here: agents and functions may wait for anybody.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from kneo_project.redaction import redact_text
from runs.agents.context import StepContext
from runs.agents.errors import AgentError, MaxIterationsReached, StepInterrupted
from runs.agents.functions import call_function
from runs.agents.interrupt import Interrupt
from runs.agents.loop import AgentReply, run_agent
from runs.agents.settings import AgentSettings
from runs.bounded import TookTooLong, bounded
from runs.engine.actions import RunAgent, Work
from runs.engine.outcomes import Event, EventType, Failed, Fault, Outcome, Succeeded, Usage
from runs.leases import Lease
from specs.language.agent_plan import AgentPlan
from specs.language.plan import Plan, StepKind
from specs.language.variables import variables_from


class DeadlinePassed(Exception):
    """The run's deadline passed while a step was running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    """How long to wait for an attempt, and what it means when that is over."""

    seconds: float | None
    is_deadline: bool


def perform(plan: Plan, action: Work, lease: Lease, interrupt: Interrupt) -> Outcome:
    """Do the work of ``action`` and return what came of it.

    Raises StepInterrupted when ``interrupt`` was tripped and DeadlinePassed when the run's deadline passed: in both
    cases nobody waits for the work any more, and its result, should there ever be one, is dropped.
    """
    started_at = timezone.now()
    context = StepContext(
        run_id=str(lease.run_id),
        step_path=action.path,
        iteration=action.iteration,
        attempt=action.attempt,
        interrupt=interrupt,
    )
    limit = _limit(action, lease.deadline_at, started_at)
    try:
        return bounded(lambda: _work(plan, action, context, started_at), interrupt, limit.seconds)
    except StepInterrupted:
        raise
    except TookTooLong:
        if limit.is_deadline:
            raise DeadlinePassed from None
        fault = Fault(type="RetryTimeoutError", message=f"Operation timed out after {limit.seconds:g} seconds.")
        return Failed(fault=fault, started_at=started_at, finished_at=timezone.now(), is_timeout=True)
    except Exception as error:  # noqa: BLE001 - whatever a spec's code raises is the step's failure, not ours
        return _failure(action, error, started_at)


def storable(text: str) -> str:
    """Return ``text`` without what no database can store: NUL characters and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _limit(action: Work, deadline_at: datetime | None, now: datetime) -> _Limit:
    timeout = None if isinstance(action, RunAgent) else action.work.timeout_seconds
    timeout = timeout if timeout and timeout > 0 else None
    if deadline_at is None:
        return _Limit(seconds=timeout, is_deadline=False)
    left = max(0.0, (deadline_at - now).total_seconds())
    if timeout is not None and timeout < left:
        return _Limit(seconds=timeout, is_deadline=False)
    return _Limit(seconds=left, is_deadline=True)


def _work(plan: Plan, action: Work, context: StepContext, started_at: datetime) -> Succeeded:
    if isinstance(action, RunAgent):
        return _agent(action.agent, action, context, started_at)
    if action.work.kind is StepKind.AGENT:
        return _agent(plan.agents[action.work.ref], action, context, started_at)
    function = plan.functions[action.work.ref]
    text = call_function(function, action.text, context=context, allowed_modules=settings.FUNCTION_MODULES)
    text = storable(text)
    variables = variables_from(function.sets, text)
    return Succeeded(text=text, started_at=started_at, finished_at=timezone.now(), variables=variables)


def _agent(agent: AgentPlan, action: Work, context: StepContext, started_at: datetime) -> Succeeded:
    reply = run_agent(agent, action.text, context=context, settings=_agent_settings())
    finished_at = timezone.now()
    ending = Event(
        type=EventType.AGENT_COMPLETED,
        at=finished_at,
        agent_name=agent.name,
        output_text=reply.text,
        model=_model(reply),
        metadata={"message_count": len(reply.messages)},
    )
    return Succeeded(
        text=storable(reply.text),
        started_at=started_at,
        finished_at=finished_at,
        usage=_usage(reply),
        events=(_agent_started(agent, action, started_at), ending),
        details=_agent_details(agent, reply),
    )


def _usage(reply: AgentReply) -> Usage | None:
    spent = reply.usage
    if spent is None:
        return None
    return Usage(input_tokens=spent.input_tokens, output_tokens=spent.output_tokens, total_tokens=spent.total_tokens)


def _agent_started(agent: AgentPlan, action: Work, at: datetime) -> Event:
    return Event(
        type=EventType.AGENT_STARTED,
        at=at,
        agent_name=agent.name,
        input_text=action.text,
        metadata={"message_count": 1},
    )


def _model(reply: AgentReply) -> dict[str, str]:
    return {"runtime_mode": reply.runtime_mode, "model_provider": reply.provider, "model_name": reply.model or ""}


def _agent_details(agent: AgentPlan, reply: AgentReply) -> dict[str, Any]:
    return {
        "agent_name": agent.name,
        "runtime_mode": reply.runtime_mode,
        "runtime_name": reply.runtime_name,
        "iterations": reply.iterations,
    }


def _agent_settings() -> AgentSettings:
    return AgentSettings(
        secret_refs=settings.SECRET_REFS,
        retries=settings.PROVIDER_RETRIES,
        backoff_seconds=settings.PROVIDER_RETRY_BACKOFF_SECONDS,
        timeout_seconds=settings.PROVIDER_TIMEOUT_SECONDS,
        token_budget=settings.TOKEN_BUDGET,
        environ=os.environ,
    )


def _failure(action: Work, error: Exception, started_at: datetime) -> Failed:
    now = timezone.now()
    kind = "max_iterations" if isinstance(error, MaxIterationsReached) else type(error).__name__
    fault = Fault(type=kind, message=storable(redact_text(str(error))))
    events: tuple[Event, ...] = ()
    if isinstance(action, RunAgent):
        opening = _agent_started(action.agent, action, started_at)
        ending = Event(type=EventType.AGENT_FAILED, at=now, agent_name=action.agent.name, error=fault.message)
        events = (opening, ending)
    return Failed(
        fault=fault,
        started_at=started_at,
        finished_at=now,
        is_retriable=error.retriable if isinstance(error, AgentError) else True,
        events=events,
    )
