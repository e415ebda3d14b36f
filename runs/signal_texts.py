"""What a signal's payload means to the run that it reaches."""

import json
from collections.abc import Mapping
from typing import Any

from specs.language.plan import SignalPlan
from specs.language.variables import variables_in


def text_of(payload: Mapping[str, Any]) -> str:
    """Return the text that flows on from ``payload``: its JSON."""
    return json.dumps(payload, ensure_ascii=False)


def variables_of(signal: SignalPlan, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that ``payload`` sets.

    Raises:
        VariableInvalid: one of them cannot be set.
    """
    return variables_in(signal.sets, payload)
