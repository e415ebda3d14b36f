"""Imports of a published kneo-serv that are killed, and what workers and beat make of the runs that arrive."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command

from kneo_project.celery import app as celery
from runs import statistics, tasks
from runs.models import Run, TotalTally
from tests import imports
from tests.imports import id_of, rows, take_over
from tests.integration.admin_site import operator
from tests.integration.admin_site import text as text_of
from tests.integration.crashing import dies_at

pytestmark = pytest.mark.django_db(transaction=True)
UNFINISHED = ("running", "blocked")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a database of the published kneo-serv 1.2, with runs that had not ended."""
    return imports.file_of("release-1.2", tmp_path)


@pytest.fixture
def eager() -> Iterator[None]:
    """Let the bell advance the run in the process that rings it."""
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


@pytest.mark.parametrize("moment", [9, 60, 110])
def test_killed_in_the_middle_and_begun_again(file: Path, moment: int) -> None:
    assert dies_at(moment, take_over, file, "--batch-size", "1")
    assert Run.objects.count() < len(imports.answers("release-1.2")["runs"])
    assert not Run.objects.filter(sequence=0).exists()

    take_over(file, "--batch-size", "1")
    once = rows()
    assert once["Run"] == 18
    assert once["Checkpoint"] == 70 + 5  # one that ended and four that had not have an end here
    assert once["AuditEvent"] == 23 + 1


def test_nothing_that_arrives_is_executed(file: Path, eager: None) -> None:
    take_over(file)
    before = list(Run.objects.order_by("pk").values_list("pk", "status", "sequence"))

    assert not Run.objects.due().exists()
    assert not Run.objects.filter(status__in=("created", *UNFINISHED)).exists()
    tasks.sweep()
    for run_id, _, _ in before:
        tasks.advance_run(str(run_id))
    assert list(Run.objects.order_by("pk").values_list("pk", "status", "sequence")) == before


def test_the_pages_of_imported_runs_open(file: Path) -> None:
    take_over(file)
    browser = operator()
    for text in ("sev1 fire", "still open", "bad"):
        for tab in ("", "?tab=steps", "?tab=spec", "?tab=policy"):
            assert browser.get(f"/admin/runs/run/{id_of(text)}/change/{tab}").status_code == 200
    assert "Go on from where it failed" not in text_of(browser.get(f"/admin/runs/run/{id_of('still open')}/change/"))
    details = browser.get(f"/admin/runs/run/{id_of('sev1 fire')}/change/?tab=details")
    assert "imported" in text_of(details)
    assert browser.get("/admin/").status_code == 200


def test_what_ran_elsewhere_is_not_counted_as_work_of_this_service(file: Path) -> None:
    take_over(file)
    statistics.settle(settled_after=-timedelta(days=36500))  # whatever the clock says
    assert not TotalTally.objects.exists()


def test_all_that_is_stored_fits_together(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take_over(file)
    statistics.settle(settled_after=-timedelta(days=36500))
    call_command("doctor", "--audit")
    assert "rules hold" in capsys.readouterr().out
