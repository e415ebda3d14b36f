"""Branches that are runs of their own, in the database: how they begin, and what goes on or ends because one ended.

Locks are taken from the outside in: who ends a branch, or gives it branches, locks the run that all of it is within
first. So the end of that run finds every branch there is, and two ends never wait for each other.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import batched

from django.conf import settings
from django.db.models import F, OuterRef, QuerySet, Sum
from django.db.models.functions import Coalesce, Now

from humantasks import services as humantasks
from humantasks.models import TaskStatus
from kneo_project import spans
from runs import turns
from runs.engine.actions import Spread
from runs.engine.lifecycle import ACTIVE, TERMINAL, Status
from runs.engine.progress import RecordType
from runs.engine.state import State
from runs.models import Checkpoint, FanOut, JournalEntry, Run

WRITTEN_AT_ONCE = 500
COUNTED = ("input_tokens", "output_tokens", "total_tokens", "cost_nanos")
COPIED = (
    "target",
    "snapshot_id",
    "spec_path",
    "overlay_paths",
    "agent_name",
    "workflow_name",
    "environment",
    "session_id",
    "ordered_by",
    "caller_metadata",
    "deadline_at",
    "timeout_seconds",
    "token_budget",
    "cost_budget_nanos",
    "traceparent",
    "queue",
    "priority",
)


def lock(whole_id: uuid.UUID | None) -> None:
    """Let nobody move the run ``whole_id``, which has branches, before the caller's transaction ends. None is none."""
    if whole_id is not None:
        Run.objects.select_for_update(no_key=True).filter(pk=whole_id).values_list("pk", flat=True).first()


def open_fan_out(run_id: uuid.UUID, action: Spread, states: Sequence[State], at: datetime) -> FanOut:
    """Return the fan-out that ``action`` asks for: begun now with a branch for each of ``states``, or begun before.

    No more branches are under way at a time than the workflow allows, nor more than the service does. In the caller's
    transaction, which also moves the run.
    """
    known = FanOut.objects.filter(run_id=run_id, path=action.path).first()
    if known is not None:
        return known
    total = len(states)
    fan_out = FanOut.objects.create(
        run_id=run_id,
        path=action.path,
        total=total,
        unfinished=total,
        at_once=min(action.workflow.max_parallel or total, settings.MAX_PARALLEL_BRANCHES),
        variables=dict(states[0].variables),
        text_at=action.text_at,
        created_at=at,
    )
    run = Run.objects.get(pk=run_id)
    run.traceparent = spans.traceparent() or run.traceparent  # branches go on from the span that makes them
    for batch in batched(enumerate(states), WRITTEN_AT_ONCE):
        branches = [_branch(run, fan_out, index, state, at) for index, state in batch]
        Run.objects.bulk_create(branches)
        Checkpoint.objects.bulk_create(_beginning(branch) for branch in branches)
    _let_begin(fan_out.pk, fan_out.at_once)
    return fan_out


def note_end(run_id: uuid.UUID, *, branch_of: int, within: uuid.UUID) -> None:
    """Count the branch ``run_id`` as ended; let the next one begin, and the run whose branch it is go on.

    In the transaction that ends it, after ``lock(within)``.
    """
    _charge(within, Run.objects.filter(pk=run_id), sign=1)
    FanOut.objects.filter(pk=branch_of).update(unfinished=F("unfinished") - 1)
    _let_begin(branch_of, 1)
    parent_id = FanOut.objects.filter(pk=branch_of, unfinished=0).values_list("run_id", flat=True).first()
    if parent_id is not None:
        lock(parent_id)  # it may be a branch that is just about to rest, and would not be found by what wakes it
        Run.objects.filter(pk=parent_id, lease_owner=None, status__in=ACTIVE).update(wake_at=Now())


def end_with(run_id: uuid.UUID, at: datetime) -> None:
    """End what the run ``run_id`` leaves behind, in the transaction that ends it early: its questions, its branches."""
    humantasks.close_tasks([run_id], TaskStatus.CANCELLED)
    _end(Run.objects.filter(within=run_id), run_id, at)


def end_below(run_id: uuid.UUID, prefix: str, at: datetime) -> None:
    """End all branches of the run's fan-outs whose paths begin with ``prefix``, and theirs, and so on.

    In the transaction that lets the run go on without them, after ``lock``.
    """
    unended = Run.objects.exclude(status__in=TERMINAL)
    level = list(FanOut.objects.filter(run_id=run_id, path__startswith=prefix, unfinished__gt=0))
    while level:
        branches = dict(unended.filter(branch_of__in=level).values_list("pk", "within_id"))
        level = list(FanOut.objects.filter(run_id__in=branches, unfinished__gt=0))
        for whole_id in set(branches.values()):
            _end(Run.objects.filter(pk__in=branches), whole_id, at)


