"""Retention: what is past its window goes with all that belongs to it, and nothing else."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from humantasks.models import HumanTask, TaskApproval
from humantasks.rules import Answer, Decision
from kneo_project.audit.models import AuditEvent
from kneo_project.webhooks.models import DeliveryStatus, WebhookDelivery
from runs import idempotency, redriving, services, statistics, tasks
from runs.engine.lifecycle import TERMINAL, Status
from runs.errors import ForkNotPossible, RunStateConflict
from runs.models import (
    BulkOperation,
    BulkStatus,
    Checkpoint,
    FanOut,
    HourlyTally,
    IdempotencyRecord,
    JournalEntry,
    RetentionMark,
    Run,
    RunLabel,
    Signal,
    TotalTally,
    TraceEvent,
)
from runs.redriving import ForkRun, continue_run, fork_run
from runs.retention import ended, rounds
from runs.retention.batches import Batch, Limit
from runs.retention.windows import windows
from specs.errors import ProjectConfigInvalid
from specs.models import SpecSnapshot
from tests.factories import CheckpointFactory, HumanTaskFactory, RunFactory, SnapshotFactory, TraceEventFactory
from tests.integration.driving import advance, human, spec_of, start, step
from tests.integration.functions import FAILING
from tests.integration.pruning import OLD, count, keep, let_be_old, prune
from tests.integration.test_fan_outs import over, run_of
from tests.integration.webhooks import ping, subscribe
from tests.settings import DATABASE

BELONGING = (Checkpoint, FanOut, HumanTask, IdempotencyRecord, JournalEntry, RunLabel, Signal, TraceEvent)
LONG_AGO = timezone.now() - OLD
LIVE = sorted(set(Status) - TERMINAL)


@pytest.fixture(autouse=True)
def elsewhere(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in no project, and keep everything."""
    monkeypatch.chdir(tmp_path)
    settings.RETENTION_DAYS = settings.RETENTION_DAYS.copy()


def ended_run(*steps: str) -> Run:
    """Return a run that completed long ago, or failed at the last of its steps if that is to fail."""
    run = start(spec_of(*(step(name) for name in steps or ("a", "b"))))
    advance(run)
    let_be_old(run)
    run.refresh_from_db()
    return run


def failed_run() -> Run:
    """Return a run whose second step failed long ago."""
    FAILING.add("b")
    run = ended_run()
    FAILING.clear()
    assert run.status == "failed"
    return run


def answered_run() -> Run:
    """Return a run in which somebody was asked, which ended long ago with all that can belong to a run."""
    run = start(spec_of(step("a"), human(), humans={"boss": {}}), metadata={"ticket": "7"}, tags=("urgent",))
    advance(run)
    task = HumanTask.objects.get(run=run)
    answer = Answer(request_id=str(task.request_id), decision=Decision.APPROVED)
    key = idempotency.key_of("word", principal="alice", scope="resume", payload={})
    services.resume_run(task.pk, answer, actor="alice", key=key)
    advance(run)
    JournalEntry.objects.create(run=run, path="a", iteration=1, attempt=1, key="k", value={}, at=LONG_AGO)
    Signal.objects.create(run=run, name="paid", sent_by="alice", received_at=LONG_AGO)
    HumanTask.objects.update(created_at=LONG_AGO)
    IdempotencyRecord.objects.update(created_at=LONG_AGO)
    let_be_old(run)
    return run


def first_batch(limit: Limit) -> Batch:
    """Prune one batch of runs."""
    with transaction.atomic():
        return ended.prune_runs(limit, RetentionMark())


def test_nothing_goes_unless_there_is_a_window() -> None:
    ended_run()
    assert prune() == {}
    assert (Run.objects.count(), RetentionMark.objects.filter(pk=RetentionMark.ROUND).exists()) == (1, False)


