"""``manage.py prune``: what is past its window, told and done away with."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from humantasks.models import HumanTask
from kneo_project.audit.models import AuditEvent
from runs.models import Run
from tests.api.test_metrics import metrics, settle
from tests.factories import HumanTaskFactory, RunFactory, SnapshotFactory
from tests.integration.pruning import keep

LONG_AGO = timezone.now() - timedelta(days=40)


@pytest.fixture(autouse=True)
def elsewhere(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in no project, and keep everything."""
    monkeypatch.chdir(tmp_path)
    settings.RETENTION_DAYS = settings.RETENTION_DAYS.copy()


def prune(*options: str) -> list[dict[str, Any]]:
    """Run the command; return what it says of the kinds in JSON."""
    out = StringIO()
    call_command("prune", "--json", *options, stdout=out)
    kinds: list[dict[str, Any]] = json.loads(out.getvalue())["kinds"]
    return kinds


def counts(kinds: list[dict[str, Any]], of: str) -> dict[str, int]:
    """Return the numbers that are not 0."""
    return {each["kind"]: each[of] for each in kinds if each[of]}


def some_of_everything() -> None:
    """Leave some old and some young records."""
    for number in range(5):
        run = RunFactory.create(created_at=LONG_AGO, completed_at=LONG_AGO if number else timezone.now())
        HumanTaskFactory.create(run=run, status="answered", created_at=LONG_AGO)
        SnapshotFactory.create()
    AuditEvent.objects.create(event_type="run.created", created_at=LONG_AGO)
    type(SnapshotFactory.create()).objects.update(created_at=LONG_AGO)
    settle()


def test_without_a_window_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("prune")
    assert "No retention window is set" in capsys.readouterr().out


def test_a_rehearsal_tells_what_is_pruned_then() -> None:
    some_of_everything()
    keep(runs=30, checkpoints=10, continuations=30, audit=30, snapshots=30)
    told = counts(prune("--dry-run"), "past")
    assert Run.objects.count() == HumanTask.objects.count() == 5

    assert counts(prune(), "pruned") == told == {"audit": 1, "snapshots": 6, "continuations": 4, "runs": 4}
    assert AuditEvent.objects.get().actor == "cli"


def test_only_the_kinds_that_are_named_are_pruned() -> None:
    some_of_everything()
    keep(runs=30, audit=30, continuations=30)
    kinds = prune("--kind", "audit", "--kind", "continuations")
    assert [each["kind"] for each in kinds] == ["audit", "continuations"]
    assert (Run.objects.count(), HumanTask.objects.count()) == (5, 1)


def test_people_are_told_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    some_of_everything()
    keep(runs=30)
    call_command("prune", "--kind", "runs")
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.replace("│", " ").split() == ["runs", "30", "KNEO_SERV_RETENTION_RUNS_DAYS", "4", "4"]


def test_a_project_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "kneo_serv.yaml").write_text("project: {name: x}\nretention: {runs_days: soon}\n")
    with pytest.raises(CommandError, match=r"retention\.runs_days"):
        call_command("prune")


def test_the_metrics_tell_how_long_ago_all_was_pruned_and_do_not_go_back() -> None:
    assert str(metrics()["kneo_retention_age_seconds"]) == "nan"
    some_of_everything()
    before = metrics()
    keep(runs=30)
    prune()
    after = metrics()
    assert 0 <= after["kneo_retention_age_seconds"] < 60
    assert all(after[name] >= before[name] for name in before if name.endswith("_total"))
    keep()
    prune()
    assert str(metrics()["kneo_retention_age_seconds"]) == "nan"
