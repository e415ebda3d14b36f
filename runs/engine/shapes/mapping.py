"""One step on each item of a list: every item is a branch of its own."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kneo_project.strict_json import NotJson, read_json
from runs.engine.shapes.ending import Ending
from runs.engine.state import Frame, Line
from specs.language.conditions import Facts
from specs.language.plan import MapPlan, StepPlan

MOST_ITEMS = 10_000


class NotItems(Exception):
    """The text does not say on what items to work."""


def branches(_workflow: MapPlan, frame: Frame, text_at: int) -> tuple[Line, ...]:
    """Return the line that every item goes along, on the text of checkpoint ``text_at``."""
    inner = Frame(workflow=frame.workflow, input_at=text_at, prefix=frame.prefix, is_branch=True)
    return (Line(text_at=text_at, frames=(inner,)),)


def current(workflow: MapPlan, _frame: Frame) -> StepPlan:
    """Return the step."""
    return workflow.steps[0]


def after(_workflow: MapPlan, _frame: Frame, _facts: Facts) -> Frame | Ending:
    """Return that the branch is done: it has one step."""
    return Ending.FINISHED


def iteration(_workflow: MapPlan, _frame: Frame) -> int:
    """Return 1: an item has one visit."""
    return 1


def facts(workflow: MapPlan) -> Mapping[str, Any]:
    """Return what the trace tells when the workflow starts."""
    return {"workflow_type": workflow.shape.value}


def items(text: str) -> list[str]:
    """Return what each branch is given: an item that is a string as it is, any other as JSON.

    Raises:
        NotItems: ``text`` is not a JSON list, or one of more than MOST_ITEMS items.
    """
    try:
        found = read_json(text)
    except NotJson:
        found = None
    if not isinstance(found, list):
        raise NotItems("The input of a map must be a JSON list.")
    if len(found) > MOST_ITEMS:
        raise NotItems(f"The input of a map has {len(found)} items; no more than {MOST_ITEMS} can be taken.")
    return [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in found]


def gathered(outputs: Iterable[str]) -> str:
    """Return the JSON list of ``outputs``: an output that is a JSON object or list as such, any other as a string."""
    return f"[{', '.join(map(_element, outputs))}]"


def _element(output: str) -> str:
    if output.lstrip()[:1] in {"{", "["}:
        try:
            return json.dumps(read_json(output), ensure_ascii=False)
        except ValueError:
            pass
    return json.dumps(output, ensure_ascii=False)