def test_a_run_goes_with_all_that_belongs_to_it() -> None:
    answered_run()
    let_be_old(run_of(over("a", name="each")))
    assert all(model.objects.exists() for model in BELONGING)
    keep(runs=30)

    assert prune() == {"runs": 2}
    assert [model for model in (Run, *BELONGING) if model.objects.exists()] == []
    assert AuditEvent.objects.filter(event_type="run.created").count() == 2


def test_a_run_within_its_window_stays() -> None:
    young, old = ended_run(), ended_run()
    let_be_old(young, by=timedelta(days=29))
    keep(runs=30)
    assert (prune(), Run.objects.get().pk) == ({"runs": 1}, young.pk)
    assert not Run.objects.filter(pk=old.pk).exists()


def test_a_window_of_no_days_is_everything_that_has_ended() -> None:
    let_be_old(ended_run(), by=timedelta(0))
    keep(runs=0)
    assert prune() == {"runs": 1}


@pytest.mark.parametrize("status", LIVE)
def test_a_live_run_is_never_pruned_nor_what_it_came_from(status: Status) -> None:
    old = {"created_at": LONG_AGO, "completed_at": LONG_AGO}
    parent = RunFactory.create(**old)
    live = RunFactory.create(status=status, parent=parent, **old)
    whole = RunFactory.create(**old)
    RunFactory.create(status=status, within=whole, **old)
    task = HumanTaskFactory.create(run=live, status="answered", created_at=LONG_AGO)
    promise = IdempotencyRecord.objects.create(principal="p", scope="s", key="k", request_hash="h", run=live)
    IdempotencyRecord.objects.update(created_at=LONG_AGO)
    count()
    keep(runs=0, checkpoints=0, continuations=0, idempotency=0)

    assert prune() == {}
    assert set(Run.objects.filter(history_pruned_at=None)) == {parent, live, whole, Run.objects.get(within=whole)}
    assert (HumanTask.objects.get(), IdempotencyRecord.objects.get()) == (task, promise)


def test_a_fork_that_has_ended_does_not_keep_what_it_came_from() -> None:
    parent = ended_run()
    fork = fork_run(parent.pk, ForkRun(checkpoint=2), actor="alice")
    keep(runs=30)
    assert prune() == {}
    advance(fork)
    count()
    assert prune() == {"runs": 1}
    fork.refresh_from_db()
    assert (fork.parent_id, fork.forked_at, fork.output_text) == (None, 2, "hi>a>b")


def test_an_ended_run_of_which_it_is_not_known_when_it_ended_stays() -> None:
    RunFactory.create(completed_at=None)
    count()
    keep(runs=0, checkpoints=0)
    assert prune() == {}


def test_only_runs_of_the_statuses_that_may_go_do(settings: Settings) -> None:
    settings.RETENTION_RUN_STATUSES = ("failed",)
    completed, _ = ended_run(), failed_run()
    keep(runs=30)
    assert (prune(), Run.objects.get()) == ({"runs": 1}, completed)


def test_a_history_goes_and_its_ends_stay() -> None:
    run = answered_run()
    keep(checkpoints=30)

    assert prune() == {"checkpoints": 1}
    run.refresh_from_db()
    assert list(run.checkpoints.values_list("sequence", "type")) == [
        (1, "run_started"),
        (run.sequence, "run_completed"),
    ]
    assert (run.output_text, run.history_pruned_at is not None) == ("hi>a", True)
    assert [TraceEvent.objects.count(), JournalEntry.objects.count(), HumanTask.objects.count()] == [0, 0, 1]
    assert prune() == {}


def test_the_history_of_branches_goes_with_that_of_their_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BATCH", 2)
    run = run_of(over("a", name="each"))
    let_be_old(run)
    keep(checkpoints=30)
    assert prune() == {"checkpoints": 1}
    assert Run.objects.filter(history_pruned_at=None).count() == 0
    kept = Checkpoint.objects.filter(run__within=run).values_list("type", flat=True)
    assert sorted(kept) == ["run_completed"] * 3 + ["run_started"] * 3


