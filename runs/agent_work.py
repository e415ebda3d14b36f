"""The agents of a step: under the service's settings, and what they did as the engine records it."""

import functools
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from kneo_project.prices import NANOS
from kneo_project.redaction import redact_text
from kneo_project.strict_json import storable
from runs.agents.answering import AgentReply, Agents, RunWorkflow
from runs.agents.budget import Meter
from runs.agents.context import StepContext
from runs.agents.diary import Diary, Entry
from runs.agents.errors import AgentError, MaxIterationsReached
from runs.agents.interrupting import run_interruptibly
from runs.agents.journal import Journal
from runs.agents.loop import check_output
from runs.agents.models.limits import Limits
from runs.agents.models.usage import Usage as AgentUsage
from runs.agents.settings import AgentSettings
from runs.agents.tools.mcp_sessions import McpSessions
from runs.engine.outcomes import Event, EventType, Failed, Fault, Usage
from specs.language.agent_plan import AgentPlan, Stage
from specs.language.plan import Plan


def agents_of(plan: Plan, context: StepContext, *, journal: Journal, meter: Meter, run_workflow: RunWorkflow) -> Agents:
    """Return the agents of ``plan`` for one step, whose cost ``meter`` counts and bounds."""
    settings = agent_settings()
    return Agents(
        plan=plan,
        settings=settings,
        context=context,
        diary=Diary(),
        journal=journal,
        meter=meter,
        sessions=McpSessions(plan.mcp_servers, settings),
        run_workflow=run_workflow,
    )


def checked_output(agents: Agents, root: AgentPlan, text: str) -> tuple[str, dict[str, Any]]:
    """Return what may flow on of a step's output, by the workflow guardrails of ``root``, and what to record of it.

    Raises:
        GuardrailViolation: nothing may.
        Exception: whatever an agent or function raises that is asked to judge.
    """
    if not root.guardrails.get(Stage.WORKFLOW):
        return text, {}
    checked = check_output(agents, root, text)
    return checked.text, {"workflow_guardrails": list(checked.changes)} if checked.changes else {}


def kept_once(agents: Agents, key: str, make: Callable[[], str]) -> str:
    """Return what ``make`` gives; it is not done again when the step asks a person about it and begins anew."""
    if not agents.plan.asks_people:
        return make()
    journal, interrupt = agents.journal, agents.context.interrupt
    kept = run_interruptibly(journal.recall(key), interrupt)
    if kept is None:
        kept = {"text": make()}
        run_interruptibly(journal.record(key, kept), interrupt)
    return str(kept["text"])


def may_be_tried_again(agents: Agents) -> bool:
    """Return whether what ``agents`` did may be done anew: not once a tool was called that must not be twice."""
    tools = agents.plan.tools
    return not any(tools[name].retry_unsafe for name in agents.journal.tools_called(agents.prefix) if name in tools)


def failed(error: Exception, agents: Agents, *, started_at: datetime) -> Failed:
    """Return what ``error``, whoever raised it, means for the attempt of a step that began at ``started_at``."""
    kind = "max_iterations" if isinstance(error, MaxIterationsReached) else type(error).__name__
    known = error if isinstance(error, AgentError) else None
    return Failed(
        fault=Fault(type=kind, message=storable(redact_text(str(error)))),
        started_at=started_at,
        finished_at=timezone.now(),
        is_retriable=(known.retriable if known else True) and may_be_tried_again(agents),
        is_final=known.is_final if known else False,
    )


def events_of(agents: Agents) -> tuple[Event, ...]:
    """Return what ``agents`` did, as trace events."""
    return tuple(_event(entry) for entry in [*agents.diary.entries])


def usage_of(agents: Agents) -> Usage | None:
    """Return the tokens that ``agents`` used, as the engine counts them."""
    spent = agents.meter.usage
    if spent is None:
        return None
    return Usage(**asdict(spent))


def details_of(agent: AgentPlan, reply: AgentReply) -> dict[str, Any]:
    """Return what the checkpoint of an agent's step tells about its turn."""
    return {
        "agent_name": agent.name,
        "runtime_mode": reply.runtime_mode,
        "runtime_name": reply.runtime_name,
        "iterations": reply.iterations,
        "model": {"provider": reply.provider, "name": reply.model},
        **_usage_details(reply.usage),
        **reply.details,
    }


def _usage_details(usage: AgentUsage | None) -> dict[str, Any]:
    if usage is None:
        return {}
    counts = asdict(usage)
    cost = counts.pop("cost_nanos")
    return {"usage": counts} | ({"cost": cost / NANOS} if cost else {})


def _event(entry: Entry) -> Event:
    return Event(
        type=EventType(entry.type.value),
        at=entry.at,
        agent_name=entry.agent_name,
        input_text=storable(entry.input_text),
        output_text=storable(entry.output_text),
        error=storable(entry.error),
        model=storable(entry.about),
        metadata=storable(entry.metadata),
    )


@functools.cache
def agent_settings() -> AgentSettings:
    """Return the service's settings for agents; put together once, as every step asks for them."""
    return AgentSettings(
        secret_refs=settings.SECRET_REFS,
        allows_literal_keys=settings.ALLOW_LITERAL_KEYS,
        model_hosts=settings.MODEL_HOSTS,
        retries=settings.PROVIDER_RETRIES,
        backoff_seconds=settings.PROVIDER_RETRY_BACKOFF_SECONDS,
        retry_on_timeout=settings.PROVIDER_RETRY_ON_TIMEOUT,
        timeout_seconds=settings.PROVIDER_TIMEOUT_SECONDS,
        limits=Limits(
            concurrency=settings.PROVIDER_MAX_CONCURRENCY,
            per_minute=settings.PROVIDER_MAX_PER_MINUTE,
            failures=settings.PROVIDER_BREAKER_FAILURES,
            rest_seconds=settings.PROVIDER_BREAKER_SECONDS,
        ),
        token_budget=settings.TOKEN_BUDGET,
        prices=settings.MODEL_PRICES,
        function_modules=settings.FUNCTION_MODULES,
        environ=os.environ,
        mcp_commands=settings.MCP_COMMANDS,
        mcp_retries=settings.MCP_RETRIES,
        mcp_retry_backoff_seconds=settings.MCP_RETRY_BACKOFF_SECONDS,
        mcp_retry_on_timeout=settings.MCP_RETRY_ON_TIMEOUT,
        mcp_timeout_seconds=settings.MCP_TIMEOUT_SECONDS or None,
        http_private_hosts=settings.HTTP_TOOL_PRIVATE_HOSTS,
        mcp_connect_timeout_seconds=settings.MCP_CONNECT_TIMEOUT_SECONDS or None,
    )
