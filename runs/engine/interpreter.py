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
from specs.language.plan import OnError, Plan, SequentialPlan


def next_action(plan: Plan, workflow: SequentialPlan | None, state: State) -> Action:
    """Return what to do at ``state``: in ``workflow``, or with the root agent when that is None."""
    if workflow is not None:
        return sequential.next_action(plan, workflow, state)
    return Finish(text=state.text) if state.index else RunAgent(agent=plan.agent, text=state.text)


def absorb(
    workflow: SequentialPlan | None, state: State, action: Work, outcome: Outcome, policy: RetryPolicy
) -> Progress:
    """Return what ``outcome`` of ``action`` changes. The last step and the end of the run are one change."""
    if not state.started:
        opening = _opening(workflow, state, outcome.started_at)
        progress = absorb(workflow, replace(state, started=True), action, outcome, policy)
        return replace(progress, events=opening + progress.events)
    if isinstance(outcome, Succeeded):
        return _completed(workflow, state, action, outcome)
    return _failed(workflow, state, action, outcome, policy)


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
    if answered.is_final_rejection:
        fault = Fault(type="human_rejected", message=answered.text)
        refused = _step_record(action, kind=RecordType.STEP_FAILED, fault=fault, details=answered.details)
        records = (refused, _end_record(Status.FAILED, fault=fault))
        return Progress(state=state, status=Status.FAILED, records=records, events=(resumed,), fault=fault)
    resume = Record(type=RecordType.HUMAN_RESUME, status=Status.RUNNING, details=answered.details)
    done = _step_record(action, output_text=answered.text, details=answered.details)
    return Progress(state=sequential.move_on(state, answered.text), records=(resume, done), events=(resumed,))


def _completed(workflow: SequentialPlan | None, state: State, action: Work, outcome: Succeeded) -> Progress:
    after = sequential.move_on(state, outcome.text)
    if isinstance(action, RunAgent):
        record = _end_record(
            Status.COMPLETED,
            output_text=outcome.text,
            started_at=outcome.started_at,
            usage=outcome.usage,
            details=outcome.details,
        )
        return _ended(after, (record,), outcome.events, outcome)
    fallback = {} if action.work is action.step else {"fallback": action.work.id}
    record = _step_record(
        action,
        attempt=action.attempt,
        output_text=outcome.text,
        started_at=outcome.started_at,
        usage=outcome.usage,
        details={**outcome.details, **fallback},
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
    records = (*records, _end_record(Status.COMPLETED, output_text=after.text))
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
    record = _step_record(
        action,
        kind=RecordType.STEP_FAILED,
        attempt=action.attempt,
        fault=outcome.fault,
        started_at=outcome.started_at,
    )
    return _given_up(state, (record,), events, outcome.fault)


def _tolerated(workflow: SequentialPlan, state: State, action: RunStep, outcome: Failed) -> Progress:
    record = _step_record(
        action,
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


def _step_record(action: RunStep | AskHuman, *, kind: RecordType = RecordType.STEP_COMPLETED, **fields: Any) -> Record:
    return Record(
        type=kind,
        status=Status.RUNNING,
        step_id=action.step.id,
        path=action.step.id,
        iteration=action.iteration,
        input_text=action.text,
        **fields,
    )


def _end_record(status: Status, **fields: Any) -> Record:
    kind = RecordType.RUN_COMPLETED if status is Status.COMPLETED else RecordType.RUN_FAILED
    return Record(type=kind, status=status, **fields)
