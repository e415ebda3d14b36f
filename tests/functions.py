"""What the functions of the specs in tests do."""

import threading

from runs.agents.errors import TokenBudgetExceeded


def append_a(text: str) -> str:
    return text + ">a"


def append_b(text: str) -> str:
    return text + ">b"


def append_c(text: str) -> str:
    return text + ">c"


def boom(text: str) -> str:
    raise RuntimeError(f"boom {text}")


def nap(text: str) -> str:
    """Wait for an event that never comes: only a deadline ends it."""
    threading.Event().wait(30)
    return text


def overspend(text: str) -> str:
    raise TokenBudgetExceeded("The agent used 11 tokens of 10.")


def violate(text: str) -> str:
    raise GuardrailViolation("The output was blocked.")


class GuardrailViolation(RuntimeError):
    """What a guardrail raises: callers know it by its name."""


UNREACHABLE: set[str] = set()


def shaky(text: str) -> str:
    """Append its name, unless it cannot be reached."""
    if "shaky" in UNREACHABLE:
        raise ConnectionResetError("shaky is not to be reached")
    return f"{text}>shaky"
