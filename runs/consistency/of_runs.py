"""Every run that was accepted has ended, or somebody is sure to look at it again."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from humantasks.models import HumanTask, TaskStatus
from runs import leases
from runs.awaiting import waits_for_signal
from runs.consistency.rules import Rule
from runs.engine import interpreter
from runs.engine.actions import RunStep
from runs.engine.lifecycle import ACTIVE, TERMINAL, Status
from runs.models import Checkpoint, FanOut, Run, Signal, Target
from runs.restoring import restore_state
from specs.services import load_plan

CHUNK = 200
OPEN_TASK = Exists(HumanTask.objects.filter(run=OuterRef("pk"), status=TaskStatus.OPEN))
UNENDED_FAN_OUT = Exists(FanOut.objects.filter(run=OuterRef("pk"), unfinished__gt=0))
NEEDED = ("snapshot_id", "target", "cursor", "sequence", "input_text")


def forgotten() -> Iterator[uuid.UUID]:
    """Yield the runs that have not ended, and that nobody will ever look at again.

    A query tells those that nothing in the database wakes. Of them a run waits for good reason when a signal from
    outside is what comes next; that its position tells, one run at a time.
    """
    for run in _unattended().only(*NEEDED).iterator(chunk_size=CHUNK):
        if not _waits_for_signal(run):
            yield run.pk


def _unattended() -> QuerySet[Run]:
    idle = Run.objects.filter(status__in=ACTIVE, lease_owner=None, wake_at=None)
    return idle.exclude(OPEN_TASK).exclude(UNENDED_FAN_OUT).exclude(_waits_for_its_turn())


def _waits_for_its_turn() -> Q:
    """Return the branches that begin once others of the same fan-out have ended: some are under way."""
    others = Run.objects.filter(branch_of=OuterRef("branch_of")).exclude(status__in=TERMINAL)
    under_way = others.exclude(status=Status.CREATED, wake_at=None, lease_owner=None)
    return Q(Exists(under_way), status=Status.CREATED, branch_of__isnull=False)


def _waits_for_signal(run: Run) -> bool:
    plan = load_plan(run.snapshot_id)
    workflow = interpreter.root_workflow(plan, wants_agent=run.target == Target.AGENT)
    if workflow is None:
        return False
    state = restore_state(
        run.pk, cursor=run.cursor, sequence=run.sequence, input_text=run.input_text, has_workflow=True
    )
    actions = interpreter.next_actions(plan, workflow, state)
    names = {each.work.ref for each in actions if isinstance(each, RunStep) and waits_for_signal(each)}
    has_come = Signal.objects.filter(run_id=run.pk, name__in=names, taken_at=None).exists()
    return bool(names) and not has_come


def blocked_without_question() -> QuerySet[Run, Any]:
    """Return the runs that wait for a person whom nobody asks."""
    return _ids(Run.objects.filter(status=Status.BLOCKED).exclude(OPEN_TASK))


def owned_by_the_dead() -> QuerySet[Run, Any]:
    """Return the runs whose owner's lease has lapsed, for longer than it takes a sweep to notice."""
    noticed = timedelta(seconds=settings.WORKER_LEASE_SECONDS + 10 * settings.SWEEP_SECONDS)
    return _ids(leases.lapsed().filter(updated_at__lt=Now() - noticed))


def held_though_resting() -> QuerySet[Run, Any]:
    """Return the runs that have ended or wait for a person, and that somebody holds, or that are due and have ended."""
    ended = Run.objects.filter(status__in=TERMINAL).filter(Q(lease_owner__isnull=False) | Q(wake_at__isnull=False))
    return _ids(ended | Run.objects.filter(status=Status.BLOCKED, lease_owner__isnull=False))


def ended_without_a_time() -> QuerySet[Run, Any]:
    """Return the runs that have ended at no time, and those that go on after it."""
    ended, unended = Q(status__in=TERMINAL), ~Q(status__in=TERMINAL)
    return _ids(Run.objects.filter((ended & Q(completed_at=None)) | (unended & Q(completed_at__isnull=False))))


def ended_otherwise() -> QuerySet[Run, Any]:
    """Return the runs that have ended, but whose last checkpoint says something else."""
    last = Checkpoint.objects.filter(run=OuterRef("pk"), sequence=OuterRef("sequence"), status=OuterRef("status"))
    return _ids(Run.objects.filter(status__in=TERMINAL).exclude(Exists(last)))


def branches_that_go_on() -> QuerySet[Run, Any]:
    """Return the branches that have not ended, of runs that have."""
    return _ids(Run.objects.filter(within__status__in=TERMINAL).exclude(status__in=TERMINAL))


def fan_outs_miscounted() -> QuerySet[FanOut, Any]:
    """Return the runs whose fan-outs have other branches, or more or fewer that have not ended, than they say."""
    unended = ~Q(branches__status__in=TERMINAL)
    counted = FanOut.objects.filter(run__history_pruned_at=None).annotate(
        there=Count("branches"), going_on=Count("branches", filter=unended)
    )
    counts = counted.exclude(there=F("total"), going_on=F("unfinished"))
    return counts.order_by("pk").values_list("run_id", flat=True)


def _ids(found: QuerySet[Run]) -> QuerySet[Run, Any]:
    return found.order_by("pk").values_list("pk", flat=True)


RULES = (
    Rule(code="run_forgotten", text="has not ended, and nothing will ever wake it", find=forgotten),
    Rule(code="run_blocked_unasked", text="waits for a person, and no question is open", find=blocked_without_question),
    Rule(code="run_owner_gone", text="is held by a worker that is gone", find=owned_by_the_dead),
    Rule(
        code="run_rest_disturbed", text="has ended or waits for a person, and is held or due", find=held_though_resting
    ),
    Rule(code="run_end_untimed", text="has ended at no time, or goes on after its end", find=ended_without_a_time),
    Rule(code="run_end_unrecorded", text="has ended otherwise than its last checkpoint says", find=ended_otherwise),
    Rule(
        code="branch_outlives_run", text="is a branch that goes on though its run has ended", find=branches_that_go_on
    ),
    Rule(code="fan_out_miscounted", text="has other branches than its fan-out counts", find=fan_outs_miscounted),
)