def _end(branches: QuerySet[Run], whole_id: uuid.UUID, at: datetime) -> None:
    unended = branches.exclude(status__in=TERMINAL).select_for_update(no_key=True)
    found = list(unended.order_by("pk").values_list("pk", "sequence"))
    if not found:
        return
    humantasks.close_tasks([pk for pk, _ in found], TaskStatus.CANCELLED)
    ended = Run.objects.filter(pk__in=[pk for pk, _ in found])
    why = {"error_type": "cancelled", "error_message": "The run that this is a branch of has ended."}
    ended.update(
        status=Status.CANCELLED,
        sequence=F("sequence") + 1,
        fence=F("fence") + 1,
        lease_owner=None,
        wake_at=None,
        completed_at=at,
        updated_at=at,
        **why,
    )
    Checkpoint.objects.bulk_create(
        (_end_record(pk, sequence + 1, at, why) for pk, sequence in found), batch_size=WRITTEN_AT_ONCE
    )
    _charge(whole_id, ended, sign=1)


def reopen(fan_out: FanOut, branches: Mapping[uuid.UUID, State], at: datetime) -> None:
    """Let ``branches`` of ``fan_out``, which did not complete, begin again each at its state.

    In the transaction that lets the run go on whose branches they are.
    """
    found = list(Run.objects.filter(pk__in=branches, branch_of=fan_out))
    whole_id = next((run.within_id for run in found), None)
    if whole_id is not None:
        _charge(whole_id, Run.objects.filter(pk__in=branches), sign=-1)
        deadline = Run.objects.values_list("deadline_at", flat=True).get(pk=whole_id)
        for run in found:
            _reset(run, branches[run.pk], deadline, at)
    changed = ["cursor", "status", "attempts", "error_type", "error_message", "wake_at", "deadline_at", "completed_at"]
    fields = [*changed, "sequence", "fence", "updated_at"]
    JournalEntry.objects.filter(run_id__in=branches, spent=False).update(spent=True)
    Run.objects.bulk_update(found, fields, batch_size=WRITTEN_AT_ONCE)
    Checkpoint.objects.bulk_create((_replay(run, at) for run in found), batch_size=WRITTEN_AT_ONCE)
    FanOut.objects.filter(pk=fan_out.pk).update(unfinished=len(found))
    _let_begin(fan_out.pk, fan_out.at_once)


def spent_within(whole_id: uuid.UUID) -> tuple[int, int]:
    """Return how many tokens the run ``whole_id`` and its branches have used, and what they cost in billionths.

    Those under way are included.
    """
    ended = Run.objects.values("total_tokens", "cost_nanos").get(pk=whole_id)
    branches = Run.objects.filter(within=whole_id).exclude(status__in=TERMINAL)
    under_way = branches.aggregate(tokens=Coalesce(Sum("total_tokens"), 0), nanos=Coalesce(Sum("cost_nanos"), 0))
    return (ended["total_tokens"] or 0) + under_way["tokens"], (ended["cost_nanos"] or 0) + under_way["nanos"]


def _branch(run: Run, fan_out: FanOut, index: int, state: State, at: datetime) -> Run:
    return Run(
        **{name: getattr(run, name) for name in COPIED},
        within_id=run.within_id or run.pk,
        branch_of=fan_out,
        branch_index=index,
        input_text=state.texts[state.sequence],
        cursor=state.cursor(),
        sequence=state.sequence,
        created_at=at,
        updated_at=at,
    )


def _beginning(branch: Run) -> Checkpoint:
    return Checkpoint(
        run=branch,
        sequence=branch.sequence,
        type=RecordType.RUN_STARTED,
        status=Status.RUNNING,
        input_text=branch.input_text,
        details={"target": branch.target, "branch_index": branch.branch_index},
        created_at=branch.created_at,
    )


def _end_record(run_id: uuid.UUID, sequence: int, at: datetime, why: Mapping[str, str]) -> Checkpoint:
    kind, status = RecordType.RUN_CANCELLED, Status.CANCELLED
    return Checkpoint(run_id=run_id, sequence=sequence, type=kind, status=status, created_at=at, **why)


def _reset(run: Run, state: State, deadline: datetime | None, at: datetime) -> None:
    run.cursor, run.status, run.attempts, run.wake_at = state.cursor(), Status.CREATED, 0, None
    run.error_type = run.error_message = run.completed_at = None
    run.sequence, run.fence = run.sequence + 1, run.fence + 1
    run.deadline_at, run.updated_at = deadline, at


def _replay(run: Run, at: datetime) -> Checkpoint:
    kind, status = RecordType.REPLAY_CONTEXT, Status.RUNNING
    return Checkpoint(run=run, sequence=run.sequence, type=kind, status=status, cursor=run.cursor, created_at=at)


def _let_begin(fan_out_id: int, count: int) -> None:
    """Let up to ``count`` of the branches that wait for their turn begin, the first ones first."""
    waiting = Run.objects.filter(branch_of=fan_out_id, status=Status.CREATED, wake_at=None)
    turn = turns.next_turn(queue=OuterRef("queue"), priority=OuterRef("priority"), ordered_by=OuterRef("ordered_by"))
    Run.objects.filter(pk__in=waiting.order_by("branch_index").values("pk")[:count]).update(wake_at=Now(), turn=turn)


def _charge(whole_id: uuid.UUID, branches: QuerySet[Run], *, sign: int) -> None:
    """Add what ``branches`` have used to the run ``whole_id``, or take it off again."""
    used = branches.aggregate(**{name: Sum(name) for name in COUNTED})
    if any(used.values()):
        changed = {name: Coalesce(F(name), 0) + sign * (used[name] or 0) for name in COUNTED}
        Run.objects.filter(pk=whole_id).update(**changed)
