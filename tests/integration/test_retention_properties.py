"""Whatever the windows are and whatever runs there are: nothing that lives is ever pruned, and all that may go goes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from humantasks.models import HumanTask
from runs.engine.lifecycle import TERMINAL, Status
from runs.models import Checkpoint, Run
from runs.retention import rounds
from tests.factories import CheckpointFactory, HumanTaskFactory, RunFactory, SnapshotFactory
from tests.integration.pruning import count, keep, prune

DAYS = st.integers(0, 4)
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A run to be: what it is forked from, and what it is a branch of, are earlier ones, if there are any."""

    status: Status
    days: int
    parent: int | None
    within: int | None


DRAWN = st.builds(
    Drawn,
    status=st.sampled_from(sorted(Status)),
    days=DAYS,
    parent=st.none() | st.integers(0, 5),
    within=st.none() | st.none() | st.integers(0, 5),
)


def made(drawn: list[Drawn]) -> list[Run]:
    """Return the runs, each with a middle of a history and a closed question."""
    snapshot, runs = SnapshotFactory.create(), list[Run]()
    for each in drawn:
        within = runs[each.within] if each.within is not None and each.within < len(runs) else None
        whole = (within.within or within) if within else None
        parent = runs[each.parent] if each.parent is not None and each.parent < len(runs) and not whole else None
        at = timezone.now() - timedelta(days=each.days, hours=1)
        ended = at if each.status in TERMINAL else None
        run = RunFactory.create(
            status=each.status, snapshot=snapshot, created_at=at, completed_at=ended, within=whole,
            parent=None if parent is None or parent.within_id else parent, sequence=9_000,
        )  # fmt: skip
        CheckpointFactory.create(run=run, created_at=at, sequence=5)
        HumanTaskFactory.create(run=run, status="answered", created_at=at)
        runs.append(run)
    return runs


def may_go(run: Run, runs: list[Run], days: int | None) -> bool:
    """Whether a window of so many days lets go of what belongs to the run."""
    family = [each for each in runs if run.pk in (each.pk, each.within_id, each.parent_id)]
    is_over = all(each.completed_at for each in family)
    return days is not None and is_over and bool(run.completed_at and run.completed_at < past(days))


def past(days: int) -> datetime:
    """Return the end of a window."""
    return timezone.now() - timedelta(days=days)


@pytest.fixture(autouse=True)
def small_batches(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in no project, and let most batches be full."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rounds, "BATCH", 2)
    settings.RETENTION_DAYS = settings.RETENTION_DAYS.copy()


@settings(max_examples=30, deadline=None, suppress_health_check=SHARED)
@given(drawn=st.lists(DRAWN, min_size=1, max_size=6), days=st.none() | DAYS, history_days=st.none() | DAYS)
def test_what_lives_stays_and_what_may_go_goes(drawn: list[Drawn], days: int | None, history_days: int | None) -> None:
    Run.objects.all().delete()
    runs = made(drawn)
    count()
    windows = {"runs": days, "checkpoints": history_days, "continuations": history_days}
    keep(**{kind: window for kind, window in windows.items() if window is not None})
    prune()

    wholes = {run.pk: run for run in runs if run.within_id is None}
    gone = {pk for pk, run in wholes.items() if may_go(run, runs, days)}
    bare = {pk for pk, run in wholes.items() if may_go(run, runs, history_days)}
    left = [run for run in runs if (run.within_id or run.pk) not in gone]
    assert set(Run.objects.all()) == set(left)
    with_history = {run.pk for run in left if (run.within_id or run.pk) not in bare}
    assert set(Checkpoint.objects.values_list("run_id", flat=True)) == with_history
    live = {run.pk for run in runs if run.completed_at is None}
    assert live <= set(HumanTask.objects.values_list("run_id", flat=True))
