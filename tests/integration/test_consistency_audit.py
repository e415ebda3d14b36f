"""``manage.py doctor --audit``: a healthy installation is clean, and each thing that is broken is named."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from humantasks.models import HumanTask, TaskStatus
from runs.consistency.auditing import RULES
from runs.engine.lifecycle import Status
from runs.models import (
    Checkpoint,
    FanOut,
    HourlyTally,
    IdempotencyRecord,
    JournalEntry,
    LeaseOwner,
    Run,
    RunLabel,
    Signal,
    TotalTally,
    TraceEvent,
)
from tests.factories import HumanTaskFactory
from tests.integration.filling import fill

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timezone.now() - timedelta(days=2)


@contextmanager
def undone() -> Iterator[None]:
    """Undo what the block does, before the database looks whether it makes sense."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def audit(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, list[str]]]:
    """Run the command; return its exit status, and the ids by the code of each broken rule."""
    capsys.readouterr()
    status = 0
    try:
        call_command("doctor", "--audit", "--json", *options)
    except SystemExit as ended:
        status = int(str(ended.code))
    told = json.loads(capsys.readouterr().out)
    return status, {each["code"]: each["ids"] for each in told["breaches"]}


def first(**which: Any) -> Run:
    """Return the oldest whole run of this kind."""
    return Run.objects.whole().filter(**which).earliest("created_at", "pk")


def change(run: Run, **fields: Any) -> list[str]:
    """Change the row behind everybody's back; return what is to be found then."""
    Run.objects.filter(pk=run.pk).update(**fields)
    return [str(run.pk)]


def completed() -> Run:
    return first(status=Status.COMPLETED, fan_outs=None, parent=None)


def waits_for_signal() -> Run:
    return first(status=Status.RUNNING, signals=None, fan_outs=None)


def asked() -> HumanTask:
    return HumanTask.objects.open().filter(run__status=Status.BLOCKED).earliest("created_at")


def close_question() -> int:
    return HumanTask.objects.open().update(status=TaskStatus.CANCELLED)


def signal_not_taken() -> list[str]:
    run = waits_for_signal()
    Signal.objects.create(run=run, name="payment", sent_by="bank", received_at=timezone.now())
    return [str(run.pk)]


def block_unasked() -> list[str]:
    ids = sorted(str(pk) for pk in Run.objects.filter(status=Status.BLOCKED).values_list("pk", flat=True))
    close_question()
    return ids


def lose_owner() -> list[str]:
    LeaseOwner.objects.create(pk="gone", host="h", pid=2, expires_at=LONG_AGO)
    return change(waits_for_signal(), lease_owner="gone", updated_at=LONG_AGO)


def second_record_of_a_step() -> list[str]:
    row = Checkpoint.objects.filter(run=completed(), type="step_completed").latest("sequence")
    Run.objects.filter(pk=row.run_id).update(sequence=F("sequence") + 1)
    last = Checkpoint.objects.filter(run=row.run_id).latest("sequence")
    row.pk, row.sequence = None, last.sequence
    Checkpoint.objects.filter(pk=last.pk).update(sequence=last.sequence + 1)
    row.save(force_insert=True)
    return [str(row.run_id)]


def delete_checkpoint() -> list[str]:
    row = Checkpoint.objects.filter(type="human_pause").earliest("pk")  # no tally counts these
    row.delete()
    return [str(row.run_id)]


def delete_trace_event() -> list[str]:
    event = TraceEvent.objects.filter(run=completed()).earliest("number")
    event.delete()
    return [str(event.run_id)]


def question_of_ended_run() -> list[str]:
    return [str(HumanTaskFactory.create(run=completed()).pk)]


def half_an_answer() -> list[str]:
    task = HumanTask.objects.filter(status=TaskStatus.ANSWERED).earliest("created_at")
    HumanTask.objects.filter(pk=task.pk).update(decision=None)
    return [str(task.pk)]


def miscount_fan_out() -> list[str]:
    fan_out = FanOut.objects.earliest("pk")
    FanOut.objects.filter(pk=fan_out.pk).update(unfinished=1)
    return [str(fan_out.run_id)]


def branch_goes_on() -> list[str]:
    branch = Run.objects.filter(branch_of__isnull=False).earliest("created_at", "pk")
    FanOut.objects.filter(branches=branch).update(unfinished=1)
    return change(branch, status=Status.CREATED, completed_at=None, wake_at=timezone.now())


def add_to_tally() -> list[str]:
    tally = TotalTally.objects.get(kind="steps")
    TotalTally.objects.filter(kind="steps").update(count=F("count") + 1)
    hour = HourlyTally.objects.filter(kind="steps").earliest("pk")
    HourlyTally.objects.filter(pk=hour.pk).update(count=F("count") + 1)
    return [f"steps: {tally.count + 1} told, {tally.count} counted"]


