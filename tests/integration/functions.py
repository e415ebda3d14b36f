"""Functions of specs in integration tests: they count their calls, and a test may hook into them."""

import time
from collections import Counter
from collections.abc import Callable

from runs.agents.context import StepContext

CALLS: Counter[str] = Counter()
HOOKS: dict[str, Callable[[], object]] = {}


FAILING: set[str] = set()


def _say(name: str, text: str) -> str:
    if name in FAILING:
        raise ConnectionResetError(f"{name} is not to be reached")
    CALLS[name] += 1
    if hook := HOOKS.pop(name, None):
        hook()
    return f"{text}>{name}"


def a(text: str) -> str:
    """Append its name."""
    return _say("a", text)


def b(text: str) -> str:
    """Append its name."""
    return _say("b", text)


def c(text: str) -> str:
    """Append its name."""
    return _say("c", text)


def wordy(text: str) -> str:
    """Return much."""
    return _say("wordy", text + "x" * 100_000)


def boom(text: str) -> str:
    """Fail."""
    raise RuntimeError(f"boom {text}")


def flaky(text: str, context: StepContext) -> str:
    """Fail at the first attempt."""
    if context.attempt == 1:
        raise ConnectionError("not yet")
    return _say("flaky", text)


def slow(text: str, context: StepContext) -> str:
    """Take a minute, unless nobody waits any more."""
    started = time.monotonic()
    while not context.interrupt.is_tripped and time.monotonic() < started + 60:
        time.sleep(0.02)
    return text


def odd(_text: str) -> str:
    """Return what no database can store."""
    return "x\0y\ud800z"


def nap(text: str) -> str:
    """Take half a second."""
    time.sleep(0.5)
    return _say("nap", text)


def judge(text: str) -> dict[str, object]:
    """Judge how long the text is."""
    return {"length": len(text), "is_long": len(text) > 5, "text": text}


def find(arguments: dict[str, str]) -> str:
    """Find what was asked for."""
    return f"found {arguments['query']}"


def broken(_arguments: dict[str, str]) -> str:
    """Return what no database stores."""
    return "half \ud83d and \0"


def pay(arguments: dict[str, str]) -> str:
    """Pay, once."""
    _say("pay", "")
    return f"paid {arguments['query']}"
