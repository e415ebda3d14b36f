"""How a variable of the environment is read: strictly, with a sentence that names it when it cannot be.

The empty string counts as unset. A secret may also come from a file: ``NAME_FILE`` names it (Docker and Kubernetes).
"""

import math

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.FileAwareEnv()
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


def text(name: str, default: str = "") -> str:
    """Return the variable, or ``default`` when it is unset or empty."""
    return str(env.str(name, default="")).strip() or default


def flag(name: str, *, default: bool) -> bool:
    """Return a yes/no variable."""
    word = text(name).lower()
    if not word:
        return default
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise ImproperlyConfigured(f"{name} must be one of {sorted(TRUE_WORDS | FALSE_WORDS)}, not {word!r}.")
    return word in TRUE_WORDS


def integer(name: str, default: int, *, minimum: int = 1) -> int:
    """Return a whole number of at least ``minimum``."""
    raw = text(name, str(default))
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {raw!r}.") from None
    if value < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {value}.")
    return value


def days(name: str) -> int | None:
    """Return a number of days; None when it is unset."""
    return integer(name, 0, minimum=0) if text(name) else None


def number(name: str, default: float, *, minimum: float = 0.0) -> float:
    """Return a finite number of at least ``minimum``."""
    raw = text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number, not {raw!r}.") from None
    if not math.isfinite(value) or value < minimum:
        raise ImproperlyConfigured(f"{name} must be a finite number of at least {minimum}, not {raw}.")
    return value


def one_of(name: str, default: str, *others: str) -> str:
    """Return one of a few words, in upper case."""
    word = text(name, default).upper()
    if word not in {default, *others}:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join((default, *others))}, not {word!r}.")
    return word


def words(name: str, default: str = "") -> tuple[str, ...]:
    """Return a comma-separated list."""
    return tuple(word for word in (part.strip() for part in text(name, default).split(",")) if word)
