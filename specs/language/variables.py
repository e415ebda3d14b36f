"""Variables of a run that the result of a function sets."""

import json
from collections.abc import Mapping
from typing import Any

LONGEST_VALUE = 2000


class VariableInvalid(ValueError):
    """A function's result does not hold the variables that the spec says it sets."""


def variables_from(sets: Mapping[str, str], result: str) -> dict[str, Any]:
    """Return the variables that ``result`` sets: each name with the value of its key in the JSON object.

    Raises:
        VariableInvalid: there are some to set and ``result`` is no JSON object, or one of them is not there or too long
            (``LONGEST_VALUE`` characters as JSON).
    """
    if not sets:
        return {}
    try:
        values = json.loads(result)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise VariableInvalid("The function sets variables, so its result must be a JSON object.")
    if missing := [key for key in sets.values() if key not in values]:
        raise VariableInvalid(f"The function's result has no {missing[0]!r}, which a variable is set from.")
    found = {name: values[key] for name, key in sets.items()}
    if long := [name for name, value in found.items() if len(json.dumps(value)) > LONGEST_VALUE]:
        raise VariableInvalid(f"The variable {long[0]!r} takes more than {LONGEST_VALUE} characters as JSON.")
    return found
