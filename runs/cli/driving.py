"""Doing the work of one run in this process, as a worker and the beat would together."""

import contextlib
import signal
import threading
import time
import uuid
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Q

from kneo_project.transient import REFUSALS, Trouble, trouble_of
from runs import deadlines, executor, heartbeat, isolation
from runs.engine.lifecycle import ACTIVE
from runs.executor import Rest
from runs.models import Run

LOOK_SECONDS = 0.05


def drive(run_id: uuid.UUID) -> None:
    """Advance the run and its branches until nothing of them moves without somebody else.

    Workers may do the same at the same time: each step is done by whoever takes it first.

    Raises:
        KeyboardInterrupt: the person at the keyboard does not want to wait.
        KneoError: the database cannot be reached, has no room, or can only be read.
    """
    try:
        with _interruptible():
            _drive(_family_of(run_id))
    except DatabaseError as error:
        raise REFUSALS[trouble_of(error) or Trouble.AWAY] from None
    finally:
        heartbeat.retire()


def _family_of(run_id: uuid.UUID) -> Q:
    within = Run.objects.filter(pk=run_id).values_list("within", flat=True).first()
    root = within or run_id
    return Q(pk=root) | Q(within=root)


def _drive(family: Q) -> None:
    swept_at = time.monotonic()
    while True:
        if heartbeat.of_this_process().is_stopping:
            raise KeyboardInterrupt
        if _advance_due(family):
            continue
        if not _moves_by_itself(family):
            return
        if time.monotonic() - swept_at >= settings.SWEEP_SECONDS:
            _sweep(family)
            swept_at = time.monotonic()
        time.sleep(LOOK_SECONDS)


def _advance_due(family: Q) -> bool:
    """Advance what is due; return whether anything was."""
    rests = [_advance(run_id) for run_id in Run.objects.due().filter(family).values_list("pk", flat=True)]
    return any(rest is not Rest.NOT_DUE for rest in rests)


def _advance(run_id: uuid.UUID) -> Rest:
    try:
        return executor.advance(run_id).rest
    except Exception as error:
        # Whatever else comes out of it is recorded as the end of the run, which is what is shown.
        if trouble_of(error) in {Trouble.FULL, Trouble.READ_ONLY}:
            raise
    return Rest.LOST


def _moves_by_itself(family: Q) -> bool:
    awaited = Q(wake_at__isnull=False) | Q(lease_owner__isnull=False)
    return Run.objects.filter(family, awaited, status__in=ACTIVE).exists()


def _sweep(family: Q) -> None:
    deadlines.recover_lapsed()
    deadlines.expire_overdue_tasks()
    deadlines.wake_blocked()
    deadlines.time_out_overdue_runs()
    for run_id in deadlines.waiting_alone().filter(family).values_list("pk", flat=True):
        isolation.advance_in_child(str(run_id))


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C hand the run over instead of leaving it to lapse."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: heartbeat.of_this_process().stop(grace_seconds=0))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