def test_what_whole_runs_are_pruned_of_is_not_pruned_twice() -> None:
    ended_run()
    let_be_old(ended_run(), by=timedelta(days=20))
    keep(checkpoints=10, runs=30)
    assert prune() == {"checkpoints": 1, "runs": 1}


def test_what_was_pruned_cannot_be_gone_on_with_and_can_be_begun_again() -> None:
    run = failed_run()
    keep(checkpoints=30)
    prune()

    with pytest.raises(RunStateConflict, match="history of this run was pruned"):
        continue_run(run.pk, actor="alice")
    for checkpoint in (None, 2):
        with pytest.raises(ForkNotPossible, match="history of this run was pruned"):
            fork_run(run.pk, ForkRun(checkpoint=checkpoint), actor="alice")
    again = fork_run(run.pk, ForkRun(checkpoint=redriving.FIRST_CHECKPOINT), actor="alice")
    advance(again)
    assert (again.status, again.output_text) == ("completed", "hi>a>b")


def test_a_run_with_very_many_branches_goes_in_several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BATCH", 2)
    run = run_of(over("a", name="each"))
    let_be_old(run)
    keep(runs=30)
    known = windows()
    limit = rounds.limits(known, timezone.now())["runs"]

    assert first_batch(limit).goes_on
    run.refresh_from_db()
    assert (Run.objects.filter(within=run).count(), run.history_pruned_at is not None) == (1, True)
    assert (prune(), Run.objects.count(), FanOut.objects.count()) == ({"runs": 1}, 0, 0)


def test_a_batch_holds_no_more_records_than_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended, "MOST_RECORDS", 10)
    for _ in range(3):
        RunFactory.create(completed_at=LONG_AGO, sequence=6)
    count()
    keep(runs=30)
    limit = rounds.limits(windows(), timezone.now())["runs"]
    assert first_batch(limit).pruned == 1
    assert prune() == {"runs": 2}


def test_closed_questions_and_promises_of_ended_runs_go() -> None:
    run = answered_run()
    of_two = HumanTask.objects.get(run=run)
    TaskApproval.objects.create(task=of_two, decided_by="alice", decided_at=LONG_AGO, decision="approved")
    HumanTaskFactory.create(run=run, status="open", created_at=LONG_AGO)
    HumanTaskFactory.create(run=run, status="cancelled", created_at=timezone.now())
    keep(continuations=30, idempotency=30)
    assert prune() == {"continuations": 1, "idempotency": 1}
    assert set(HumanTask.objects.values_list("status", flat=True)) == {"open", "cancelled"}


def test_a_branch_keeps_its_question_as_long_as_its_run_lives() -> None:
    whole = RunFactory.create(status=Status.BLOCKED)
    branch = RunFactory.create(within=whole, completed_at=LONG_AGO)
    HumanTaskFactory.create(run=branch, status="answered", created_at=LONG_AGO)
    count()
    keep(continuations=0)
    assert prune() == {}
    Run.objects.filter(pk=whole.pk).update(status=Status.FAILED, completed_at=LONG_AGO)
    assert prune() == {"continuations": 1}


def test_audit_events_go_and_the_pruning_is_one() -> None:
    run = ended_run()
    AuditEvent.objects.update(created_at=LONG_AGO)
    services.cancel_run(start(spec_of(step("a"))).pk, actor="alice")
    keep(audit=30, runs=30)
    prune()
    left = AuditEvent.objects.order_by("pk").values_list("event_type", "metadata")
    assert [event for event, _ in left] == ["run.created", "run.cancelled", "retention.pruned"]
    assert list(left)[-1][1] == {"audit": 1, "runs": 1}
    assert not AuditEvent.objects.filter(run_id=run.pk).exists()
    prune()
    assert AuditEvent.objects.filter(event_type="retention.pruned").count() == 1


def test_what_a_round_that_died_has_pruned_is_audited_by_the_next() -> None:
    RetentionMark.objects.create(kind="runs", unreported=7)
    keep(runs=30)
    prune()
    assert AuditEvent.objects.get().metadata == {"runs": 7}


