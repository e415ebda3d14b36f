"""Examples of the views that explain a run."""

from typing import Any

from runs.views.examples import CONTINUATION_ID, QUESTION, REQUEST_ID, RUN_ID

_STARTED: dict[str, Any] = {
    "id": "0761f7fe-3c1d-5e2f-9a4b-8d7c6b5a4f32",
    "sequence": 1,
    "type": "run_started",
    "created_at": "2026-11-23T01:28:14.327729+00:00",
    "workflow_name": "review-flow",
    "step_id": None,
    "node_id": None,
}
_DRAFTED: dict[str, Any] = _STARTED | {
    "id": "11d838e5-7b2c-5d3f-a6e9-4c1b0a9f8e54",
    "sequence": 2,
    "type": "step_completed",
    "step_id": "draft",
}
_PAUSED: dict[str, Any] = _STARTED | {
    "id": "1a0d857d-5e4f-5a3b-8c2d-7f6e5d4c3b21",
    "sequence": 3,
    "type": "human_pause",
    "step_id": "approve",
    "status": "blocked",
    "current_step_index": None,
    "current_step_id": "draft",
    "current_node_id": None,
    "continuation_id": CONTINUATION_ID,
    "pending_human_request_id": REQUEST_ID,
    "error": None,
}
_CONTEXT: dict[str, Any] = {
    "run_id": RUN_ID,
    "status": "blocked",
    "workflow_type": "sequential",
    "completed_steps": ["draft"],
    "completed_nodes": [],
    "failed_step": None,
    "failed_node": None,
    "next_step_index": 1,
    "resume_input": "Final answer: hello",
    "checkpoint_count": 3,
    "can_continue": False,
    "can_replay": True,
}
_NAMES: dict[str, Any] = {
    "run_id": RUN_ID,
    "status": "blocked",
    "workflow_name": "review-flow",
    "workflow_kind": "workflow",
    "checkpoint_count": 3,
}
_NODE: dict[str, Any] = {
    "id": "draft",
    "kind": "agent",
    "name": "writer",
    "on_error": "fail",
    "fallback_node": None,
    "max_retries": 0,
    "timeout_seconds": None,
}
RECOVERY: dict[str, Any] = _NAMES | {
    "current_step_index": 1,
    "current_node_id": None,
    "visited_steps": ["draft"],
    "visited_nodes": [],
    "pending_human_request": QUESTION,
    "continuation_id": CONTINUATION_ID,
    "error": None,
    "replay_context": _CONTEXT,
}
REPLAY: dict[str, Any] = _NAMES | {"agent_name": "root", "timeline": [_PAUSED], "replay_context": _CONTEXT}
DIFFERENCE: dict[str, Any] = {
    "run_id": RUN_ID,
    "from_checkpoint": _STARTED,
    "to_checkpoint": _DRAFTED,
    "change_count": 3,
    "added": [{"path": "metadata.output_text", "value": "Final answer: hello"}],
    "removed": [{"path": "metadata.deadline_at", "value": None}],
    "changed": [{"path": "state.current_step_id", "before": None, "after": "draft"}],
    "truncated": False,
}
RUN_GRAPH: dict[str, Any] = {
    "run_id": RUN_ID,
    "status": "blocked",
    "workflow_name": "review-flow",
    "workflow_kind": "sequential",
    "start": "draft",
    "max_steps": None,
    "nodes": [_NODE, _NODE | {"id": "approve", "kind": "human", "name": "reviewer"}],
    "edges": [{"source": "draft", "target": "approve", "label": None, "conditional": False, "priority": 0}],
    "current": "approve",
    "visited": ["draft"],
}
POLICY_REPORT: dict[str, Any] = {"valid": True, "report": {"valid": True, "version": "v1", "diagnostics": []}}
