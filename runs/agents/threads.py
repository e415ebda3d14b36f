"""Blocking work beside an event loop."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError


async def in_thread[T](work: Callable[[], T]) -> T:
    """Return what ``work`` returns, or raise what it raises; it has a thread of its own.

    Whoever is cancelled while waiting leaves the work behind: its result is dropped, and it keeps no process alive.
    """
    result: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        # The one who waited may be gone, and with him his loop.
        with contextlib.suppress(InvalidStateError, RuntimeError):
            try:
                value = context.run(work)
            except BaseException as error:  # noqa: BLE001 - the one who waits decides what it means
                result.set_exception(error)
            else:
                result.set_result(value)

    threading.Thread(target=run, name="kneo-call", daemon=True).start()
    return await asyncio.wrap_future(result)
