"""Waiting for a condition: the only thing in this ring that lets time pass."""

import time
from collections.abc import Callable

import pytest

POLL_SECONDS = 0.05


def until[T](look: Callable[[], T], *, within: float, what: str) -> T:
    """Return the first truthy value of ``look``; fail the test with ``what`` when there is none ``within`` seconds."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        if time.monotonic() >= deadline:
            pytest.fail(f"Not within {within:g} s: {what}.")
        time.sleep(POLL_SECONDS)
    return seen


def let_pass(seconds: float) -> None:
    """Let time pass: where what is tried is that something lasts so long."""
    time.sleep(seconds)
