"""The open ``metadata`` object of a run: what was asked for, and what came of it."""

from typing import Any

from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.inspection.records import is_node
from runs.inspection.run_views import RunView
from runs.models import Checkpoint, Run
from specs.language.plan import Shape

MAX_ITERATIONS = "max_iterations"
_AGENT_FACTS = ("agent_name", "runtime_mode", "runtime_name", "iterations")


def listed(view: RunView) -> dict[str, Any]:
    """Return what an item of a list shows: everything but copies of the spec."""
    return _asked(view) | outcome(view)


def full(view: RunView) -> dict[str, Any]:
    """Return everything, the frozen spec included."""
    return request(view) | outcome(view)


def request(view: RunView) -> dict[str, Any]:
    """Return what the run was asked to do, with its frozen spec."""
    base, overlays = view.frozen.get("base"), view.frozen.get("overlays", [])
    inline = base if view.run.spec_path is None else None
    return _asked(view) | {"spec": inline, "frozen_spec": {"base": base, "overlays": overlays}}


def outcome(view: RunView) -> dict[str, Any]:
    """Return what the run did so far."""
    return _progress(view) | _end(view) | _pause(view)


def _asked(view: RunView) -> dict[str, Any]:
    run = view.run
    return {
        "spec_path": run.spec_path,
        "target": run.target,
        "environment": run.environment,
        "overlays": run.overlay_paths,
        "overrides": view.frozen.get("overrides") or {},
        "skills_overlay": view.frozen.get("skills_overlay"),
        "timeout_seconds": run.timeout_seconds,
        "caller_metadata": run.caller_metadata,
        **({"forked_from": {"run_id": _parent_of(run), "checkpoint": run.forked_at}} if run.forked_at else {}),
        **({"imported_at": run.imported_at.isoformat()} if run.imported_at else {}),
        **({"history_pruned_at": run.history_pruned_at.isoformat()} if run.history_pruned_at else {}),
    }


def _parent_of(run: Run) -> str | None:
    """Return the run that ``run`` was forked from; None when it was pruned."""
    return str(run.parent_id) if run.parent_id else None


def _progress(view: RunView) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if (last := view.last_step) is not None:
        facts["step_iteration_counts"] = {_counted(step): step.iteration for step in view.steps}
        facts["execution_context"] = {
            "last_event_type": last.type,
            "current_step_id": view.current_step_id,
            "current_node_id": view.current_node_id,
            "visited_steps": list(dict.fromkeys(view.visited_steps)),
            "visited_nodes": list(dict.fromkeys(view.visited_nodes)),
            "last_input_text": last.input_text,
            "last_output_text": last.output_text,
            "current_iteration": last.iteration,
        }
    resumed = [record for record in view.records if record.type == RecordType.HUMAN_RESUME]
    if resumed:
        facts["resumed_from_continuation_id"] = resumed[-1].details.get("continuation_id")
    return facts


def _end(view: RunView) -> dict[str, Any]:
    run = view.run
    facts: dict[str, Any] = {}
    if run.status == Status.COMPLETED or run.error_type == MAX_ITERATIONS:
        facts |= _workflow_facts(view) if run.workflow_name is not None else _agent_facts(view)
    if run.status == Status.CANCELLED:
        facts["cancelled"] = True
    if run.started_at and run.completed_at:
        facts["duration_ms"] = (run.completed_at - run.started_at).total_seconds() * 1000
    if view.usage is not None:
        facts["usage"] = view.usage
    return facts


def _workflow_facts(view: RunView) -> dict[str, Any]:
    path = view.visited_nodes or view.visited_steps
    return {
        "workflow": {"name": view.run.workflow_name, "type": view.workflow_type} | _path(view),
        "workflow_type": view.workflow_type,
        "workflow_steps": path,
        "iterations": len(path),
    } | ({"stopped_by_max_iterations": True} if view.run.error_type == MAX_ITERATIONS else {})


def _path(view: RunView) -> dict[str, Any]:
    """Return the steps or nodes behind the run, and why a graph that has ended did not go on."""
    if view.workflow_type != Shape.GRAPH:
        return {"visited_steps": view.visited_steps}
    ends = {Status.COMPLETED: "no_matching_edge"}
    if view.run.error_type == MAX_ITERATIONS:
        ends[Status.FAILED] = "max_steps"
    termination = ends.get(Status(view.run.status))
    return {"visited_nodes": view.visited_nodes} | ({"termination": termination} if termination else {})


def _counted(step: Checkpoint) -> str:
    return f"|{step.step_id}" if is_node(step) else f"{step.step_id}|"


def _agent_facts(view: RunView) -> dict[str, Any]:
    details = view.records[-1].details if view.records else {}
    return {name: details[name] for name in _AGENT_FACTS if name in details}


def _pause(view: RunView) -> dict[str, Any]:
    if view.task is None:
        return {}
    step_id = view.task.step_id
    node = {"pending_node_id": step_id} if view.task.shape == Shape.GRAPH else {}
    return node | {
        "human_intervention_required": True,
        "continuation_id": view.continuation_id,
        "request": view.pending_human_request,
        "pending_step_id": step_id,
        "workflow": {"name": view.run.workflow_name, "pending_step_id": step_id} | _path(view),
    }