def test_orders_for_many_runs_go_once_they_have_ended() -> None:
    for status, at in (
        (BulkStatus.RUNNING, None),
        (BulkStatus.COMPLETED, LONG_AGO),
        (BulkStatus.COMPLETED, timezone.now()),
    ):
        BulkOperation.objects.create(
            action="cancel", filter={}, status=status, batch_size=1, matched=0, created_by="a",
            created_at=LONG_AGO, completed_at=at,
        )  # fmt: skip
    keep(bulk=30)
    assert (prune(), BulkOperation.objects.count()) == ({"bulk": 1}, 2)


def test_deliveries_of_webhooks_go_once_they_are_settled() -> None:
    subscribed = subscribe()
    for status in (DeliveryStatus.PENDING, DeliveryStatus.DELIVERED, DeliveryStatus.DEAD):
        delivery = ping(subscribed)
        WebhookDelivery.objects.filter(pk=delivery.pk).update(status=status, created_at=LONG_AGO)
    ping(subscribed)
    keep(webhooks=30)
    assert prune() == {"webhooks": 2}
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {DeliveryStatus.PENDING}


def test_tallies_of_hours_go_and_totals_stay() -> None:
    now = timezone.now()
    for hour in (LONG_AGO, now - timedelta(hours=2), now):
        HourlyTally.objects.create(kind="steps", hour=hour, workflow_name="flow")
    TotalTally.objects.create(kind="steps", count=3)
    keep(tallies=0)
    assert (prune(), HourlyTally.objects.get().hour, TotalTally.objects.count()) == ({"tallies": 2}, now, 1)


def test_specs_that_no_run_uses_go_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BATCH", 2)
    used = {RunFactory.create().snapshot_id for _ in range(5)}
    unused = [SnapshotFactory.create().pk for _ in range(5)]
    for number, snapshot in enumerate(SpecSnapshot.objects.order_by("pk")):
        SpecSnapshot.objects.filter(pk=snapshot.pk).update(created_at=LONG_AGO + timedelta(seconds=number))
    SpecSnapshot.objects.filter(pk=unused[0]).update(created_at=timezone.now())
    keep(snapshots=30)
    assert prune() == {"snapshots": 4}
    assert set(SpecSnapshot.objects.values_list("pk", flat=True)) == used | {unused[0]}


def test_log_files_go_and_nothing_that_a_link_leads_to(settings: Settings, tmp_path: Path) -> None:
    settings.STATE_DIR = tmp_path
    logs, other = tmp_path / "logs", tmp_path / "other"
    (logs / "folder").mkdir(parents=True)
    other.mkdir()
    for path in (logs / "web.log.1", logs / "worker.log", logs / "folder" / "x", other / "precious", logs / "young.1"):
        path.write_text("line")
        os.utime(path, (LONG_AGO.timestamp(),) * 2)
    os.utime(logs / "young.1")
    (logs / "link").symlink_to(other / "precious")
    (logs / "links").symlink_to(other)
    os.utime(logs / "link", (LONG_AGO.timestamp(),) * 2, follow_symlinks=False)
    keep(logs=30)

    assert (prune(), prune()) == ({"logs": 2}, {})
    left = {str(path.relative_to(tmp_path)): path.is_file() and path.read_text() for path in sorted(logs.rglob("*"))}
    assert left.keys() == {"logs/folder", "logs/folder/x", "logs/link", "logs/links", "logs/worker.log", "logs/young.1"}
    assert (left["logs/worker.log"], (other / "precious").read_text()) == ("", "line")


def test_logs_that_are_a_link_are_left_alone(settings: Settings, tmp_path: Path) -> None:
    settings.STATE_DIR = tmp_path
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("line")
    (tmp_path / "logs").symlink_to(tmp_path / "other")
    keep(logs=0)
    assert (prune(), (tmp_path / "other" / "x").exists()) == ({}, True)


