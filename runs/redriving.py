"""Going on with runs that failed, and trying another way from somewhere in the middle of a run."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kneo_project.audit.services import record
from kneo_project.transient import retry_transient
from runs import fan_outs, idempotency, services, transitions
from runs.engine import interpreter
from runs.engine.continuing import revived
from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.engine.state import State
from runs.errors import ForkNotPossible, RunStateConflict
from runs.models import Checkpoint, FanOut, Run, Target
from runs.restoring import restore_state
from specs.language.plan import Plan, WorkflowPlan
from specs.services import FrozenSpec, SpecSource, freeze, load_plan, store

FIRST_CHECKPOINT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkRun:
    """A request to fork a run.

    ``checkpoint`` is the sequence number to begin from (None: the last that can be), ``input_text`` what the next step
    is given instead, ``source`` another spec. ``timeout_seconds`` is the fork's deadline from now.
    """

    checkpoint: int | None = None
    input_text: str | None = None
    source: SpecSource | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    timeout_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A plan, and the workflow in it that a run goes through."""

    plan: Plan
    workflow: WorkflowPlan | None


@retry_transient
def continue_run(run_id: uuid.UUID, *, actor: str | None, key: idempotency.Key | None = None) -> Run:
    """Let a run that failed go on from where it failed: what is finished stays finished.

    Raises RunNotFound, and RunStateConflict for a run that has not failed or that somebody else is going on with.
    """
    run = services.find_run(run_id)
    services.refuse_branch(run)
    if run.status != Status.FAILED:
        raise RunStateConflict(run_id=str(run.pk), status=run.status)
    _refuse_imported(run)
    _refuse_pruned(run)
    way = _way_of(run, load_plan(run.snapshot_id))
    state = revived(way.plan, way.workflow, _restored(run, way, run.cursor, run.sequence))
    at = timezone.now()
    with transaction.atomic():
        if not transitions.reopen(run, state, at):
            now = services.find_run(run_id)
            _refuse_pruned(now)
            raise RunStateConflict(run_id=str(run.pk), status=now.status)
        _reopen_branches(way, state, at)
        idempotency.bind(key, run)
        facts = {"status": run.status, "error_type": run.error_type}
        record("run.continued", actor=actor, run_id=run.pk, metadata=facts)
    return services.find_run(run_id)


@retry_transient
def fork_run(run_id: uuid.UUID, fork: ForkRun, *, actor: str, key: idempotency.Key | None = None) -> Run:
    """Start a run from a checkpoint of another, which stays as it is: history, fork, audit event and key, or nothing.

    Raises RunNotFound, ForkNotPossible, QueueFull, and what ``start_run`` raises about a spec.
    """
    parent = services.find_run(run_id)
    services.refuse_branch(parent)
    old = _way_of(parent, load_plan(parent.snapshot_id))
    _refuse_fork_of_pruned(parent, fork.checkpoint)
    at = _fork_point(parent, fork.checkpoint)
    state = revived(old.plan, old.workflow, _restored(parent, old, at.cursor or {}, at.sequence))
    state = replace(state, root=state.root.unspread())
    frozen = None if fork.source is None else freeze(fork.source, allowed_functions=settings.FUNCTION_MODULES)
    new = old if frozen is None else _way_of(parent, frozen.plan)
    _refuse_elsewhere(old, new, state)
    if fork.input_text is not None and any(frame.lines for frame in state.root.frames):
        raise ForkNotPossible("Branches are under way there, so no one text could be replaced.", run_id=str(run_id))
    services.refuse_when_full()
    run = _new_run(parent, fork, frozen, new)
    with transaction.atomic():
        # Its history is copied: nothing of it may be pruned before the copy is there.
        fan_outs.lock(run_id)
        _refuse_fork_of_pruned(services.find_run(run_id), fork.checkpoint)
        if frozen is not None:
            run.snapshot = store(frozen)
        transitions.start_fork(run, parent, at, state, fork.input_text, by=actor)
        idempotency.bind(key, run)
        facts = {"parent_run_id": str(parent.pk), "checkpoint": at.sequence, "has_input": fork.input_text is not None}
        record("run.forked", actor=actor, run_id=run.pk, metadata=facts | {"has_spec": frozen is not None})
    return run


def _refuse_imported(run: Run) -> None:
    if run.imported_at is not None:
        message = "This run was imported, so that it cannot be gone on with. Fork it from its start instead."
        raise RunStateConflict(message, run_id=str(run.pk), status=run.status)


def _refuse_pruned(run: Run) -> None:
    if run.history_pruned_at is not None:
        message = "The history of this run was pruned, so that it cannot be gone on with."
        raise RunStateConflict(message, run_id=str(run.pk), status=run.status)


