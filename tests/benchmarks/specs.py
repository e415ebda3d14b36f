"""The specs of the benchmarks: steps in sequence that do nothing, so that only the engine's own work is measured."""

from typing import Any

FUNCTION_MODULES = "tests.benchmarks.specs"


def pass_on(text: str) -> str:
    """Do nothing: what every step of a benchmark does."""
    return text


def sequence(name: str, *, steps: int) -> dict[str, Any]:
    """Return a spec whose workflow ``name`` has that many steps; the name tells one batch of runs from another."""
    ids = [f"step-{number}" for number in range(1, steps + 1)]
    return {
        "version": "v1",
        "agent": {"name": "benchmark"},
        "workflow": {
            "type": "sequential",
            "name": name,
            "steps": [{"id": step, "kind": "function", "ref": "pass_on"} for step in ids],
        },
        "components": {"functions": {"pass_on": {"implementation": f"{FUNCTION_MODULES}.pass_on"}}},
    }
