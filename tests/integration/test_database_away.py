"""The database goes away while a run is driven: no run fails for it, and none is done twice where it was recorded."""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from humantasks import assigning
from humantasks.models import AssigneeKind
from kneo_project import transient
from kneo_project.audit.models import AuditEvent
from runs import executor, heartbeat
from runs.models import Run
from specs.services import plans
from tests.factories import HumanTaskFactory
from tests.integration.driving import advance, outputs, spec_of, start, step
from tests.integration.test_agents import served
from tests.stubs.chat_server import ChatServer

THREE = spec_of(step("a"), step("writer", kind="agent"), step("b"))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(transient, "FIRST_DELAY_SECONDS", 0)


class Outage:
    """Statements of this thread fail, ``long`` of them, from the one of number ``first`` on, counted from 1.

    Only those count that have ``only`` in them.
    """

    def __init__(self, first: int, *, long: float, only: str = "") -> None:
        self.asked = 0
        self._first, self._long, self._only = first, long, only

    def __call__(self, execute: Callable[..., object], sql: str, *arguments: object) -> object:
        if self._only not in sql:
            return execute(sql, *arguments)
        self.asked += 1
        if self._first <= self.asked < self._first + self._long:
            raise OperationalError("terminating connection due to administrator command")
        return execute(sql, *arguments)

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


def test_an_agent_whose_journal_cannot_be_kept_is_not_to_blame() -> None:
    told = Outage(1, long=transient.ATTEMPTS, only="runs_journalentry")

    def break_off(connection: BaseDatabaseWrapper, **_: object) -> None:
        if threading.current_thread() is not threading.main_thread():  # each call of an agent has a thread of its own
            connection.execute_wrappers.append(told)

    with ChatServer() as chat:
        spec = spec_of(step("writer", kind="agent"))
        spec["tools"] = {"find": {"description": "d", "implementation": "tests.integration.functions.find"}}
        spec["components"]["agents"]["writer"] = served(chat, tools=["find"])
        run = start(spec)
        connection_created.connect(break_off)
        try:
            advance(run)
        finally:
            connection_created.disconnect(break_off)
        assert (told.has_happened, run.status) == (True, "running")
        come_back(run)
    assert (run.status, len(outputs(run)), run.attempts) == ("completed", 1, 0)


def come_back(run: Run) -> None:
    """Let the heartbeat notice, twice, what nobody holds, and advance the run once more."""
    for _ in range(2):
        heartbeat.of_this_process().beat()
    advance(run)


def test_claiming_releasing_and_assigning_survive_a_blip_at_any_moment() -> None:
    task = HumanTaskFactory.create()
    changes: list[Callable[[], object]] = [
        lambda: assigning.claim_task(task.pk, by="bob"),
        lambda: assigning.release_task(task.pk, by="bob"),
        lambda: assigning.assign_task(task.pk, "finance", AssigneeKind.GROUP, by="olivia"),
    ]
    for moment in itertools.count(1):
        happened = []
        for change in changes:
            with outage(moment, long=1) as told:
                change()
            happened.append(told.has_happened)
        if not any(happened):
            break
    assert moment > 3
    assert AuditEvent.objects.filter(continuation_id=task.pk).count() == 3 * moment


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
