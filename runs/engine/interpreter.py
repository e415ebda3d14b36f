"""What happens next, and what an outcome means: computed from values, with no database and no clock of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from runs.engine.actions import Action, AskHuman, Place, RunAgent, RunStep, Work
from runs.engine.ledger import Ledger
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Answered, Asks, Deferred, Event, EventType, Failed, Fault, Settled, Succeeded
from runs.engine.places import actions_of
from runs.engine.progress import Progress, Record, RecordType
from runs.engine.retrying import RetryPolicy
from runs.engine.state import State
from runs.engine.walk import Result, Walk
from specs.language.plan import HumanPlan, Plan, Shape, StepKind, StepPlan, WorkflowPlan

NO_RETRIES = RetryPolicy()


def root_workflow(plan: Plan, *, wants_agent: bool) -> WorkflowPlan | None:
    """Return the workflow a run of ``plan`` goes through: its own, or the one behind its root agent, or none."""
    if plan.workflow is not None and not wants_agent:
        return plan.workflow
    return plan.workflows[plan.agent.as_agent] if plan.agent.as_agent else None


def next_actions(plan: Plan, workflow: WorkflowPlan | None, state: State) -> tuple[Action, ...]:
    """Return what can be done at ``state``, each independent of the others; nothing is left when there is none."""
    if workflow is not None:
        return tuple(actions_of(plan, workflow, state))
    if state.root.done:
        return ()
    text = state.texts[state.root.text_at]
    if state.root.asks is not None:
        return (AskHuman(place=_agent_place(plan), human=HumanPlan(), text=text, asks=state.root.asks),)
    return (RunAgent(agent=plan.agent, text=text),)


def absorb(
    plan: Plan, workflow: WorkflowPlan | None, state: State, action: Work, outcome: Settled, policy: RetryPolicy
) -> Progress:
    """Return what ``outcome`` of ``action`` changes. The last step and the end of the run are one change."""
    ledger = Ledger(state.sequence, state.texts, outcome.finished_at)
    if workflow is None or isinstance(action, RunAgent):
        if isinstance(outcome, Deferred):
            raise AssertionError("an agent is not deferred")
        ledger.tell(*outcome.events)
        return _agent_done(state, ledger, outcome)
    if isinstance(outcome, Succeeded) and outcome.variables:
        state = replace(state, variables=with_variables(state, outcome.variables))
    walk = Walk(plan, workflow, state, ledger, policy)
    walk.begin()
    ledger.tell(*(replace(event, step_id=action.step.id) for event in outcome.events))
    if isinstance(outcome, Deferred):
        walk.defer(action.place.way, outcome.until)
    else:
        walk.take(action.place.way, _result(action, outcome))
    progress = progress_of(state, walk)
    return replace(progress, usage=outcome.usage) if outcome.usage else progress


def ask(
    plan: Plan,
    workflow: WorkflowPlan | None,
    state: State,
    asked: Sequence[tuple[AskHuman, Mapping[str, Any]]],
    at: datetime,
) -> Progress:
    """Return what putting the questions changes; the details with each action describe its human task."""
    if workflow is None:
        return Progress(status=Status.BLOCKED, state=state)
    walk = begun(plan, workflow, state, at)
    for action, details in asked:
        _tell_question(walk.ledger, action.place, action.text, details)
    return replace(progress_of(state, walk), status=Status.BLOCKED)


def pause(
    plan: Plan, workflow: WorkflowPlan | None, state: State, action: Work, asks: Asks, details: Mapping[str, Any]
) -> Progress:
    """Return what changes when the step of ``action`` asks a person in the middle of its work; ``details`` say what."""
    place = place_asking(plan, action)
    if workflow is None or isinstance(action, RunAgent):
        ledger = Ledger(state.sequence, state.texts, asks.finished_at)
        _tell_question(ledger, place, asks.text, details)
        return _agent_goes_on(replace(state, root=replace(state.root, asks=asks.key)), ledger)
    walk = begun(plan, workflow, state, asks.finished_at)
    _tell_question(walk.ledger, place, asks.text, details)
    walk.ask(action.place.way, asks.key)
    return progress_of(state, walk)


def place_asking(plan: Plan, action: Work) -> Place:
    """Return the place of ``action``, which asks a person; the root agent has one too when it runs alone."""
    return _agent_place(plan) if isinstance(action, RunAgent) else action.place


def answer(plan: Plan, workflow: WorkflowPlan | None, state: State, action: AskHuman, answered: Answered) -> Progress:
    """Return what a person's answer changes: the human step is done, or the run ends with the rejection.

    A step that asked in the middle of its work is to be done now.
    """
    state = replace(state, variables=with_variables(state, answered.variables))
    ledger = Ledger(state.sequence, state.texts, answered.answered_at)
    resumed = Event(
        type=EventType.WORKFLOW_RESUMED, at=answered.answered_at, step_id=action.step.id, metadata=answered.details
    )
    ledger.tell(resumed)
    result = Result(
        text=action.text, output=answered.text, decision=answered.decision, details=answered.details, record={}
    )
    if answered.is_final_rejection:
        fault = Fault(type="human_rejected", message=answered.text)
        at = answered.answered_at
        result = replace(result, failed=Failed(fault=fault, started_at=at, finished_at=at, is_final=True))
    else:
        ledger.record(Record(type=RecordType.HUMAN_RESUME, status=Status.RUNNING, details=answered.details))
    if workflow is None:
        state = replace(state, root=replace(state.root, asks=None))
        return _agent_done(state, ledger, result.failed) if result.failed else _agent_goes_on(state, ledger)
    walk = Walk(plan, workflow, state, ledger, NO_RETRIES)
    walk.ask(action.place.way, None)
    if action.asks is None or result.failed:
        walk.take(action.place.way, result)
    return progress_of(state, walk)


def _tell_question(ledger: Ledger, place: Place, text: str, details: Mapping[str, Any]) -> None:
    step_id, kind = place.step.id, EventType.HUMAN_REQUESTED
    ledger.tell(Event(type=kind, at=ledger.at, step_id=step_id, input_text=text, metadata=details))
    ledger.record(
        Record(
            type=RecordType.HUMAN_PAUSE,
            status=Status.BLOCKED,
            step_id=step_id,
            path=place.path,
            iteration=place.iteration,
            input_text=text,
            details=details,
        )
    )


def _agent_place(plan: Plan) -> Place:
    step = StepPlan(id=plan.agent.name, kind=StepKind.AGENT, ref=plan.agent.name)
    return Place(step=step, shape=Shape.SEQUENTIAL, workflow_name=plan.agent.name)


def _agent_goes_on(state: State, ledger: Ledger) -> Progress:
    records, events = tuple(ledger.records), tuple(ledger.events)
    return Progress(state=replace(state, sequence=ledger.sequence), records=records, events=events)


def begun(plan: Plan, workflow: WorkflowPlan, state: State, at: datetime) -> Walk:
    """Return a walk from ``state`` at the moment ``at``, on which every workflow that was entered has said so."""
    walk = Walk(plan, workflow, state, Ledger(state.sequence, state.texts, at), NO_RETRIES)
    walk.begin()
    return walk


def with_variables(state: State, new: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the variables of ``state`` with those that a result sets."""
    return {**state.variables, **new} if new else state.variables


