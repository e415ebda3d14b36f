"""Specs for tests: a few steps that everybody knows the outcome of."""

from typing import Any

FUNCTIONS = {
    "a": "tests.functions.append_a",
    "b": "tests.functions.append_b",
    "c": "tests.functions.append_c",
    "boom": "tests.functions.boom",
    "nap": "tests.functions.nap",
    "spender": "tests.functions.overspend",
    "guarded": "tests.functions.violate",
    "shaky": "tests.functions.shaky",
}


def workflow(*steps: str, name: str = "flow", humans: dict[str, Any] | None = None, **human: Any) -> dict[str, Any]:
    """Return a spec whose steps are functions, ``agent`` and ``human``; the keywords configure the human."""
    reviewers = humans or {"reviewer": {"description": "Check it", "timeout_seconds": 3600, **human}}
    return {
        **agent(),
        "components": {
            "agents": {"writer": _AGENT},
            "functions": {name: {"implementation": path} for name, path in FUNCTIONS.items()},
            "humans": reviewers,
        },
        "workflow": {"type": "sequential", "name": name, "steps": [_step(step) for step in steps]},
    }


def agent() -> dict[str, Any]:
    """Return a spec without a workflow: the offline model answers the input."""
    return {"version": "v1", "agent": _AGENT}


_AGENT = {"name": "root", "system_prompt": "Answer.", "model": {"provider": "dummy", "name": "dummy"}}


def _step(name: str) -> dict[str, Any]:
    refs = {"agent": ("agent", "writer"), "human": ("human", "reviewer")}
    kind, ref = refs.get(name.partition("-")[0], ("function", name))
    return {"id": name, "kind": kind, "ref": ref}
