"""Workflows in the middle of an agent's turn: agents that stand for one, asked as a tool, a guardrail or for memory.

They run where their step runs, by the same engine, and are part of that step: its lease, its deadline, its cost. What
their steps came to is kept in the step's journal, so that none of it is done twice after a crash.
"""

import asyncio
import math
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kneo_project.strict_json import storable
from runs import tracing
from runs.agent_work import failed, may_be_tried_again
from runs.agents.answering import Agents
from runs.agents.diary import Happening
from runs.agents.errors import AgentError, StepInterrupted, WorkflowFailed
from runs.agents.function_schemas import check_input, check_output
from runs.agents.functions import call_beside, text_of
from runs.agents.models.journaled import counts_of, kept_usage
from runs.agents.models.provider import Message
from runs.engine import interpreter, spreading, timeouts
from runs.engine.actions import RunStep, Spread
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Deferred, Event, Failed, Fault, Settled, Succeeded
from runs.engine.progress import Progress
from runs.engine.retrying import RetryPolicy
from runs.engine.spreading import AllEnded, Ended, NotSpreadable
from runs.engine.state import State
from runs.histories import messages_of
from runs.retrying import retry_policy
from specs.language.agent_plan import Stage
from specs.language.plan import FunctionPlan, StepKind, WorkflowPlan
from specs.language.variables import variables_from

MOST_AT_ONCE = 16


async def workflow_answer(agents: Agents, name: str, text: str) -> str:
    """Return what the workflow ``name`` of the plan of ``agents`` makes of ``text``.

    Raises:
        WorkflowFailed: it fails.
        AgentError: something in it ended the whole run, or wants a person to be asked.
    """
    workflow = agents.plan.workflows[name]
    nested = _Nested(agents=agents, workflow=workflow, policy=retry_policy())
    ended = await nested.drive(State.begin(text, has_workflow=True))
    if ended.status is Status.COMPLETED:
        return ended.output_text or ""
    fault = ended.fault or Fault(type="internal_error", message="It ended without a result.")
    raise WorkflowFailed(f"The workflow {name!r} failed: {fault.message}")


