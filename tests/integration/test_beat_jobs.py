"""What the beat's jobs did is noted, for people and for the metrics."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from kneo_project.beatjobs.models import BeatJob
from kneo_project.beatjobs.services import noted
from kneo_project.celery import app
from kneo_project.errors import InvalidRequest
from runs import tasks

pytestmark = pytest.mark.django_db


def told(metric: str) -> dict[str, str]:
    """Return what the metrics tell, by the name of the job."""
    lines = Client().get("/metrics").content.decode().splitlines()
    return dict(re.findall(rf'^{metric}{{name="(\w+)"}} (\S+)$', "\n".join(lines), re.MULTILINE))


def age(job: str) -> str:
    """Return the age of a job in the metrics."""
    return told("kneo_beat_job_age_seconds")[job]


def test_every_job_notes_when_it_ran_and_that_it_went_well() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        app.tasks[entry["task"]]()
    assert dict(BeatJob.objects.values_list("name", "outcome")) == dict.fromkeys(app.conf.beat_schedule, "done")
    assert 0 <= float(age("sweep")) < 60


def test_a_job_that_fails_is_noted_and_its_last_success_grows_old(settings: Settings, tmp_path: Path) -> None:
    tasks.prune()
    BeatJob.objects.update(succeeded_at=timezone.now() - timedelta(hours=2))
    settings.PROJECT_CONFIG = str(tmp_path / "missing.yaml")
    with pytest.raises(InvalidRequest):
        tasks.prune()
    row = BeatJob.objects.get()
    assert (row.outcome, row.finished_at > timezone.now() - timedelta(minutes=1)) == ("failed", True)
    assert float(age("retention")) >= 7200


def test_a_job_that_never_went_well_has_no_age(settings: Settings, tmp_path: Path) -> None:
    settings.PROJECT_CONFIG = str(tmp_path / "missing.yaml")
    with pytest.raises(InvalidRequest):
        tasks.prune()
    assert age("retention") == "NaN"


def test_how_often_a_job_is_due_is_told_of_those_on_the_schedule_alone() -> None:
    with noted("no_longer_on_the_schedule"):
        pass
    intervals = told("kneo_beat_job_interval_seconds")
    assert intervals == {name: str(float(entry["schedule"])) for name, entry in app.conf.beat_schedule.items()}
    assert told("kneo_beat_job_age_seconds").keys() == intervals.keys() | {"no_longer_on_the_schedule"}
