"""Checkpoints and trace by month: nothing is lost on the way there, and a month is dropped when its runs are gone."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, models, transaction
from django.db.migrations.state import ProjectState
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from humantasks.rules import Answer, Decision
from kneo_project.indexes import AddIndexQuietly
from runs import services
from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.models import Checkpoint, LeaseOwner, Run, TraceEvent
from runs.partitions import upkeep
from runs.partitions.converting import convert
from runs.partitions.months import TABLES, Month, months, partitions
from runs.retention import rounds
from tests.factories import CheckpointFactory, RunFactory, SnapshotFactory, TraceEventFactory
from tests.integration.driving import advance, human, left, spec_of, start, step
from tests.integration.partitioning import id_at, indexes, partition, undone
from tests.integration.pruning import OLD, count, keep, let_be_old, prune
from tests.settings import DATABASE

pytestmark = pytest.mark.skipif(DATABASE != "postgres", reason="only PostgreSQL has partitions")
THIS_MONTH = Month.of(timezone.now())
LONG_AGO = (timezone.now() - timedelta(days=190)).replace(day=5)
THEN = Month.of(LONG_AGO)
ROUNDS = 50


@pytest.fixture(autouse=True)
def whole(transactional_db: None) -> Iterator[None]:
    """Have whole tables before and after."""
    with undone():
        yield


@pytest.fixture(autouse=True)
def elsewhere(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in no project, and keep everything."""
    monkeypatch.chdir(tmp_path)
    settings.RETENTION_DAYS = settings.RETENTION_DAYS.copy()


def run_of(moment: datetime, **fields: object) -> Run:
    """Return a run of that moment that ended long ago, with a checkpoint and a trace event."""
    fields = {"completed_at": moment, "sequence": 2, "trace_count": 1} | fields
    run = RunFactory.create(id=id_at(moment), created_at=moment, **fields)
    CheckpointFactory.create(run=run, sequence=2, type=RecordType.RUN_COMPLETED, created_at=moment)
    TraceEventFactory.create(run=run, number=1, at=moment)
    return run


def places(run: Run) -> set[str]:
    """Return the partitions in which records of the run are."""
    found = set()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT DISTINCT tableoid::regclass::text FROM {table} WHERE run_id = %s", [run.pk])
            found |= {name.removeprefix(f"{table}_") for (name,) in cursor.fetchall()}
    return found


def test_what_was_there_before_is_there_after_and_everything_is_in_its_place() -> None:
    with_random_ids = [RunFactory.create(id=uuid.UUID(int=part << 120 | 4 << 76 | 2 << 62)) for part in (0, 1, 4, 255)]
    for run in with_random_ids:
        CheckpointFactory.create(run=run)
        TraceEventFactory.create(run=run)
    new = start(spec_of(step("a"), step("b")))
    advance(new)
    rows = [list(model.objects.order_by("pk").values()) for model in (Checkpoint, TraceEvent)]
    names = [indexes(table) for table in TABLES]

    done = convert(timezone.now())

    assert [list(model.objects.order_by("pk").values()) for model in (Checkpoint, TraceEvent)] == rows
    assert [indexes(table) for table in TABLES] == names
    assert [places(run) for run in with_random_ids] == [{"default"}, {"default"}, {"random"}, {"random"}]
    assert places(new) == {THIS_MONTH.table("")[1:]}
    assert done.months == tuple(months())
    assert months() == [THIS_MONTH.after(number) for number in range(4)]
    CheckpointFactory.create(run=with_random_ids[0])
    assert Checkpoint.objects.latest("pk").pk > rows[0][-1]["id"]


