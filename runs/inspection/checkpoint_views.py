"""A checkpoint as callers see it: the row, and the run as it was then."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.inspection.records import is_node, visited
from runs.inspection.run_views import AWAITING_HUMAN, RunView
from runs.models import Checkpoint, Run, TraceEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointView:
    """One checkpoint of ``run``, the steps completed up to it, and the trace events written with it."""

    checkpoint: Checkpoint
    run: Run
    visited_steps: tuple[str, ...]
    visited_nodes: tuple[str, ...]
    trace_events: tuple[TraceEvent, ...]

    @property
    def type(self) -> str:
        """The public type: a completed step of a graph is a completed node."""
        row = self.checkpoint
        return NODE_COMPLETED if row.type == RecordType.STEP_COMPLETED and is_node(row) else row.type

    @property
    def step_id(self) -> str | None:
        """The step that is meant, unless it is a node; a pause names nodes as steps."""
        return None if is_node(self.checkpoint) else self.checkpoint.step_id

    @property
    def node_id(self) -> str | None:
        """The node that is meant, in a graph."""
        return self.checkpoint.step_id if is_node(self.checkpoint) else None

    @property
    def state(self) -> dict[str, Any]:
        """The run as it was then, without its spec; the output is what this checkpoint recorded."""
        row, view = self.checkpoint, RunView(run=self.run)
        return {
            "id": str(self.run.pk),
            "status": row.status,
            "agent_name": self.run.agent_name,
            "workflow_name": self.run.workflow_name,
            "workflow_kind": view.workflow_kind,
            "session_id": self.run.session_id,
            "input_text": self.run.input_text,
            "output_text": AWAITING_HUMAN if row.status == Status.BLOCKED else row.output_text,
            "current_step_id": self.visited_steps[-1] if self.visited_steps else None,
            "current_node_id": self.visited_nodes[-1] if self.visited_nodes else None,
            "visited_steps": list(self.visited_steps),
            "visited_nodes": list(self.visited_nodes),
            "continuation_id": row.details.get("continuation_id") if row.status == Status.BLOCKED else None,
            "pending_human_request": row.details.get("request"),
            "error": self.error,
        }

    @property
    def error(self) -> dict[str, str] | None:
        """Why the run had ended then, if it had."""
        return _error(self.checkpoint) if self.checkpoint.type in _ENDS else None

    @property
    def metadata(self) -> dict[str, Any]:
        """What this type of checkpoint tells."""
        row = self.checkpoint
        details: dict[str, Any] = row.details
        match RecordType(row.type):
            case RecordType.STEP_COMPLETED | RecordType.STEP_FAILED:
                return details | _step_facts(row)
            case RecordType.RUN_STARTED:
                deadline = self.run.deadline_at
                return details | {"deadline_at": deadline.timestamp() if deadline else None}
            case RecordType.RUN_COMPLETED:
                return details | {"output_text": row.output_text}
            case RecordType.RUN_FAILED:
                return details | {"error": _error(row)}
            case RecordType.RUN_CANCELLED | RecordType.RUN_TIMED_OUT | RecordType.RUN_EXPIRED:
                return details | {"reason": row.error_message}
            case RecordType.HUMAN_PAUSE | RecordType.HUMAN_RESUME | RecordType.REPLAY_CONTEXT:
                return details


NODE_COMPLETED = "node_completed"
_ENDS = (RecordType.RUN_FAILED, RecordType.RUN_CANCELLED, RecordType.RUN_TIMED_OUT, RecordType.RUN_EXPIRED)


def checkpoint_views(run: Run, page: Sequence[Checkpoint]) -> list[CheckpointView]:
    """Return the views of ``page``, some checkpoints of ``run``, in two queries however many there are."""
    # The run is named too: without it, Django would ask for the run of each row.
    names = ("run", "sequence", "type", "step_id", "path", "details")
    done = list(run.checkpoints.filter(type=RecordType.STEP_COMPLETED).only(*names))
    events: dict[int, list[TraceEvent]] = defaultdict(list)
    for event in run.trace_events.filter(checkpoint_sequence__in=[row.sequence for row in page]):
        events[event.checkpoint_sequence].append(event)
    return [
        CheckpointView(
            checkpoint=row,
            run=run,
            visited_steps=tuple(visited(step for step in done if step.sequence <= row.sequence)),
            visited_nodes=tuple(visited((step for step in done if step.sequence <= row.sequence), nodes=True)),
            trace_events=tuple(events[row.sequence]),
        )
        for row in page
    ]


def _step_facts(row: Checkpoint) -> dict[str, Any]:
    took = None if row.started_at is None else (row.created_at - row.started_at).total_seconds() * 1000
    return {
        "input_text": row.input_text,
        "output_text": row.output_text,
        "error": row.error_message,
        "iteration": row.iteration,
        "attempt": row.attempt,
        "duration_ms": took,
    }


def _error(row: Checkpoint) -> dict[str, str] | None:
    if row.error_type is None:
        return None
    return {"message": row.error_message or "", "type": row.error_type}
