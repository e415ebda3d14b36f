"""Reading environment variables: as what they are, and what becomes of names that nobody reads.

A variable that cannot be read stops the process with a sentence that names it.
"""

import difflib
import math
from collections.abc import Iterable, Mapping

import environ
from django.core.exceptions import ImproperlyConfigured

PREFIX = "KNEO_SERV_"
_FILE = "_FILE"
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
# Old names, with what they are called now: they go on working, and `manage.py check` says so.
RENAMED: dict[str, str] = {}
# What the published kneo-serv reads, and what has no meaning here: docs/differences.md says why.
NOT_READ = frozenset(
    {
        "KNEO_SERV_ARTIFACT_PATH",
        "KNEO_SERV_CHECKPOINT_COMPRESS_BYTES",
        "KNEO_SERV_CHECKPOINT_MAX_BYTES",
        "KNEO_SERV_CHECKPOINT_MAX_DICT_ITEMS",
        "KNEO_SERV_CHECKPOINT_MAX_LIST_ITEMS",
        "KNEO_SERV_CHECKPOINT_PREVIEW_CHARS",
        "KNEO_SERV_IDEMPOTENCY_LOCK_TTL_SECONDS",
        "KNEO_SERV_LOG_PATH",
        "KNEO_SERV_REQUIRE_PROVIDER_SECRETS",
        "KNEO_SERV_RETENTION_ARTIFACTS_DAYS",
        "KNEO_SERV_RETENTION_QUEUE_DAYS",
        "KNEO_SERV_RETENTION_QUEUE_STATUSES",
        "KNEO_SERV_WORKER_IDLE_POLL_SECONDS",
    }
)
# Those of the command line, which needs no settings where it asks a service.
OF_COMMAND_LINE = frozenset(
    {
        "KNEO_SERV_API_KEY",
        "KNEO_SERV_CLIENT_RETRIES",
        "KNEO_SERV_CLIENT_RETRY_BACKOFF_SECONDS",
        "KNEO_SERV_CLIENT_TIMEOUT",
        "KNEO_SERV_IDEMPOTENCY_KEY",
        "KNEO_SERV_PROFILES_PATH",
        "KNEO_SERV_SPEC_SIGNING_KEY",
    }
)
env = environ.FileAwareEnv()
_read: set[str] = set()


def text(name: str, default: str = "") -> str:
    """Return the variable, or ``default`` when it is unset or empty."""
    _read.add(name)
    for known_as in (name, *(old for old, new in RENAMED.items() if new == name)):
        if value := _value(known_as):
            return value
    return default


def _value(name: str) -> str:
    try:
        return str(env.str(name, default="")).strip()
    except OSError as error:
        raise ImproperlyConfigured(f"The file that {name}{_FILE} names cannot be read: {error.strerror}.") from None


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


def renamed_in(environment: Iterable[str]) -> Mapping[str, str]:
    """Return the old names among those of ``environment``, with what they are called now."""
    return {name: RENAMED[_plain(name)] for name in sorted(environment) if _plain(name) in RENAMED}


def unused_in(environment: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the published system in ``environment`` that mean nothing here."""
    return tuple(sorted(name for name in environment if _plain(name) in NOT_READ))


def unknown_in(environment: Iterable[str]) -> Mapping[str, str | None]:
    """Return the names of ours in ``environment`` that nobody reads, each with what was perhaps meant."""
    known = sorted(_read | OF_COMMAND_LINE)
    spoken = {*known, *RENAMED, *NOT_READ}
    strange = [name for name in sorted(environment) if name.startswith(PREFIX) and _plain(name) not in spoken]
    return {name: next(iter(difflib.get_close_matches(_plain(name), known, n=1, cutoff=0.8)), None) for name in strange}


def _plain(name: str) -> str:
    """Return the variable whose value a file may hold under ``name``."""
    return name.removesuffix(_FILE)