def test_runs_are_executed_and_their_records_stay_unique() -> None:
    partition()
    run = start(spec_of(step("a"), step("b")))
    advance(run)
    assert run.status == Status.COMPLETED
    assert [sequence for sequence, _, _ in left(run)] == list(range(1, run.sequence + 1))
    assert places(run) == {THIS_MONTH.table("")[1:]}
    for other in ({"sequence": 1}, {"path": left(run)[1][2]}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CheckpointFactory.create(run=run, **other)
    with pytest.raises(IntegrityError), transaction.atomic():
        TraceEventFactory.create(run=run, number=1)


def test_a_month_goes_at_once_when_its_runs_are_gone_and_no_other_does(capsys: pytest.CaptureFixture[str]) -> None:
    partition(LONG_AGO)
    past = [run_of(LONG_AGO), run_of(LONG_AGO + timedelta(days=20))]
    young = start(spec_of(step("a")))
    advance(young)
    count()
    keep(runs=30)
    records = Checkpoint.objects.filter(run=young).count()

    assert prune() == {"runs": 2}

    assert not Run.objects.filter(pk__in=[run.pk for run in past]).exists()
    assert months()[0] == Month.of(timezone.now() - timedelta(days=30))
    assert not [name for name in partitions(TABLES[1]) if name.endswith(THEN.table(""))]
    assert (Checkpoint.objects.count(), TraceEvent.objects.exclude(run=young).count()) == (records, 0)


def test_the_records_of_a_live_run_outlive_its_month() -> None:
    partition(LONG_AGO)
    run_of(LONG_AGO)
    live = start(spec_of(step("a"), human(), step("b"), humans={"boss": {}}))
    old_id = id_at(LONG_AGO)
    with transaction.atomic(), connection.cursor() as cursor:  # as if it had been created then
        for table in (*TABLES, "runs_runlabel"):
            cursor.execute(f"UPDATE {table} SET run_id = %s WHERE run_id = %s", [old_id, live.pk])
        cursor.execute("UPDATE runs_run SET id = %s WHERE id = %s", [old_id, live.pk])
    live = Run.objects.get(pk=old_id)
    advance(live)
    assert live.status == Status.BLOCKED
    before, trace = left(live), list(live.trace_events.values())
    count()
    keep(runs=30)

    assert prune() == {"runs": 1}

    assert THEN not in months()
    assert places(live) == {"default"}
    assert (left(live), list(live.trace_events.values())) == (before, trace)
    task = live.human_tasks.get()
    answer = Answer(request_id=str(task.request_id), decision=Decision.APPROVED)
    services.resume_run(task.pk, answer, actor="boss")
    advance(live)
    assert live.status == Status.COMPLETED
    count()
    let_be_old(live, by=OLD)
    assert prune() == {"runs": 1}
    assert not Checkpoint.objects.filter(run_id=old_id).exists()


def test_a_month_stays_while_many_of_its_runs_do_and_what_the_others_left_is_no_breach(
    capsys: pytest.CaptureFixture[str],
) -> None:
    partition(LONG_AGO)
    gone, snapshot = run_of(LONG_AGO), SnapshotFactory.create()
    keeping = [
        Run(id=id_at(LONG_AGO), snapshot=snapshot, status=Status.BLOCKED, agent_name="root", sequence=1)
        for _ in range(upkeep.MOST_RUNS + 1)
    ]
    for each in keeping:
        each.created_at = each.updated_at = LONG_AGO
    Run.objects.bulk_create(keeping)
    count()
    keep(runs=30)

    assert prune() == {"runs": 1}

    assert months()[0] == THEN
    assert Checkpoint.objects.filter(run_id=gone.pk).exists()
    with pytest.raises(SystemExit):
        call_command("doctor", "--audit")
    assert "orphaned" not in capsys.readouterr().out
    Run.objects.filter(pk=keeping[0].pk).delete()
    prune()
    assert THEN not in months()
    assert not Checkpoint.objects.filter(run_id=gone.pk).exists()


def test_where_some_runs_are_kept_for_ever_records_go_with_theirs(settings: Settings) -> None:
    settings.RETENTION_RUN_STATUSES = ("completed",)
    partition(LONG_AGO)
    gone, kept = run_of(LONG_AGO), run_of(LONG_AGO, status=Status.FAILED)
    count()
    keep(runs=30)
    Run.objects.filter(pk=gone.pk).delete()
    assert not Checkpoint.objects.filter(run_id=gone.pk).exists()
    assert places(kept) == {THEN.table("")[1:]}


def test_months_to_come_are_made_in_time_and_what_came_before_them_moves_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    partition()
    call_command("doctor")
    assert "from" in of_doctor(capsys)
    later = THIS_MONTH.after(4)
    early = run_of(later.begins_at)
    assert places(early) == {"default"}

    assert upkeep.create_missing(THIS_MONTH.after().begins_at) == [later]

    assert places(early) == {later.table("")[1:]}
    assert upkeep.create_missing(THIS_MONTH.after().begins_at) == []


def test_a_round_of_retention_makes_them_and_doctor_tells_when_it_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    partition()
    with connection.cursor() as cursor:
        for month in months()[1:]:
            for table in TABLES:
                cursor.execute(f"DROP TABLE {month.table(table)}")
    call_command("doctor")
    assert f"Months without partitions: {THIS_MONTH.after()}" in of_doctor(capsys)
    rounds.prune_round(is_over=rounds.never)
    assert len(months()) == 4
    call_command("doctor")
    assert "Months without" not in of_doctor(capsys)


def test_the_command_waits_for_a_word_refuses_where_workers_are_and_does_it_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("partition")
    assert "--yes" in capsys.readouterr().out
    assert partitions(TABLES[0]) == []
    worker = LeaseOwner.objects.create(pk="w", host="h", pid=1, expires_at=timezone.now() + timedelta(hours=1))
    with pytest.raises(CommandError, match=r"1 workers are alive\. Stop"):
        call_command("partition", "--yes")
    assert partitions(TABLES[0]) == []
    worker.delete()
    for expected in ("Partitioned. Months: ", "The tables are partitioned. Months: "):
        call_command("partition", "--yes")
        assert f"{expected}{THIS_MONTH}," in capsys.readouterr().out


def of_doctor(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what doctor has said, on one line."""
    return " ".join(capsys.readouterr().out.split())


def test_a_month_is_dropped_while_runs_are_being_executed() -> None:
    partition(LONG_AGO)
    past = [run_of(LONG_AGO + timedelta(hours=hours)) for hours in range(40)]
    is_over = threading.Event()

    def work() -> list[uuid.UUID]:
        done: list[uuid.UUID] = []
        try:
            while not is_over.is_set() or len(done) < 3:
                run = start(spec_of(step("a"), step("b"), step("c")))
                advance(run)
                done.append(run.pk)
        finally:
            connections.close_all()
        return done

    count()
    keep(runs=30)
    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work) for _ in range(3)]
        try:
            pruned = prune()
            until_dropped(THEN)
        finally:
            is_over.set()
        ids = [run_id for each in working for run_id in each.result()]

    assert pruned == {"runs": len(past)}
    runs = Run.objects.filter(pk__in=ids)
    assert {run.status for run in runs} == {Status.COMPLETED}
    for run in runs:
        assert [sequence for sequence, _, _ in left(run)] == list(range(1, run.sequence + 1))
    assert Checkpoint.objects.exclude(run__in=ids).count() == 0


def until_dropped(month: Month) -> None:
    """Prune again, as beat lets workers do, until ``month`` is gone: who needs the tables comes first."""
    for _ in range(ROUNDS):
        if month not in months():
            return
        prune()
    pytest.fail("the month is never dropped")


def test_who_reads_for_long_keeps_months_and_holds_up_nobody() -> None:
    partition(LONG_AGO)
    run_of(LONG_AGO)
    count()
    keep(runs=30)
    with psycopg.connect(**connection.get_connection_params()) as reader:
        reader.execute("SELECT count(*) FROM runs_checkpoint")
        assert prune() == {"runs": 1}
        assert months()[0] == THEN
        assert upkeep.create_missing(THIS_MONTH.after().begins_at) == []
        run = start(spec_of(step("a")))
        advance(run)
        assert run.status == Status.COMPLETED
    prune()
    assert THEN not in months()
    assert upkeep.create_missing(THIS_MONTH.after().begins_at) == [THIS_MONTH.after(4)]


def test_a_later_release_can_add_an_index_without_holding_up_writers() -> None:
    partition()
    before = ProjectState.from_apps(apps)
    after = before.clone()
    adding = AddIndexQuietly("checkpoint", models.Index(fields=["created_at"], name="added_later"))
    adding.state_forwards("runs", after)
    with CaptureQueriesContext(connection) as said, connection.schema_editor(atomic=False) as editor:
        adding.database_forwards("runs", editor, before, after)

    parts = partitions(TABLES[0])
    quietly = [each["sql"] for each in said if "CONCURRENTLY" in each["sql"]]
    assert len(quietly) == len(parts)
    assert all("added_later" in " ".join(indexes(part)) for part in parts)
    assert "added_later" in indexes(TABLES[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('added_later')")
        assert cursor.fetchone() == (True,)
    with connection.schema_editor(atomic=False) as editor:
        adding.database_backwards("runs", editor, after, before)
    assert not [name for part in parts for name in indexes(part) if "added_later" in name]
