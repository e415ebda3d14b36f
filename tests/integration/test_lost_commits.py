"""The connection is lost between a commit and its answer: what was committed is not done, nor undone, a second time."""

import contextlib
import itertools
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError, connection

from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision
from kneo_project import transient
from runs import executor, heartbeat, services
from runs.models import Run
from tests.integration.driving import advance, human, start, step
from tests.integration.functions import CALLS, HOOKS
from tests.integration.test_shapes import among, sequence
from tests.integration.test_shapes import spec_of as shaped
from tests.integration.test_waiting import PAID, spec_of, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(transient, "FIRST_DELAY_SECONDS", 0)


class Loss:
    """The answer to commit number ``moment`` of this thread is lost. What is no transaction commits by itself."""

    def __init__(self, moment: int) -> None:
        self._left = moment

    @property
    def has_happened(self) -> bool:
        """Whether an answer was lost."""
        return self._left <= 0

    def after_commit(self) -> None:
        self._left -= 1
        if not self._left:
            raise OperationalError("server closed the connection unexpectedly")

    def __call__(self, execute: Callable[..., object], *arguments: object) -> object:
        result = execute(*arguments)
        if not connection.in_atomic_block:
            self.after_commit()
        return result


@contextlib.contextmanager
def loss(moment: int) -> Iterator[Loss]:
    lost, commit = Loss(moment), connection.commit

    def commit_and_lose() -> None:
        commit()
        lost.after_commit()

    connection.commit = commit_and_lose  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(lost):
            yield lost
    finally:
        connection.commit = commit  # type: ignore[method-assign]


def come_back(run: Run) -> Run:
    """Let the heartbeat notice, twice, what nobody holds, and advance the run once more."""
    for _ in range(2):
        heartbeat.of_this_process().beat()
    advance(run)
    return run


def signalled() -> Run:
    """Return a run that waits for the signal that it finds."""
    run = start(spec_of(sequence(PAID, "b")))
    tell(run, amount=1)
    return run


def answered_while_it_works() -> Run:
    """Return a run with a question that is answered while another branch works."""
    HOOKS["a"] = answer_all
    asking = among("concurrent", human(), "a")
    return start(shaped(sequence(step("ask", "asking", kind="workflow"), "b"), asking=asking))


def answer_all() -> None:
    for task in HumanTask.objects.open():
        answer = Answer(request_id=str(task.request_id), decision=Decision.APPROVED)
        services.resume_run(task.pk, answer, actor="alice")


@pytest.mark.parametrize("prepare", [signalled, answered_while_it_works])
def test_a_run_goes_on_from_what_was_committed(prepare: Callable[[], Run]) -> None:
    for moment in itertools.count(1):
        run = prepare()
        with loss(moment) as lost, contextlib.suppress(OperationalError):
            executor.advance(run.pk)
        come_back(run)
        assert run.status == "completed", f"commit {moment}"
        if not lost.has_happened:
            break
    assert moment > 3
    assert CALLS["b"] == moment


def test_what_was_ordered_once_is_one_run() -> None:
    for moment in itertools.count(1):
        Run.objects.all().delete()
        with loss(moment) as lost:
            ordered = start(shaped(sequence("a")))
        assert [run.pk for run in Run.objects.all()] == [ordered.pk], f"commit {moment}"
        if not lost.has_happened:
            break
    assert moment > 1
