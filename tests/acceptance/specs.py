"""The specs of this ring: steps in sequence, each done by a function of ``steps`` or by a person."""

from collections.abc import Mapping
from typing import Any

FOUR_STEPS = {"one": "mark", "two": "gate", "three": "mark", "four": "mark"}


def sequence(**work: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec with a step per argument: the name of a function of ``steps``, or a human component."""
    return {
        "version": "v1",
        "agent": {"name": "acceptance"},
        "workflow": {
            "type": "sequential",
            "name": "acceptance",
            "steps": [{"id": step, "kind": _kind(what), "ref": step} for step, what in work.items()],
        },
        "components": {
            "functions": {
                step: {"implementation": f"tests.acceptance.steps.{what}"}
                for step, what in work.items()
                if isinstance(what, str)
            },
            "humans": {step: dict(what) for step, what in work.items() if not isinstance(what, str)},
        },
    }


def _kind(what: str | Mapping[str, Any]) -> str:
    return "function" if isinstance(what, str) else "human"


def shaped(workflow: Mapping[str, Any], **workflows: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec with this root workflow, of steps that ``marked`` and ``gated`` make, and component workflows."""
    functions = {name: {"implementation": f"tests.acceptance.steps.{name}"} for name in ("mark", "gate")}
    components = {"functions": functions, "humans": {"reviewer": {}}, "workflows": workflows}
    return {"version": "v1", "agent": {"name": "acceptance"}, "workflow": workflow, "components": components}


def steps(*names: str) -> list[dict[str, Any]]:
    """Return a step for each name: ``two`` waits at its gate, ``sub`` is a workflow, the others mark."""
    refs = {"two": ("function", "gate"), "sub": ("workflow", "inner")}
    return [
        {"id": name, "kind": kind, "ref": ref} for name in names for kind, ref in [refs.get(name, ("function", "mark"))]
    ]
