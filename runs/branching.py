"""Doing the independent work of one run at the same time, in this process."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from runs import steps
from runs.agents.interrupt import Interrupt
from runs.bounded import PATIENCE_SECONDS, give_connection_back
from runs.engine.actions import Work
from runs.engine.outcomes import Outcome
from runs.leases import Lease
from runs.step_threads import step_threads
from specs.language.plan import Plan

type Done = tuple[Work, Future[Outcome]]


@contextmanager
def performed(
    plan: Plan, actions: Sequence[Work], lease: Lease, interrupt: Interrupt
) -> Iterator[Iterator[tuple[Work, Outcome]]]:
    """Do all ``actions`` and give each with its outcome as it is done.

    When the block is left early, or the outcome of one is an exception (as ``steps.perform`` says), the others are
    interrupted: nobody waits for them any more.
    """
    inbox: SimpleQueue[Done] = SimpleQueue()
    attempts = [_begin(plan, action, lease, interrupt, inbox) for action in actions]
    try:
        yield _as_done(inbox, len(actions))
    except BaseException:
        interrupt.trip("Another branch ended the run's turn.")
        raise
    finally:
        if not all(attempt.done() for attempt in attempts):
            interrupt.trip("The run does not go on here.")
            wait(attempts)


def _as_done(inbox: "SimpleQueue[Done]", count: int) -> Iterator[tuple[Work, Outcome]]:
    for _ in range(count):
        action, attempt = _next_done(inbox)
        yield action, attempt.result()


def _next_done(inbox: "SimpleQueue[Done]") -> Done:
    try:
        return inbox.get(timeout=PATIENCE_SECONDS)
    except Empty:
        give_connection_back()
        return inbox.get()


def _begin(
    plan: Plan, action: Work, lease: Lease, interrupt: Interrupt, inbox: "SimpleQueue[Done]"
) -> "Future[Outcome]":
    attempt: Future[Outcome] = Future()

    def run() -> None:
        own = Interrupt()
        forget = interrupt.on_trip(lambda: own.trip(interrupt.reason or "stopped"))
        try:
            outcome = steps.perform(plan, action, lease, own)
        except BaseException as error:  # noqa: BLE001 - the driving thread decides what it means
            attempt.set_exception(error)
        else:
            attempt.set_result(outcome)
        finally:
            forget()
        inbox.put((action, attempt))

    step_threads.run(run)
    return attempt
