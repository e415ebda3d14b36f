"""The sweep: what it rings for, and what it does when nobody can hear the bell."""

from copy import copy
from datetime import timedelta

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import Settings

from kneo_project.celery import app
from runs import deadlines, tasks, transitions
from runs.identifiers import new_run_id
from runs.models import LeaseOwner, Run
from tests.integration.driving import human, spec_of, start, step

THREE = spec_of(step("a"), step("b"), step("c"))


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...]]]:
    """Catch what is published, instead of a broker."""
    rung: list[tuple[str, tuple[str, ...]]] = []

    def catch(name: str, args: tuple[str, ...] = (), *_: object, **__: object) -> None:
        rung.append((name, tuple(args)))

    monkeypatch.setattr(app, "send_task", catch)
    return rung


def overlook(run: Run) -> None:
    """Let the run have waited for a minute."""
    Run.objects.filter(pk=run.pk).update(wake_at=timezone.now() - timedelta(minutes=1))


def test_a_run_that_was_just_rung_for_is_left_alone(bells: list[tuple[str, tuple[str, ...]]]) -> None:
    start(THREE)
    tasks.sweep()
    assert bells == []


def test_an_overlooked_run_is_rung_for_more_than_once(bells: list[tuple[str, tuple[str, ...]]]) -> None:
    overlook(start(THREE))
    tasks.sweep()
    assert bells == [("runs.advance_due", ())] * 3


def test_a_queue_that_nobody_serves_hides_no_other(settings: Settings) -> None:
    settings.QUEUES = ("deserted",)
    overlook(start(THREE, queue="deserted"))
    row = Run.objects.get()
    Run.objects.bulk_create(copy_of(row) for _ in range(deadlines.BATCH))
    overlook(start(THREE))
    Run.objects.filter(queue="default").update(wake_at=timezone.now() - timedelta(seconds=30))

    served = deadlines.overlooked().shared

    assert served == {"deserted": deadlines.BATCH, "default": 1}


def copy_of(run: Run) -> Run:
    """Return another run that waits where ``run`` does."""
    copied = copy(run)
    copied.pk = new_run_id()
    return copied


def test_a_run_whose_owner_died_is_rung_for_at_once(bells: list[tuple[str, tuple[str, ...]]]) -> None:
    run = start(THREE)
    transitions.claim(run.pk, "dead")
    tasks.sweep()
    assert ("runs.advance_run", (str(run.pk),)) in bells


def test_a_run_that_killed_two_processes_is_rung_for_alone(bells: list[tuple[str, tuple[str, ...]]]) -> None:
    run = start(THREE)
    for _ in range(2):
        transitions.claim(run.pk, "dead")
        tasks.sweep()
    bells.clear()
    tasks.sweep()
    assert set(bells) == {("runs.advance_alone", (str(run.pk),))}


def test_without_a_broker_the_sweep_gives_up_ringing_and_not_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(*arguments: object, **_: object) -> None:
        tried.append(arguments)
        raise OperationalError("no broker")

    monkeypatch.setattr(app, "send_task", refuse)
    runs = [start(THREE) for _ in range(5)]
    for run in runs:
        transitions.claim(run.pk, "dead")
    late = start(spec_of(human(), humans={"boss": {}}), timeout_seconds=1)
    Run.objects.filter(pk=late.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    late.refresh_from_db()
    assert (len(tried), late.status) == (1, "timed_out")
    assert Run.objects.filter(lease_owner=None, status="running").count() == len(runs)
    assert not LeaseOwner.objects.exists()
