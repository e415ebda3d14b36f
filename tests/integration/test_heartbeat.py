"""The sign of life of a process that advances runs goes on, whatever happens to one beat."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.db import InterfaceError, OperationalError
from django.db.backends.signals import connection_created
from pytest_django import Settings

from runs import heartbeat, transitions
from runs.leases import Lease
from runs.models import Run
from tests.integration.driving import spec_of, start, step

MISSED, PATIENCE_SECONDS = 3, 30


@contextmanager
def connecting(received: Callable[[], None]) -> Iterator[None]:
    """Call ``received`` whenever the heartbeat connects to the database."""

    def connected(**_: object) -> None:
        if threading.current_thread().name == "heartbeat":
            received()

    connection_created.connect(connected)
    try:
        yield
    finally:
        connection_created.disconnect(connected)


@pytest.mark.parametrize("trouble", [OperationalError("away"), InterfaceError("closed"), RuntimeError("a defect")])
def test_a_beat_that_fails_is_not_the_last(trouble: Exception, settings: Settings) -> None:
    settings.WORKER_LEASE_SECONDS = 0.03
    beats, goes_on = [], threading.Event()

    def fail_at_first() -> None:
        beats.append(trouble)
        if len(beats) <= MISSED:
            raise trouble
        goes_on.set()

    with connecting(fail_at_first):
        heartbeat.of_this_process().ensure_alive()
        assert goes_on.wait(PATIENCE_SECONDS)


def test_a_run_that_another_thread_has_taken_since_stays_with_that() -> None:
    pulse = heartbeat.of_this_process()
    run = start(spec_of(step("a")))

    def claimed() -> Lease:
        lease = transitions.claim(run.pk, pulse.owner_id)
        assert lease is not None
        return lease

    with ExitStack() as taken:
        first = claimed()
        with pulse.holding(first):
            transitions.release(run.pk, first.fence)
            taken.enter_context(pulse.holding(claimed()))
        for _ in range(3):
            pulse.beat()
        assert Run.objects.get(pk=run.pk).lease_owner == pulse.owner_id
