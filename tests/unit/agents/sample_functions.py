"""Functions that a spec of the tests names."""

import asyncio
import functools
import subprocess
import sys
import threading
import types
from collections import Counter
from os import system
from typing import Any

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


def lookup(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"found": arguments.get("query")}


async def slow_lookup(arguments: dict[str, Any]) -> str:
    await asyncio.sleep(0)
    return f"slowly {arguments['query']}"


def broken(_arguments: dict[str, Any]) -> str:
    raise LookupError("the index is gone")


def key_of_call(_arguments: dict[str, Any], context: StepContext) -> str:
    return context.idempotency_key


def leaves(_arguments: dict[str, Any]) -> str:
    sys.exit(3)


def soften(text: str) -> dict[str, Any]:
    return {"passed": "damn" not in text, "reason": "it swears", "revised_text": text.replace("damn", "dear")}


def is_short(text: str) -> bool:
    return len(text) < 10


def objecting(_text: str) -> object:
    return types.SimpleNamespace(passed=False, reason="no", revised_text=None)


def shorten(text: str) -> str:
    return f"{text.count(chr(10)) + 1} lines"


def recall(text: str, top_k: int) -> list[str]:
    return [f"{text} {number}" for number in range(top_k)]


def one(_arguments: dict[str, Any]) -> int:
    return 1


def huge(_arguments: dict[str, Any]) -> str:
    return "x" * 2_000_000


_two = threading.Barrier(2)


def meet(_arguments: dict[str, Any]) -> str:
    """Say whether somebody else was there at the same time."""
    try:
        _two.wait(timeout=1)
    except threading.BrokenBarrierError:
        _two.reset()
        return "alone"
    return "met"


CALLS: Counter[str] = Counter()


def count_calls(_arguments: dict[str, Any]) -> str:
    CALLS["count_calls"] += 1
    return str(CALLS["count_calls"])
