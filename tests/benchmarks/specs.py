"""The specs of the benchmarks: steps that do nothing or wait, so that only the engine's own work is measured."""

import time
from typing import Any

NAP_SECONDS = 1.5
FUNCTION_MODULES = "tests.benchmarks.specs"


def pass_on(text: str) -> str:
    """Do nothing: what every step of a benchmark does."""
    return text


def nap(text: str) -> str:
    """Wait as long as a short answer of a model takes."""
    time.sleep(NAP_SECONDS)
    return text


def participants(name: str, *, count: int) -> dict[str, Any]:
    """Return a spec whose workflow ``name`` has that many participants, each of which naps."""
    return _spec(
        {
            "type": "concurrent",
            "name": name,
            "participants": [{"id": f"part-{number}", "kind": "function", "ref": "nap"} for number in range(count)],
        }
    )


def batch(name: str) -> dict[str, Any]:
    """Return a spec whose workflow ``name`` passes on each item of a list."""
    return _spec({"type": "map", "name": name, "step": {"id": "item", "kind": "function", "ref": "pass_on"}})


def asking(name: str, *, steps: int, base_url: str) -> dict[str, Any]:
    """Return a spec whose workflow ``name`` asks the model at ``base_url`` that many times."""
    return {
        "version": "v1",
        "agent": {"name": "benchmark"},
        "workflow": {
            "type": "sequential",
            "name": name,
            "steps": [{"id": f"step-{number}", "kind": "agent", "ref": "writer"} for number in range(steps)],
        },
        "components": {
            "agents": {
                "writer": {
                    "name": "writer",
                    "model": {"provider": "openai", "name": "small", "extra": {"base_url": base_url}},
                    "runtime_preferences": {"preferred_mode": "native", "native_provider": "openai"},
                }
            }
        },
    }


def sequence(name: str, *, steps: int) -> dict[str, Any]:
    """Return a spec whose workflow ``name`` has that many steps; the name tells one batch of runs from another."""
    ids = [f"step-{number}" for number in range(1, steps + 1)]
    steps_of = [{"id": step, "kind": "function", "ref": "pass_on"} for step in ids]
    return _spec({"type": "sequential", "name": name, "steps": steps_of})


def _spec(workflow: dict[str, Any]) -> dict[str, Any]:
    functions = {name: {"implementation": f"{FUNCTION_MODULES}.{name}"} for name in ("pass_on", "nap")}
    return {
        "version": "v1",
        "agent": {"name": "benchmark"},
        "workflow": workflow,
        "components": {"functions": functions},
    }
