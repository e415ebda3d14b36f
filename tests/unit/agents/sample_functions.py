"""Functions that a spec of the tests names."""

import asyncio
import functools
import subprocess
import sys
from os import system

from runs.agents.context import StepContext

__all__ = ["subprocess", "system"]

popen = subprocess.Popen
dashed = "-".join
NOT_CALLABLE = "text"


def upper(text: str) -> str:
    return text.upper()


async def slowly_upper(text: str) -> str:
    await asyncio.sleep(0)
    return text.upper()


def nothing(_text: str) -> None:
    return None


def count(text: str) -> int:
    return len(text)


def key(text: str, context: StepContext) -> str:
    return f"{text} {context.idempotency_key}"


async def key_by_keyword(text: str, *, context: StepContext) -> str:
    return f"{text} {context.attempt}"


def text_called_context(context: str) -> str:
    return context.upper()


def takes_anything(text: str, **rest: object) -> str:
    return f"{text} {rest}"


def wrong_arguments_inside(text: str, context: StepContext) -> str:
    return upper(text, context)  # type: ignore[call-arg]


def fails(text: str) -> str:
    raise LookupError(text)


def exits(_text: str) -> str:
    sys.exit(3)


def presses_control_c(_text: str) -> str:
    raise KeyboardInterrupt


def cancels(_text: str) -> str:
    raise asyncio.CancelledError


async def exits_later(_text: str) -> str:
    await asyncio.sleep(0)
    sys.exit(3)


async def cancels_itself(_text: str) -> str:
    raise asyncio.CancelledError


async def waits_for_ever(_text: str, context: StepContext) -> str:
    loop = asyncio.get_running_loop()
    loop.call_soon(context.interrupt.trip, "cancelled by a test")
    return await loop.create_future()  # type: ignore[no-any-return]


@functools.cache
def cached(text: str) -> str:
    return f"cached {text}"


class Greeter:
    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return f"hello {self.text}"
