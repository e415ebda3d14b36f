"""Waiting for work no longer than it may take, and no longer than anybody wants it."""

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError

from django.db import connection

from runs.agents.errors import StepInterrupted
from runs.agents.interrupt import Interrupt
from runs.step_threads import step_threads

PATIENCE_SECONDS = 0.05


class TookTooLong(Exception):
    """The work took longer than it may. Not the builtin TimeoutError: the work may raise that itself."""


def bounded[T](work: Callable[[], T], interrupt: Interrupt, seconds: float | None) -> T:
    """Return what ``work`` returns (or raise what it raises), unless it takes too long or is interrupted first.

    Raises TookTooLong after ``seconds`` (None is for ever), having tripped ``interrupt`` so that the work may notice;
    and StepInterrupted when somebody else trips it. In both cases whatever the work still does is dropped.
    """
    result: Future[T] = Future()

    def settle(deliver: Callable[[], None]) -> None:
        try:
            deliver()
        except InvalidStateError:
            return

    def run() -> None:
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001 - the waiting thread decides what it means
            failure = error
            settle(lambda: result.set_exception(failure))
        else:
            settle(lambda: result.set_result(value))

    def stop() -> None:
        settle(lambda: result.set_exception(StepInterrupted(interrupt.reason or "stopped")))

    step_threads.run(run)
    interrupt.on_trip(stop)
    try:
        return _await(result, seconds)
    except TimeoutError:
        if result.done():  # just in time, or the work's own TimeoutError
            return result.result()
        interrupt.trip("The attempt took longer than it may.")
        raise TookTooLong from None


def give_connection_back() -> None:
    """Hold no database connection while waiting for somebody; the next query opens one again."""
    if not connection.in_atomic_block:
        connection.close()


def _await[T](result: Future[T], seconds: float | None) -> T:
    """Return the result as soon as it is there; a wait that takes its time holds no database connection."""
    at_first = PATIENCE_SECONDS if seconds is None else min(PATIENCE_SECONDS, seconds)
    try:
        return result.result(timeout=at_first)
    except TimeoutError:
        if result.done():
            return result.result()
    give_connection_back()
    return result.result(timeout=None if seconds is None else seconds - at_first)
