"""What a run has behind it and could go on with, for those who have to decide what to do with it."""

from collections.abc import Iterable, Iterator
from typing import Any

from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.inspection.checkpoint_views import CheckpointView, checkpoint_views
from runs.inspection.records import is_nested, is_node
from runs.inspection.run_views import RunView
from runs.models import Checkpoint, Run


def recovery(view: RunView) -> dict[str, Any]:
    """Return where the run is, and with what it could go on."""
    return _names(view) | {
        "current_step_index": view.current_step_index,
        "current_node_id": view.current_node_id,
        "visited_steps": view.visited_steps,
        "visited_nodes": view.visited_nodes,
        "pending_human_request": view.pending_human_request,
        "continuation_id": view.continuation_id,
        "error": view.error,
        "replay_context": replay_context(view),
    }


def replay(view: RunView) -> dict[str, Any]:
    """Return all that happened to the run, in order. Nothing is executed."""
    return _names(view) | {
        "agent_name": view.run.agent_name,
        "timeline": list(_timeline(view.run)),
        "replay_context": replay_context(view),
    }


def _names(view: RunView) -> dict[str, Any]:
    return {
        "run_id": str(view.run.pk),
        "status": view.status,
        "workflow_name": view.run.workflow_name,
        "workflow_kind": view.workflow_kind,
        "checkpoint_count": view.run.sequence,
    }


def replay_context(view: RunView) -> dict[str, Any]:
    """Return what is done, what failed, and what the next step would be given."""
    run, failed = view.run, _failed(view)
    return {
        "run_id": str(run.pk),
        "status": view.status,
        "workflow_type": view.workflow_type,
        "completed_steps": view.visited_steps,
        "completed_nodes": view.visited_nodes,
        "failed_step": failed.step_id if failed and not is_node(failed) else None,
        "failed_node": failed.step_id if failed and is_node(failed) else None,
        "next_step_index": len(view.visited_steps),
        "resume_input": _flows_on(view),
        "checkpoint_count": run.sequence,
        "can_continue": _can_continue(run),
        "can_replay": True,
    }


def _can_continue(run: Run) -> bool:
    is_kept = run.history_pruned_at is None and run.imported_at is None
    return run.status == Status.FAILED and run.within_id is None and is_kept


def _failed(view: RunView) -> Checkpoint | None:
    """Return the record of the step at which the run failed, if it has failed."""
    own = [step for step in view.steps if not is_nested(step)]
    last = own[-1] if own else None
    return last if last and last.type == RecordType.STEP_FAILED and view.run.status == Status.FAILED else None


def _flows_on(view: RunView) -> str | None:
    done = [step for step in view.steps if step.type == RecordType.STEP_COMPLETED and not is_nested(step)]
    return done[-1].output_text if done else view.run.input_text


def _timeline(run: Run) -> Iterator[dict[str, Any]]:
    step_id = node_id = None
    for row in run.checkpoints.order_by("sequence").iterator():
        if row.type == RecordType.STEP_COMPLETED and not is_nested(row):
            step_id, node_id = (step_id, row.step_id) if is_node(row) else (row.step_id, node_id)
        seen = CheckpointView(checkpoint=row, run=run, visited_steps=(), visited_nodes=(), trace_events=())
        paused = row.status == Status.BLOCKED
        request = row.details.get("request") or {}
        yield {
            **named(seen),
            "status": row.status,
            "current_step_index": None,
            "current_step_id": step_id,
            "current_node_id": node_id,
            "continuation_id": row.details.get("continuation_id") if paused else None,
            "pending_human_request_id": request.get("id"),
            "error": seen.error,
        }


def named(view: CheckpointView) -> dict[str, Any]:
    """Return which checkpoint is meant."""
    row = view.checkpoint
    return {
        "id": str(row.public_id),
        "sequence": row.sequence,
        "type": view.type,
        "created_at": row.created_at,
        "workflow_name": view.run.workflow_name,
        "step_id": view.step_id,
        "node_id": view.node_id,
    }


def two_of(run: Run, sequences: Iterable[int]) -> dict[int, CheckpointView]:
    """Return the checkpoints of ``run`` with these sequence numbers; those that do not exist are left out."""
    rows = list(run.checkpoints.filter(sequence__in=list(sequences)))
    return {view.checkpoint.sequence: view for view in checkpoint_views(run, rows)}
