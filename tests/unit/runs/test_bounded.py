"""Waiting for work: how long, for whom, and what happens to what comes too late."""

import threading
from collections.abc import Callable

import pytest

from runs.agents.errors import StepInterrupted
from runs.agents.interrupt import Interrupt
from runs.bounded import TookTooLong, bounded
from runs.step_threads import StepThreads

pytestmark = pytest.mark.django_db


def raising(error: BaseException) -> Callable[[], None]:
    """Return work that raises ``error``."""

    def work() -> None:
        raise error

    return work


def test_the_result_of_the_work_comes_back() -> None:
    assert bounded(lambda: "done", Interrupt(), None) == "done"


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("its own"), KeyError("x")])
def test_the_error_of_the_work_comes_back_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        bounded(raising(error), Interrupt(), 5)
    assert caught.value is error


def test_work_that_takes_too_long_is_left_and_told() -> None:
    interrupt, ended = Interrupt(), threading.Event()

    def work() -> None:
        told = threading.Event()
        interrupt.on_trip(told.set)
        told.wait(30)
        ended.set()

    with pytest.raises(TookTooLong):
        bounded(work, interrupt, 0.1)
    assert ended.wait(5)


def test_an_interrupt_ends_the_waiting_at_once() -> None:
    interrupt, begun, never = Interrupt(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        never.wait(30)

    def trip() -> None:
        begun.wait(5)
        interrupt.trip("cancelled")

    threading.Thread(target=trip).start()
    with pytest.raises(StepInterrupted, match="cancelled"):
        bounded(work, interrupt, None)
    never.set()


def test_work_under_a_tripped_interrupt_is_not_waited_for() -> None:
    interrupt, never = Interrupt(), threading.Event()
    interrupt.trip("too late")
    with pytest.raises(StepInterrupted, match="too late"):
        bounded(lambda: never.wait(30), interrupt, None)
    never.set()


def test_a_thread_is_used_again_and_survives_work_that_fails() -> None:
    threads, seen = StepThreads(), []
    done = threading.Semaphore(0)

    def note() -> None:
        seen.append(threading.get_ident())
        done.release()

    for work in (note, raising(RuntimeError("unexpected")), note):
        threads.run(work)
        while not threads.idle_count:
            done.acquire(timeout=0.01)
    assert len(set(seen)) == 1
