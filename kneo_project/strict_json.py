"""JSON from outside: strictly JSON, and nothing that a database could not keep."""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn, cast

MAX_DEPTH = 100


class NotJson(ValueError):
    """The text is no JSON, or a number in it is out of range, or it is nested too deep.

    ``position`` is how many characters were good, where that is known.
    """

    def __init__(self, message: str, *, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class Unstorable(ValueError):
    """A text holds a character that no database keeps."""


def read_json(text: str) -> object:
    """Return the value that the JSON ``text`` is.

    Raises:
        NotJson: it is none; NaN, infinities and numbers out of range are none either.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except NotJson:
        raise
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, position=error.pos) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise NotJson("a number is out of range") from None


def storable[T](value: T) -> T:
    """Return the JSON ``value``, nested no deeper than ``MAX_DEPTH``, without what no database can store.

    NUL characters and halves of surrogate pairs, which models and tools come up with, are replaced.
    """
    kept: Any = value
    if isinstance(value, str):
        kept = value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    elif isinstance(value, dict):
        kept = {storable(key): storable(inner) for key, inner in value.items()}
    elif isinstance(value, list | tuple):
        kept = [storable(inner) for inner in value]
    return cast("T", kept)


def refuse_deep(value: object) -> None:
    """Do nothing, unless the JSON ``value`` is nested deeper than ``MAX_DEPTH``: then raise ``NotJson``."""
    for _ in _parts(value):
        pass


def refuse_unstorable(value: object) -> None:
    """Do nothing, unless the JSON ``value`` cannot be kept.

    Raises:
        NotJson: it is nested deeper than ``MAX_DEPTH``.
        Unstorable: it holds a NUL character or an unpaired surrogate.
    """
    for part in _parts(value):
        if isinstance(part, str):
            _refuse_unstorable_text(part)


def _parts(value: object) -> Iterator[object]:
    """Yield ``value`` and all that is in it, keys included; without recursion, as nothing else bounds the depth."""
    pending: list[tuple[object, int]] = [(value, 1)]
    while pending:
        current, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        yield current
        if isinstance(current, dict):
            pending.extend((inner, depth + 1) for pair in current.items() for inner in pair)
        elif isinstance(current, list):
            pending.extend((inner, depth + 1) for inner in current)


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError
    return value


def _refuse_unstorable_text(text: str) -> None:
    if "\0" in text:
        raise Unstorable("Text must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unstorable("Text must not contain unpaired surrogates") from None


def _too_deep() -> NotJson:
    return NotJson(f"nested deeper than {MAX_DEPTH} levels")
