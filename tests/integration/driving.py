"""Short words for integration tests: start a run of a few steps, drive it, look at what it left."""

from collections.abc import Sequence
from typing import Any

from runs import executor, services
from runs.executor import Advanced
from runs.models import Checkpoint, Run
from runs.services import StartRun
from specs.services import SpecSource

FUNCTIONS = ("a", "b", "c", "wordy", "boom", "flaky", "slow", "odd", "nap")


def spec_of(*steps: dict[str, Any], humans: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a sequential spec; its functions are those of ``functions``, its agent the dummy."""
    return {
        "version": "v1",
        "agent": {"name": "root"},
        "workflow": {"type": "sequential", "name": "flow", "steps": list(steps)},
        "components": {
            "agents": {"writer": {"name": "writer"}},
            "functions": {name: {"implementation": f"tests.integration.functions.{name}"} for name in FUNCTIONS},
            "humans": humans or {},
        },
    }


def step(name: str, ref: str | None = None, kind: str = "function", **fields: Any) -> dict[str, Any]:
    """Return a step; it runs the function of its own name unless ``ref`` says otherwise."""
    return {"id": name, "kind": kind, "ref": ref or name, **fields}


def human(name: str = "boss") -> dict[str, Any]:
    """Return a human step."""
    return step(name, kind="human")


def start(spec: dict[str, Any], text: str = "hi", **fields: Any) -> Run:
    """Create a run of ``spec`` on ``text``."""
    return services.start_run(StartRun(source=SpecSource(spec=spec), input_text=text, **fields), actor="alice")


def advance(run: Run) -> Advanced:
    """Advance ``run`` as a worker would, and refresh it."""
    advanced = executor.advance(run.pk)
    run.refresh_from_db()
    return advanced


def left(run: Run) -> list[tuple[int, str, str | None]]:
    """Return what the run left: (sequence, checkpoint type, step)."""
    return list(Checkpoint.objects.filter(run=run).values_list("sequence", "type", "step_id"))


def outputs(run: Run) -> Sequence[str | None]:
    """Return the recorded outputs of the run's steps, in order."""
    done = Checkpoint.objects.filter(run=run, type="step_completed")
    return list(done.values_list("output_text", flat=True))
