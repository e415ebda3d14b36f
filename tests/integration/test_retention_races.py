"""Retention and others at the same moment, on PostgreSQL: whoever comes first, nothing that lives is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import Settings

from kneo_project.audit.models import AuditEvent
from kneo_project.errors import KneoError
from runs.errors import ForkNotPossible, RunNotFound, RunStateConflict
from runs.models import RetentionMark, Run
from runs.redriving import ForkRun, continue_run, fork_run
from runs.retention import rounds
from runs.statements import lock_snapshots
from specs.models import SpecSnapshot
from specs.services import SpecSource, freeze, store
from tests.factories import RunFactory
from tests.integration.driving import advance, spec_of, start, step
from tests.integration.functions import FAILING
from tests.integration.meeting import during, elsewhere_do, refusal_of
from tests.integration.pruning import OLD, count, keep, let_be_old, prune
from tests.settings import DATABASE

pytestmark = pytest.mark.skipif(DATABASE != "postgres", reason="on SQLite one writes after another")
LONG_AGO = timezone.now() - OLD


@pytest.fixture(autouse=True)
def elsewhere(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in no project, and keep everything."""
    monkeypatch.chdir(tmp_path)
    settings.RETENTION_DAYS = settings.RETENTION_DAYS.copy()


def failed_run() -> Run:
    """Return a run whose second step failed long ago."""
    FAILING.add("b")
    run = start(spec_of(step("a"), step("b")))
    advance(run)
    let_be_old(run)
    run.refresh_from_db()
    FAILING.clear()
    return run


@pytest.mark.parametrize("kind", ["runs", "checkpoints"])
def test_a_run_that_is_being_continued_stays(kind: str) -> None:
    run = failed_run()
    keep(**{kind: 30})
    with transaction.atomic():
        continue_run(run.pk, actor="alice")
        assert elsewhere_do(prune) == {}
    assert prune() == {}
    advance(run)
    assert (run.status, run.output_text, run.history_pruned_at) == ("completed", "hi>a>b", None)


@pytest.mark.parametrize("kind", ["runs", "checkpoints"])
def test_a_run_that_is_being_forked_stays(kind: str) -> None:
    run = failed_run()
    keep(**{kind: 30})
    with transaction.atomic():
        fork = fork_run(run.pk, ForkRun(), actor="alice")
        assert elsewhere_do(prune) == {}
    assert prune() == {}
    advance(fork)
    assert (fork.status, fork.output_text, fork.parent_id) == ("completed", "hi>a>b", run.pk)


@pytest.mark.parametrize(
    ("kind", "refused_with"),
    [("runs", RunNotFound), ("checkpoints", RunStateConflict)],
)
def test_who_continues_a_run_that_is_being_pruned_is_refused(kind: str, refused_with: type[KneoError]) -> None:
    run = failed_run()
    keep(**{kind: 30})
    refusal = during(prune, lambda: refusal_of(lambda: continue_run(run.pk, actor="alice")))
    assert type(refusal) is refused_with
    assert not Run.objects.exclude(status="failed").exists()


@pytest.mark.parametrize(
    ("kind", "refused_with"),
    [("runs", RunNotFound), ("checkpoints", ForkNotPossible)],
)
def test_who_forks_a_run_that_is_being_pruned_is_refused(kind: str, refused_with: type[KneoError]) -> None:
    run = failed_run()
    keep(**{kind: 30})
    refusal = during(prune, lambda: refusal_of(lambda: fork_run(run.pk, ForkRun(), actor="alice")))
    assert type(refusal) is refused_with
    assert not Run.objects.exclude(status="failed").exists()


def test_pruners_that_meet_prune_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BATCH", 3)
    for _ in range(30):
        RunFactory.create(completed_at=LONG_AGO)
    count()
    keep(runs=30)
    together = threading.Barrier(3)

    def prune_together() -> int:
        together.wait()
        try:
            return prune().get("runs", 0)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        pruned = [future.result() for future in [pool.submit(prune_together) for _ in range(3)]]
    pruned.append(prune().get("runs", 0))
    audited = AuditEvent.objects.filter(event_type="retention.pruned").values_list("metadata__runs", flat=True)
    assert (sum(pruned), sum(audited), Run.objects.count()) == (30, 30, 0)


def test_who_finds_another_at_it_leaves_it_to_him() -> None:
    RunFactory.create(completed_at=LONG_AGO)
    count()
    keep(runs=30)
    RetentionMark.objects.create(kind="runs")
    with transaction.atomic():
        RetentionMark.objects.select_for_update().get(pk="runs")
        assert elsewhere_do(prune) == {}
    assert (rounds.age_seconds(), prune()) == (None, {"runs": 1})


def test_a_spec_that_is_just_being_used_again_stays() -> None:
    spec = spec_of(step("a"))
    digest = store(freeze(SpecSource(spec=spec), allowed_functions=None)).pk
    SpecSnapshot.objects.update(created_at=LONG_AGO)
    keep(snapshots=30)
    with transaction.atomic():
        run = start(spec)
        assert elsewhere_do(prune) == {}
    assert (prune(), Run.objects.get(pk=run.pk).snapshot_id) == ({}, digest)
    Run.objects.all().delete()
    assert prune() == {"snapshots": 1}


def test_who_uses_a_spec_again_that_is_being_pruned_stores_it_anew() -> None:
    spec = spec_of(step("a"))
    store(freeze(SpecSource(spec=spec), allowed_functions=None))
    SpecSnapshot.objects.update(created_at=LONG_AGO)
    keep(snapshots=30)
    run = during(prune, lambda: start(spec))
    assert SpecSnapshot.objects.get().created_at > LONG_AGO
    advance(run)
    assert run.status == "completed"


def test_specs_can_be_stored_again_when_nobody_prunes() -> None:
    with transaction.atomic():
        assert lock_snapshots()
    assert elsewhere_do(lambda: start(spec_of(step("a")))).status == "created"
