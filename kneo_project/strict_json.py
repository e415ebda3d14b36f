"""JSON from outside: strictly JSON, and nothing that a database could not keep."""

import json
import math
from typing import NoReturn

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


def refuse_unstorable(value: object) -> None:
    """Do nothing, unless the JSON ``value`` cannot be kept.

    Raises:
        NotJson: it is nested deeper than ``MAX_DEPTH``.
        Unstorable: it holds a NUL character or an unpaired surrogate.
    """
    pending: list[tuple[object, int]] = [(value, 1)]
    while pending:
        current, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(current, str):
            _refuse_unstorable_text(current)
        elif isinstance(current, dict):
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
