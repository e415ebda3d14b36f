"""What happens next, and what an outcome means: computed from values, with no database and no clock of its own."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from runs.engine.actions import Action, AskHuman, Finish, RunAgent, RunStep, Work
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Answered, Event, EventType, Failed, Fault, Outcome, Succeeded
from runs.engine.progress import Progress, Record, RecordType
from runs.engine.retrying import RetryPolicy, retry_delay
from runs.engine.shapes import sequential
from runs.engine.state import State
from specs.language.plan import OnError, Plan, SequentialPlan, StepPlan


def next_action(plan: Plan, workflow: SequentialPlan | None, state: State) -> Action:
    """Return what to do at ``state``: in ``workflow``, or with the root agent when that is None."""
    if workflow is not None:
        return sequential.next_action(plan, workflow, state)
    return Finish(text=state.text) if state.index else RunAgent(agent=plan.agent, text=state.text)


def absorb(
    workflow: SequentialPlan | None, state: State, action: Work, outcome: Outcome, policy: RetryPolicy
) -> Progress:
    """Return what ``outcome`` of ``action`` changes. The last step and the end of the run are one change."""
    opening = _opening(workflow, state, outcome.started_at)
    state = replace(state, started=True)
    if isinstance(outcome, Succeeded):
        progress = _completed(workflow, state, action, outcome)
    else:
        progress = _failed(workflow, state, action, outcome, policy)
    return replace(progress, events=opening + progress.events)


def ask(workflow: SequentialPlan, state: State, action: AskHuman, details: Mapping[str, Any], at: datetime) -> Progress:
    """Return what putting the question of ``action`` changes; ``details`` describe the human task."""
    request = Event(
        type=EventType.HUMAN_REQUESTED, at=at, step_id=action.step.id, input_text=action.text, metadata=details
    )
    pause = Record(
        type=RecordType.HUMAN_PAUSE,
        status=Status.BLOCKED,
        step_id=action.step.id,
        path=action.step.id,
        iteration=action.iteration,
        input_text=action.text,
        details=details,
    )
    return Progress(
        state=replace(state, started=True),
        status=Status.BLOCKED,
        records=(pause,),
        events=(*_opening(workflow, state, at), request),
    )


def answer(state: State, action: AskHuman, answered: Answered) -> Progress:
    """Return what a person's answer changes: the human step is done, or the run ends with the rejection."""
    resumed = Event(
        type=EventType.WORKFLOW_RESUMED, at=answered.answered_at, step_id=action.step.id, metadata=answered.details
    )
    step = _step_record(action.step, action.iteration, action.text)
    if answered.is_final_rejection:
        fault = Fault(type="human_rejected", message=answered.text)
        records = (
            replace(step, type=RecordType.STEP_FAILED, status=Status.FAILED, fault=fault, details=answered.details),
            _end_record(Status.FAILED, fault=fault),
        )
        return Progress(state=state, status=Status.FAILED, records=records, events=(resumed,), fault=fault)
    resume = Record(type=RecordType.HUMAN_RESUME, status=Status.RUNNING, details=answered.details)
    done = replace(step, output_text=answered.text, details=answered.details)
    return Progress(state=sequential.move_on(state, answered.text), records=(resume, done), events=(resumed,))


def _completed(workflow: SequentialPlan | None, state: State, action: Work, outcome: Succeeded) -> Progress:
    after = sequential.move_on(state, outcome.text)
    if isinstance(action, RunAgent):
        record = replace(_end_record(Status.COMPLETED, output=outcome.text), details=outcome.details)
        record = replace(record, started_at=outcome.started_at, usage=outcome.usage)
        return _ended(after, (record,), outcome.events, outcome)
    record = replace(
        _step_record(action.step, action.iteration, action.text),
        attempt=action.attempt,
        output_text=outcome.text,
        started_at=outcome.started_at,
        usage=outcome.usage,
        details={**outcome.details, **({} if action.work is action.step else {"fallback": action.work.id})},
    )
    return _moved_on(workflow, after, (record,), outcome)