@dataclass(slots=True, kw_only=True)
class _Nested:
    """One run of ``workflow`` within a step. ``turns`` are those of each agent in it, as far as they are done."""

    agents: Agents
    workflow: WorkflowPlan
    policy: RetryPolicy
    turns: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    async def drive(self, state: State) -> Progress:
        """Take the workflow from ``state`` to its end."""
        while True:
            progress = await self._forward(state)
            self._tell(progress.events)
            if progress.status is not Status.RUNNING:
                return progress
            state = progress.state or state

    async def _forward(self, state: State) -> Progress:
        plan, workflow, at = self.agents.plan, self.workflow, datetime.now(UTC)
        overdue = timeouts.overdue(state, at.timestamp())
        if overdue is not None:
            return timeouts.time_out(plan, workflow, state, overdue, self.policy, at)
        if timeouts.have_to_begin(plan, workflow, state):
            return timeouts.begin(plan, workflow, state, at)
        actions = interpreter.next_actions(plan, workflow, state)
        spread = next((action for action in actions if isinstance(action, Spread)), None)
        if spread is not None:
            return await self._spread(state, spread)
        return await self._do(state, [action for action in actions if isinstance(action, RunStep)])

    async def _do(self, state: State, actions: Sequence[RunStep]) -> Progress:
        """Do ``actions`` beside each other, and take up what they come to in their order."""
        plan, workflow = self.agents.plan, self.workflow
        for action, outcome in zip(actions, await _together(map(self._perform, actions)), strict=True):
            progress = interpreter.absorb(plan, workflow, state, action, outcome, self.policy)
            if isinstance(outcome, Succeeded) and action.work.kind is StepKind.AGENT:
                self.turns.setdefault(action.work.ref, []).append((action.text, outcome.text))
            if progress.status is not Status.RUNNING:
                return progress
            self._tell(progress.events)
            state = progress.state or state
        return Progress(state=state)

    async def _spread(self, state: State, action: Spread) -> Progress:
        """Do the branches of ``action`` here, some at a time."""
        plan, at = self.agents.plan, datetime.now(UTC)
        try:
            branches = spreading.branches_of(action, state)
        except NotSpreadable as reason:
            return spreading.refuse(plan, self.workflow, state, action, reason.fault, at)
        ended = await _together(
            (self._branch(action, index, branch) for index, branch in enumerate(branches)),
            most=action.workflow.max_parallel or MOST_AT_ONCE,
        )
        new: dict[str, Any] = {}
        for progress in ended:
            known = progress.state.variables if progress.state else {}
            new |= {name: value for name, value in known.items() if state.variables.get(name) != value}
        outcomes = [
            Ended(text=branch.texts[branch.sequence], output=progress.output_text, fault=progress.fault)
            for branch, progress in zip(branches, ended, strict=True)
        ]
        joined = AllEnded(ended=outcomes, variables=new)
        return spreading.join(plan, self.workflow, state, action, joined, datetime.now(UTC))

    async def _branch(self, action: Spread, index: int, state: State) -> Progress:
        turns = {ref: list(turns) for ref, turns in self.turns.items()}
        branch = replace(self, agents=self.agents.within(f"{action.path}{index}"), turns=turns)
        return await branch.drive(state)

    async def _perform(self, action: RunStep) -> Settled:
        now = datetime.now(UTC)
        if action.not_before is not None:
            await asyncio.sleep(max(0.0, action.not_before - now.timestamp()))
        started_at = datetime.now(UTC)
        part = self.agents.within(f"{action.path}.{action.iteration}.{action.attempt}")
        limits = [action.work.timeout_seconds or math.inf, (action.until or math.inf) - started_at.timestamp()]
        seconds = max(0.0, min(limits))
        try:
            async with asyncio.timeout(None if seconds == math.inf else seconds) as timeout:
                with tracing.step(action, self.agents.context.run_id):
                    done = await self._work(action, part)
        except StepInterrupted:
            raise
        except Exception as error:
            if isinstance(error, AgentError) and error.is_final:
                raise
            if isinstance(error, TimeoutError) and timeout.expired():
                return _too_late(limits, started_at, part)
            return failed(error, part, started_at=started_at)
        return replace(done, started_at=started_at, finished_at=datetime.now(UTC))

    async def _work(self, action: RunStep, part: Agents) -> Succeeded:
        """Return what the step of ``action`` gives, or gave before; only what the workflow guardrails pass flows on."""
        plan, ref = self.agents.plan, action.work.ref
        variables: Mapping[str, Any] = {}
        details: dict[str, Any] = {}
        if action.work.kind is StepKind.AGENT:
            text = await self._answered(part, ref, action.text)
        else:
            text = await self._called(part, plan.functions[ref], action)
            variables = variables_from(plan.functions[ref].sets, text)
        checked = await part.check(plan.agent, Stage.WORKFLOW, text)
        if checked.changes:
            details["workflow_guardrails"] = list(checked.changes)
        at = datetime.now(UTC)
        return Succeeded(
            text=storable(checked.text), started_at=at, finished_at=at, details=details, variables=variables
        )

    async def _answered(self, part: Agents, ref: str, text: str) -> str:
        place = f"{part.prefix}answer"
        kept = await part.journal.recall(place)
        if kept is None:
            meter = part.meter.part()
            history = self._history(ref)
            reply = await replace(part, meter=meter).answer(part.plan.agents[ref], text, history)
            kept = {"text": storable(reply.text), "usage": counts_of(meter.usage)}
            await part.journal.record(place, kept)
        elif usage := kept_usage(kept["usage"]):
            part.meter.add(usage)
        return str(kept["text"])

    def _history(self, ref: str) -> list[Message]:
        agent = self.agents.plan.agents[ref]
        return [message for turn in self.turns.get(ref, ()) for message in messages_of(agent, *turn)]

    async def _called(self, part: Agents, function: FunctionPlan, action: RunStep) -> str:
        check_input(function, action.text)
        place = f"{part.prefix}function"
        kept = await part.journal.recall(place)
        if kept is None:
            call = f"{self.agents.prefix}{action.path}/{action.iteration}"  # the same for every attempt
            context = replace(part.context, call=call, attempt=action.attempt)
            modules = part.settings.function_modules
            result = await call_beside(function.implementation, action.text, context=context, allowed_modules=modules)
            kept = {"text": storable(text_of(result))}
            await part.journal.record(place, kept)
        check_output(function, str(kept["text"]))
        return str(kept["text"])

    def _tell(self, events: Iterable[Event]) -> None:
        """Write what the engine tells into the diary of the step; what agents did is there already."""
        for event in events:
            self.agents.diary.write(
                Happening(event.type.value),
                self.workflow.name,
                input_text=event.input_text,
                output_text=event.output_text,
                error=event.error,
                metadata={**event.metadata, **({"step_id": event.step_id} if event.step_id else {})},
            )


def _too_late(limits: Sequence[float], started_at: datetime, part: Agents) -> Settled:
    """Return that a step took too long, or that it is for the workflow around it to say so, as its time is over."""
    own, outer = limits
    now = datetime.now(UTC)
    if outer < own:
        return Deferred(until=started_at.timestamp(), started_at=started_at, finished_at=now)
    fault = Fault(type="RetryTimeoutError", message=f"Operation timed out after {own:g} seconds.")
    may_retry = may_be_tried_again(part)
    return Failed(fault=fault, started_at=started_at, finished_at=now, is_retriable=may_retry, is_timeout=True)


async def _together[T](work: Iterable[Awaitable[T]], most: int = MOST_AT_ONCE) -> list[T]:
    """Return what all of ``work`` gives, ``most`` at a time; the first error ends the others."""
    turns = asyncio.Semaphore(most)

    async def in_turn(each: Awaitable[T]) -> T:
        async with turns:
            return await each

    tasks = [asyncio.ensure_future(in_turn(each)) for each in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
