"""Run a coroutine from a worker thread so that an interrupt ends it at once."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from runs.agents.errors import StepInterrupted
from runs.agents.interrupt import Interrupt


def run_interruptibly[T](work: Coroutine[Any, Any, T], interrupt: Interrupt) -> T:
    """Return the result of ``work``, run in an event loop of its own.

    Raises:
        StepInterrupted: ``interrupt`` was tripped first; ``work`` has been cancelled, so its sockets are closed.
    """
    try:
        stop_if_tripped(interrupt)
        return asyncio.run(_watch(work, interrupt))
    finally:
        work.close()  # a coroutine that never began would complain


def stop_if_tripped(interrupt: Interrupt) -> None:
    """Raise ``StepInterrupted`` when ``interrupt`` was tripped."""
    if interrupt.is_tripped:
        raise StepInterrupted(f"The step was stopped: {interrupt.reason}.")


async def _watch[T](work: Coroutine[Any, Any, T], interrupt: Interrupt) -> T:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

    def cancel() -> None:
        # The loop may close between the trip and this call: then the work is over anyway.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(task.cancel)

    forget = interrupt.on_trip(cancel)
    try:
        return await task
    except asyncio.CancelledError:
        stop_if_tripped(interrupt)
        raise
    finally:
        forget()