def _refuse_fork_of_pruned(run: Run, checkpoint: int | None) -> None:
    if run.history_pruned_at is not None and checkpoint != FIRST_CHECKPOINT:
        message = f"The history of this run was pruned: only checkpoint {FIRST_CHECKPOINT}, its start, is left to fork."
        raise ForkNotPossible(message, run_id=str(run.pk))


def _reopen_branches(way: _Way, state: State, at: datetime) -> None:
    """Let what did not complete of the fan-outs that are under way at ``state`` go on too, and so on inside them."""
    for fan_out in FanOut.objects.filter(pk__in=list(state.root.spreads())):
        branches = fan_out.branches.exclude(status=Status.COMPLETED)
        states = {branch.pk: _revived_branch(way, branch) for branch in branches}
        fan_outs.reopen(fan_out, states, at)
        for inner in states.values():
            _reopen_branches(way, inner, at)


def _revived_branch(way: _Way, branch: Run) -> State:
    state = State.restore(branch.cursor, sequence=branch.sequence, texts={})
    return revived(way.plan, way.workflow, state)


def _way_of(run: Run, plan: Plan) -> _Way:
    workflow = interpreter.root_workflow(plan, wants_agent=run.target == Target.AGENT)
    return _Way(plan=plan, workflow=workflow)


def _restored(run: Run, way: _Way, cursor: Mapping[str, Any], sequence: int) -> State:
    has_workflow = way.workflow is not None
    return restore_state(run.pk, cursor=cursor, sequence=sequence, input_text=run.input_text, has_workflow=has_workflow)


def _fork_point(run: Run, sequence: int | None) -> Checkpoint:
    """Return the checkpoint ``sequence`` of ``run``, or the last one, from which it can be gone on with."""
    possible = [point for point in _fork_points(run) if sequence is None or point.sequence <= sequence]
    if not possible:
        raise ForkNotPossible("There is nothing in this run to go on from.", run_id=str(run.pk))
    nearest = possible[-1]
    if sequence is not None and nearest.sequence != sequence:
        message = f"Nothing can go on from checkpoint {sequence}; the nearest before it is {nearest.sequence}."
        raise ForkNotPossible(message, run_id=str(run.pk), checkpoint=nearest.sequence)
    return nearest


def _fork_points(run: Run) -> Iterator[Checkpoint]:
    for point in run.checkpoints.order_by("sequence").only("sequence", "type", "cursor", "run_id"):
        if can_begin_fork(point):
            yield point


def can_begin_fork(point: Checkpoint) -> bool:
    """Whether a fork can go on from the checkpoint: it is the start, or something was left to do after it."""
    return point.type == RecordType.RUN_STARTED or bool(point.cursor and _is_open(point.cursor))


def _is_open(cursor: Mapping[str, Any]) -> bool:
    root = cursor.get("root", {})
    return not root.get("done") or "fault" in root


def _refuse_elsewhere(old: _Way, new: _Way, state: State) -> None:
    """Do nothing if another spec leads to the same steps from ``state``; refuse it otherwise."""
    if old is new:
        return
    try:
        same = _next(old, state) == _next(new, state)
    except (KeyError, IndexError, StopIteration, RuntimeError):  # a workflow, a turn or a node that is not there
        same = False
    if not same:
        raise ForkNotPossible("The other spec does not have the steps that come next at this checkpoint.")


def _next(way: _Way, state: State) -> list[tuple[str, type]]:
    actions = interpreter.next_actions(way.plan, way.workflow, state)
    return [(action.path, type(action)) for action in actions]


def _new_run(parent: Run, fork: ForkRun, frozen: FrozenSpec | None, way: _Way) -> Run:
    now, timeout = timezone.now(), fork.timeout_seconds
    source = fork.source
    return Run(
        status=Status.CREATED,
        target=parent.target,
        snapshot_id=parent.snapshot_id if frozen is None else frozen.digest,
        spec_path=parent.spec_path if source is None else source.spec_path,
        overlay_paths=parent.overlay_paths if source is None else list(source.overlays),
        environment=parent.environment if source is None else source.environment,
        agent_name=way.plan.agent.name,
        workflow_name=None if way.workflow is None else way.workflow.name,
        session_id=parent.session_id,
        ordered_by=parent.ordered_by,
        token_budget=parent.token_budget,
        cost_budget_nanos=parent.cost_budget_nanos,
        caller_metadata={**parent.caller_metadata, **fork.metadata},
        tags=parent.tags,
        queue=parent.queue,
        priority=parent.priority,
        input_text=parent.input_text,
        timeout_seconds=timeout,
        deadline_at=None if timeout is None else now + timedelta(seconds=timeout),
        created_at=now,
        updated_at=now,
    )
