"""Which values a document may hold: what JSON can carry and the database can store."""

import math
from collections.abc import Iterator
from typing import Any

from specs.language.diagnostics import Finding, Location
from specs.language.limits import MAX_DEPTH, MAX_KEY_CHARS, MAX_VALUES, MAX_WHOLE_NUMBER


def value_findings(data: object) -> Iterator[Finding]:
    """Yield what is wrong with the values in ``data``, without recursion and in bounded time."""
    pending: list[tuple[Location, object]] = [((), data)]
    seen = 0
    while pending:
        at, value = pending.pop()
        seen += 1
        if seen > MAX_VALUES:
            yield Finding("E_LIMIT", (), f"The document holds more than {MAX_VALUES:,} values.")
            return
        if len(at) > MAX_DEPTH:
            yield Finding("E_LIMIT", (), f"The document is nested more than {MAX_DEPTH} levels deep.", near=at)
            continue
        if isinstance(value, dict):
            yield from _keys(at, value)
            pending.extend(((*at, key), value[key]) for key in reversed(value) if _is_key(key))
        elif isinstance(value, list):
            pending.extend(((*at, index), value[index]) for index in range(len(value) - 1, -1, -1))
        elif problem := _scalar(value):
            yield Finding("E_SYNTAX", at, f"This value {problem}.")


def _is_key(key: object) -> bool:
    return isinstance(key, str) and len(key) <= MAX_KEY_CHARS and _text(key) is None


def _keys(at: Location, value: dict[Any, Any]) -> Iterator[Finding]:
    for key in value:
        if not isinstance(key, str):
            yield Finding("E_SYNTAX", at, f"Keys are text, not {type(key).__name__}.")
        elif len(key) > MAX_KEY_CHARS:
            yield Finding("E_LIMIT", at, f"A key is longer than {MAX_KEY_CHARS:,} characters.")
        elif problem := _text(key):
            yield Finding("E_SYNTAX", at, f"A key {problem}.")


def _scalar(value: object) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return None if abs(value) <= MAX_WHOLE_NUMBER else "is a whole number of more than 64 bits"
    if isinstance(value, float):
        return None if math.isfinite(value) else "is not a finite number"
    return "is of a type that JSON does not have"


def _text(value: str) -> str | None:
    if "\x00" in value:
        return "contains a NUL character"
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        return "contains half of a surrogate pair"
    return None