def _moved_on(workflow: SequentialPlan | None, after: State, records: tuple[Record, ...], outcome: Outcome) -> Progress:
    usage = outcome.usage if isinstance(outcome, Succeeded) else None
    if workflow is None or after.index < len(workflow.steps):
        return Progress(state=after, records=records, events=outcome.events, usage=usage)
    path = sequential.visited(workflow, after)
    closing = Event(
        type=EventType.WORKFLOW_COMPLETED,
        at=outcome.finished_at,
        output_text=after.text,
        metadata={"visited_steps": path},
    )
    records = (*records, _end_record(Status.COMPLETED, output=after.text))
    return _ended(after, records, (*outcome.events, closing), outcome)


def _ended(after: State, records: tuple[Record, ...], events: tuple[Event, ...], outcome: Outcome) -> Progress:
    return Progress(
        state=after,
        status=Status.COMPLETED,
        records=records,
        events=events,
        output_text=after.text,
        usage=outcome.usage if isinstance(outcome, Succeeded) else None,
    )


def finish(workflow: SequentialPlan | None, state: State, at: datetime) -> Progress:
    """Return the end of a run whose last step was recorded earlier (a person's answer was the last step)."""
    outcome = Succeeded(text=state.text, started_at=at, finished_at=at)
    return _moved_on(workflow, state, (), outcome) if workflow else _ended(state, (), (), outcome)


def _failed(
    workflow: SequentialPlan | None, state: State, action: Work, outcome: Failed, policy: RetryPolicy
) -> Progress:
    if isinstance(action, RunAgent) or workflow is None:
        return _given_up(state, (), outcome.events, outcome.fault)
    tried = _failure_event(action, outcome)
    events = (*outcome.events, tried)
    delay = retry_delay(action.work, action.attempt, outcome, policy)
    if delay is not None:
        return Progress(state=replace(state, attempt=state.attempt + 1), events=events, retry_after_seconds=delay)
    if action.work is action.step and action.step.on_error is OnError.CONTINUE:
        return _tolerated(workflow, state, action, replace(outcome, events=events))
    stand_in = sequential.fallback_of(workflow, action.step)
    if action.work is action.step and action.step.on_error is OnError.FALLBACK and stand_in:
        return Progress(state=replace(state, in_fallback=True, attempt=1), events=events)
    record = replace(
        _step_record(action.step, action.iteration, action.text),
        type=RecordType.STEP_FAILED,
        attempt=action.attempt,
        fault=outcome.fault,
        started_at=outcome.started_at,
    )
    return _given_up(state, (record,), events, outcome.fault)


def _tolerated(workflow: SequentialPlan, state: State, action: RunStep, outcome: Failed) -> Progress:
    record = replace(
        _step_record(action.step, action.iteration, action.text),
        attempt=action.attempt,
        output_text=action.text,
        fault=outcome.fault,
        started_at=outcome.started_at,
        details={"step_failed": True},
    )
    return _moved_on(workflow, sequential.move_on(state, action.text), (record,), outcome)


def _given_up(state: State, records: tuple[Record, ...], events: tuple[Event, ...], fault: Fault) -> Progress:
    records = (*records, _end_record(Status.FAILED, fault=fault))
    return Progress(state=state, status=Status.FAILED, records=records, events=events, fault=fault)


def _opening(workflow: SequentialPlan | None, state: State, at: datetime) -> tuple[Event, ...]:
    if workflow is None or state.started:
        return ()
    size = {"start_index": 0, "step_count": len(workflow.steps)}
    return (Event(type=EventType.WORKFLOW_STARTED, at=at, input_text=state.text, metadata=size),)


def _failure_event(action: RunStep, outcome: Failed) -> Event:
    return Event(
        type=EventType.STEP_FAILED,
        at=outcome.finished_at,
        step_id=action.step.id,
        input_text=action.text,
        error=outcome.fault.message,
        metadata={"attempt": action.attempt, "error_type": outcome.fault.type, "work": action.work.id},
    )


def _step_record(step: StepPlan, iteration: int, text: str) -> Record:
    return Record(
        type=RecordType.STEP_COMPLETED,
        status=Status.RUNNING,
        step_id=step.id,
        path=step.id,
        iteration=iteration,
        input_text=text,
    )


def _end_record(status: Status, *, output: str | None = None, fault: Fault | None = None) -> Record:
    kind = RecordType.RUN_COMPLETED if status is Status.COMPLETED else RecordType.RUN_FAILED
    return Record(type=kind, status=status, output_text=output, fault=fault)
