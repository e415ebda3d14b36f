"""Variables of a run that the result of a function, or the answer of a person, sets."""

import json
from collections.abc import Mapping
from typing import Any

from kneo_project.strict_json import NotJson, read_json

LONGEST_VALUE = 2_000
MOST_CHARS = 4_000
MAX_DEPTH = 20


class VariableInvalid(ValueError):
    """What was given does not hold the variables that the spec says it sets."""


def variables_from(sets: Mapping[str, str], result: str) -> dict[str, Any]:
    """Return the variables that the text ``result`` of a function sets, which must be a JSON object with all of them.

    Raises:
        VariableInvalid: it is no JSON object, one of them is not there, or as ``variables_in``.
    """
    if not sets:
        return {}
    values = _object_in(result)
    if missing := [key for key in sets.values() if key not in values]:
        raise VariableInvalid(f"The function's result has no {missing[0]!r}, which a variable is set from.")
    return variables_in(sets, values)


def variables_in(sets: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables among ``values``: each name in ``sets`` with the value of its key, if there is one.

    Raises:
        VariableInvalid: one of them, or all together, are too long as JSON (``LONGEST_VALUE``, ``MOST_CHARS``), nested
            too deep, or hold what cannot be stored.
    """
    found = {name: values[key] for name, key in sets.items() if key in values}
    total = 0
    for name, value in found.items():
        length = _length(name, value)
        if length > LONGEST_VALUE:
            raise VariableInvalid(f"The variable {name!r} takes more than {LONGEST_VALUE} characters as JSON.")
        total += length
    if total > MOST_CHARS:
        raise VariableInvalid(f"The variables take more than {MOST_CHARS} characters as JSON.")
    return found


def _object_in(result: str) -> Mapping[str, Any]:
    try:
        values = read_json(result)
    except NotJson:
        values = None
    if not isinstance(values, dict):
        raise VariableInvalid("The function sets variables, so its result must be a JSON object.")
    return values


def _length(name: str, value: object) -> int:
    if _depth(value) > MAX_DEPTH:
        raise VariableInvalid(f"The variable {name!r} is nested more than {MAX_DEPTH} levels deep.")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        text = "\0"
    if "\0" in text or "\\u0000" in text:
        raise VariableInvalid(f"The variable {name!r} holds a character or a number that cannot be stored.")
    return len(text)


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        parts = [part for part in level if isinstance(part, dict | list)]
        level = [inner for part in parts for inner in (part.values() if isinstance(part, dict) else part)]
        depth += bool(parts)
    return depth