def _result(action: RunStep, outcome: Succeeded | Failed) -> Result:
    if isinstance(outcome, Failed):
        return Result(text=action.text, failed=outcome)
    record = {"started_at": outcome.started_at, "usage": outcome.usage}
    return Result(text=action.text, output=outcome.text, details=outcome.details, record=record)


def progress_of(state: State, walk: Walk) -> Progress:
    """Return the change that ``walk`` amounts to, with the end of the run if it led there."""
    ledger, line = walk.ledger, walk.line
    fault = walk.fault or line.fault
    if fault:
        ledger.end(Status.FAILED, fault=fault)
        return Progress(
            state=_remembered(state, walk),
            status=Status.FAILED,
            records=tuple(ledger.records),
            events=tuple(ledger.events),
            fault=fault,
            is_final=walk.fault is not None,
        )
    output = ledger.texts[line.text_at] if line.done else None
    if output is not None:
        ledger.end(Status.COMPLETED, output_text=output)
    return Progress(
        state=_remembered(state, walk),
        status=Status.COMPLETED if line.done else Status.RUNNING,
        records=tuple(ledger.records),
        events=tuple(ledger.events),
        output_text=output,
        retry_after_seconds=walk.retry_seconds,
    )


def _remembered(state: State, walk: Walk) -> State:
    """Return the state after ``walk``, with no more texts than it needs."""
    needed = set(walk.line.sources())
    texts = {sequence: text for sequence, text in walk.ledger.texts.items() if sequence in needed}
    return replace(state, root=walk.line, sequence=walk.ledger.sequence, texts=texts)


def _agent_done(state: State, ledger: Ledger, outcome: Succeeded | Failed) -> Progress:
    if isinstance(outcome, Failed):
        ledger.end(Status.FAILED, fault=outcome.fault)
        return Progress(
            status=Status.FAILED,
            records=tuple(ledger.records),
            events=tuple(ledger.events),
            fault=outcome.fault,
            usage=outcome.usage,
        )
    ledger.end(
        Status.COMPLETED,
        output_text=outcome.text,
        started_at=outcome.started_at,
        usage=outcome.usage,
        details=outcome.details,
    )
    root = replace(state.root, text_at=ledger.sequence, done=True)
    return Progress(
        state=replace(state, root=root, sequence=ledger.sequence, texts=ledger.texts),
        status=Status.COMPLETED,
        records=tuple(ledger.records),
        events=tuple(ledger.events),
        output_text=outcome.text,
        usage=outcome.usage,
    )