def add_to_hour() -> list[str]:
    tally = TotalTally.objects.get(kind="steps")
    hour = HourlyTally.objects.filter(kind="steps").earliest("pk")
    HourlyTally.objects.filter(pk=hour.pk).update(count=F("count") + 1)
    return [f"steps: {tally.count} in total, {tally.count + 1} in all hours"]


def orphan(model: Callable[[], Any]) -> Callable[[], list[str]]:
    """Return what leaves a row of this kind to a run that is not there."""

    def leave() -> list[str]:
        row = model()
        row.run_id = uuid.uuid4()
        row.save()
        return [str(row.pk)]

    return leave


BROKEN: list[tuple[str, Callable[[], list[str]]]] = [
    ("run_forgotten", lambda: change(waits_for_signal(), snapshot=completed().snapshot, cursor={})),
    ("run_forgotten", signal_not_taken),
    ("run_blocked_unasked", block_unasked),
    ("run_owner_gone", lose_owner),
    ("run_rest_disturbed", lambda: change(completed(), wake_at=timezone.now())),
    ("run_rest_disturbed", lambda: change(first(status=Status.BLOCKED), lease_owner="worker")),
    ("run_end_untimed", lambda: change(completed(), completed_at=None)),
    ("run_end_untimed", lambda: change(first(status=Status.BLOCKED), completed_at=timezone.now())),
    ("run_end_unrecorded", lambda: change(completed(), status=Status.EXPIRED)),
    ("branch_outlives_run", branch_goes_on),
    ("fan_out_miscounted", miscount_fan_out),
    ("checkpoints_not_dense", delete_checkpoint),
    ("trace_not_dense", delete_trace_event),
    ("human_task_outlives_run", question_of_ended_run),
    ("human_task_half_answered", half_an_answer),
    ("trace_event_orphaned", orphan(lambda: TraceEvent.objects.filter(run=completed()).latest("number"))),
    ("journal_entry_orphaned", orphan(lambda: JournalEntry.objects.earliest("pk"))),
    ("label_orphaned", orphan(lambda: RunLabel.objects.earliest("pk"))),
    ("signal_orphaned", orphan(lambda: Signal.objects.filter(taken_at__isnull=False).earliest("pk"))),
    ("idempotency_record_orphaned", orphan(lambda: IdempotencyRecord.objects.earliest("pk"))),
    ("tally_miscounted", add_to_tally),
    ("hourly_tally_miscounted", add_to_hour),
]


def test_a_healthy_installation_is_clean_and_each_broken_thing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert audit(capsys) == (0, {})
    for code, break_it in BROKEN:
        with undone():
            ids = break_it()
            assert audit(capsys) == (1, {code: ids}), code


def orphaned() -> tuple[str, str, str]:
    """Leave a checkpoint, a question and a fan-out to runs that are not there."""
    leave = [
        orphan(lambda: Checkpoint.objects.filter(type="step_completed", run__within=None).latest("pk")),
        orphan(lambda: HumanTask.objects.filter(status=TaskStatus.ANSWERED).earliest("created_at")),
        orphan(lambda: FanOut.objects.earliest("pk")),
    ]
    checkpoint, task, fan_out = (each()[0] for each in leave)
    return checkpoint, task, fan_out


def test_what_breaks_several_rules_is_named_by_each_and_no_more_ids_than_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill()
    with undone():
        run = completed()
        Checkpoint.objects.filter(run=run, sequence=run.sequence).delete()
        _, breaches = audit(capsys)
        assert set(breaches) == {"history_missing", "run_end_unrecorded", "checkpoints_not_dense", "tally_miscounted"}
    with undone():
        checkpoint, task, fan_out = orphaned()
        _, breaches = audit(capsys)
        assert breaches["checkpoint_orphaned"] == [checkpoint]
        assert breaches["human_task_orphaned"] == [task]
        assert breaches["fan_out_orphaned"] == [fan_out]
    with undone():
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX step_recorded_once")  # as in a database that was put together by hand
        ids = second_record_of_a_step()
        assert audit(capsys)[1]["step_recorded_twice"] == ids
    with undone():
        Run.objects.filter(status=Status.COMPLETED).update(completed_at=None)
        assert len(audit(capsys, "--limit", "1")[1]["run_end_untimed"]) == 1


def test_every_rule_is_tried() -> None:
    twofold = {"history_missing", "checkpoint_orphaned", "human_task_orphaned", "fan_out_orphaned"}
    assert {rule.code for rule in RULES} == {code for code, _ in BROKEN} | twofold | {"step_recorded_twice"}
