"""A process dies between any two statements that create a run, or that take one back from the dead."""

import itertools
from functools import partial

import pytest
from django.utils import timezone

from kneo_project.audit.models import AuditEvent
from runs import deadlines, idempotency, transitions
from runs.engine.lifecycle import Status
from runs.idempotency import Key
from runs.models import Checkpoint, IdempotencyRecord, Run, Schedule, ScheduledRun
from runs.schedules import firing, keeping
from specs.services import SpecSource
from tests.integration import questions
from tests.integration.crashing import crashes, dies_at
from tests.integration.driving import spec_of, step

pytestmark = pytest.mark.django_db(transaction=True)
MOST_ATTEMPTS = 5


def test_a_crash_while_creating_leaves_a_whole_run_or_none() -> None:
    for moment in itertools.count(1):
        key = Key(principal="alice", scope="runs", key=f"order-{moment}", request_hash="same")
        died = dies_at(moment, questions.start, key)
        assert _parts() in ([moment - 1] * 4, [moment] * 4)
        idempotency.once(key, partial(questions.start, key))
        assert _parts() == [moment] * 4
        if not died:
            return


def test_a_crash_while_a_schedule_starts_its_run_leaves_one_run() -> None:
    columns = {"cron": "0 0 1 1 *", "input_text": "hi"}
    for moment in itertools.count(1):
        keeping.create_schedule(f"s{moment}", SpecSource(spec=spec_of(step("a"))), columns, actor="alice")
        Schedule.objects.update(next_at=timezone.now())
        died = dies_at(moment, firing.fire_due)
        assert Run.objects.count() == ScheduledRun.objects.count() in {0, 1}
        firing.fire_due()
        assert (Run.objects.count(), Schedule.objects.get().last_outcome) == (1, "started")
        Run.objects.all().delete()
        Schedule.objects.all().delete()
        if not died:
            return


def _parts() -> list[int]:
    """Return how many there are of each thing that a creation writes."""
    created = AuditEvent.objects.filter(event_type="run.created")
    return [Run.objects.count(), Checkpoint.objects.count(), IdempotencyRecord.objects.count(), created.count()]


def _orphaned(attempts: int) -> Run:
    """Create a run whose owner is dead, after ``attempts`` deaths before."""
    run = questions.start()
    assert transitions.claim(run.pk, "a-dead-owner")
    Run.objects.filter(pk=run.pk).update(attempts=attempts)
    return run


def _recover(_run: Run) -> None:
    deadlines.recover_lapsed()


def test_a_crash_while_recovering_blames_the_run_once() -> None:
    for run in crashes(lambda: _orphaned(0), _recover):
        _recover(run)
        run.refresh_from_db()
        assert (run.status, run.lease_owner, run.attempts) == (Status.RUNNING, None, 1)
        questions.advance(run)
        questions.assert_whole(run)
        assert run.status == Status.BLOCKED


def test_a_crash_while_giving_up_gives_up_once() -> None:
    for run in crashes(lambda: _orphaned(MOST_ATTEMPTS - 1), _recover):
        _recover(run)
        run.refresh_from_db()
        assert (run.status, run.error_type) == (Status.FAILED, "dead_letter")
        assert run.checkpoints.filter(type="run_failed").count() == 1
        assert questions.audited(run.pk, "run.dead_lettered") == 1