def test_what_is_not_in_the_tallies_yet_stays_until_it_is() -> None:
    run = start(spec_of(step("a")))
    advance(run)
    Run.objects.update(completed_at=LONG_AGO)
    keep(runs=0, checkpoints=0)
    assert prune() == {}
    count()
    assert prune() == {"runs": 1}
    count()
    totals = dict(TotalTally.objects.values_list("kind", "count"))
    assert (totals["started"], totals["completed"], totals["steps"]) == (1, 1, 1)


def test_a_late_checkpoint_keeps_its_run_whatever_the_clocks_say() -> None:
    run = ended_run()
    CheckpointFactory.create(run=run, created_at=timezone.now() + timedelta(minutes=1))
    keep(runs=30, checkpoints=30)
    assert statistics.not_counted([run.pk]) == {run.pk}
    assert prune() == {}


def test_a_round_stops_when_its_time_is_over_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BATCH", 2)
    for _ in range(5):
        RunFactory.create(completed_at=LONG_AGO)
    count()
    keep(runs=30)
    batches = iter([False, False, True])
    known = windows()
    pruned = rounds.prune(known, rounds.limits(known, timezone.now()), is_over=lambda: next(batches))
    assert (pruned, rounds.age_seconds()) == ({"runs": 4}, None)
    tasks.prune()
    assert (Run.objects.count(), rounds.age_seconds() is not None) == (0, True)


def test_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BATCH", 1)
    runs = [RunFactory.create(completed_at=LONG_AGO - timedelta(days=days)) for days in (1, 3, 2)]
    count()
    keep(runs=30)
    first_batch(rounds.limits(windows(), timezone.now())["runs"])
    assert set(Run.objects.all()) == {runs[0], runs[2]}


def test_the_project_says_what_the_variables_do_not(tmp_path: Path) -> None:
    (tmp_path / ".kneo").mkdir()
    file = tmp_path / ".kneo" / "config.yaml"
    file.write_text("project: {name: x}\nretention: {runs_days: 30, audit_days: 5, queue_days: 1}\n")
    keep(audit=7)
    said = {window.kind: (window.days, window.origin) for window in windows() if window.days is not None}
    assert said == {"audit": (7, "KNEO_SERV_RETENTION_AUDIT_DAYS"), "runs": (30, str(file))}


def test_nothing_goes_where_the_project_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / ".kneo").mkdir()
    (tmp_path / ".kneo" / "config.yaml").write_text("project: {name: x}\nretention: {runs_days: soon}\n")
    ended_run()
    keep(runs=0)
    with pytest.raises(ProjectConfigInvalid):
        tasks.prune()
    assert Run.objects.count() == 1


def test_a_window_longer_than_time_is_for_ever() -> None:
    ended_run()
    keep(runs=10**12)
    assert prune() == {}


def test_trace_events_that_are_left_of_nothing_are_told_as_dropped() -> None:
    run = RunFactory.create(completed_at=LONG_AGO, trace_count=1)
    TraceEventFactory.create(run=run)
    count()
    keep(checkpoints=30)
    prune()
    run.refresh_from_db()
    assert (run.trace_event_count, run.trace_dropped) == (0, 1)


@pytest.mark.skipif(DATABASE == "postgres", reason="the plan is SQLite's")
@pytest.mark.parametrize("past", [ended.runs_past, ended.histories_past])
def test_what_is_past_is_found_without_reading_all_runs_for_each(past: Callable[[Limit], QuerySet[Run]]) -> None:
    snapshot = SnapshotFactory.create()
    Run.objects.bulk_create(RunFactory.build(snapshot=snapshot, completed_at=LONG_AGO) for _ in range(1_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        plan = past(Limit(before=timezone.now(), at_most=500)).explain().splitlines()
        cursor.execute("DROP TABLE sqlite_stat1")
    for_each = [step for number, step in enumerate(plan) if "CORRELATED" in plan[number - 1]]
    assert for_each
    assert not [step for step in for_each if "SCAN" in step]
