"""The database goes away while a run is driven: no run fails for it, and none is done twice where it was recorded."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection

from kneo_project import transient
from runs import executor, heartbeat
from runs.models import Run
from specs.services import plans
from tests.integration.driving import advance, outputs, spec_of, start, step

THREE = spec_of(step("a"), step("writer", kind="agent"), step("b"))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(transient, "FIRST_DELAY_SECONDS", 0)


class Outage:
    """Statements of this thread fail, ``long`` of them, from the one of number ``first`` on, counted from 1."""

    def __init__(self, first: int, *, long: float) -> None:
        self.asked = 0
        self._first, self._long = first, long

    def __call__(self, execute: Callable[..., object], *arguments: object) -> object:
        self.asked += 1
        if self._first <= self.asked < self._first + self._long:
            raise OperationalError("terminating connection due to administrator command")
        return execute(*arguments)

    @property
    def has_happened(self) -> bool:
        """Whether any statement failed."""
        return self.asked >= self._first


@contextmanager
def outage(first: int, *, long: float) -> Iterator[Outage]:
    told = Outage(first, long=long)
    plans.clear()  # as in a worker that sees the spec for the first time
    with connection.execute_wrapper(told):
        yield told


@pytest.mark.parametrize("long", [1, transient.ATTEMPTS, float("inf")], ids=["a blip", "a moment", "for long"])
def test_no_run_fails_for_an_outage_at_any_moment(long: float) -> None:
    for moment in itertools.count(1):
        run = start(THREE)
        with outage(moment, long=long) as told, contextlib.suppress(OperationalError):
            executor.advance(run.pk)
        come_back(run)
        assert (run.status, len(outputs(run))) == ("completed", 3), f"statement {moment}"
        assert run.attempts == 0, "no worker died"
        if not told.has_happened:
            break
    assert moment > 5


def come_back(run: Run) -> None:
    """Let the heartbeat notice, twice, what nobody holds, and advance the run once more."""
    for _ in range(2):
        heartbeat.of_this_process().beat()
    advance(run)


@pytest.mark.parametrize(
    ("cause", "is_away"),
    [
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.OperationalError(), True),
        (psycopg.errors.ProgramLimitExceeded(), False),
        (psycopg.errors.QueryCanceled(), False),
    ],
)
def test_what_is_wrong_with_a_statement_is_no_outage(cause: Exception, is_away: bool) -> None:
    error = OperationalError("says the server")
    error.__cause__ = cause
    assert transient.is_away(error) is is_away
