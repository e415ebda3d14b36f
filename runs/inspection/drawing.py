"""The workflow of a run as a picture, with where the run is in it."""

from typing import Any

from runs.engine.lifecycle import Status
from runs.inspection.records import is_nested
from runs.inspection.run_views import RunView
from specs.language.drawing import GraphView, draw
from specs.language.schema import Spec


def drawn(view: RunView, spec: Spec) -> dict[str, Any]:
    """Return the graph of the run's own workflow; a run of an agent alone has none."""
    graph = draw(spec) if view.run.workflow_name is not None else GraphView()
    own = [step.step_id for step in view.steps if step.step_id and not is_nested(step)]
    return {
        "run_id": str(view.run.pk),
        "status": view.status,
        **graph.as_dict(),
        "current": _current(view, own),
        "visited": view.visited_nodes or view.visited_steps,
    }


def _current(view: RunView, own: list[str]) -> str | None:
    """Return the step that the run waits at, or else the one that was recorded last."""
    if view.run.status == Status.BLOCKED and view.task is not None:
        return view.task.path.partition("/")[0]
    return own[-1] if own else None
