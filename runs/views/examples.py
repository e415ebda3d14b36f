"""Examples for the OpenAPI document: one story, told from the order to the answer."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

RUN_ID = "6099e6ef-6f0c-4f57-9d3e-1f7f1f4d2b10"
CONTINUATION_ID = "77e9ca2a-3c55-4a7e-8b1d-0a4f3a5c9e21"
REQUEST_ID = "9c1f75d7-8a40-4d1a-9f3c-2b6e5d7c8a32"

ORDER: dict[str, Any] = {
    "input": "hello",
    "spec": {"version": "v1", "agent": {"name": "greeter"}},
    "tags": ["team-a"],
    "async_mode": True,
}
DECISION: dict[str, Any] = {"request_id": REQUEST_ID, "decision": "edited", "content": "Hello!"}
QUESTION: dict[str, Any] = {
    "id": REQUEST_ID,
    "type": "approval",
    "title": "Check the draft",
    "prompt": "Check the draft",
    "context": {"input_text": "Final answer: hello"},
    "options": ["yes", "no"],
    "default_option": None,
    "requested_by": "approve",
    "assignee": "team-a",
    "timeout_seconds": 3600,
    "on_timeout": "fail",
    "metadata": {},
}
OUTCOME: dict[str, Any] = {
    "run_id": RUN_ID,
    "status": "completed",
    "output_text": "Final answer: hello",
    "human_intervention_required": False,
    "continuation_id": None,
    "metadata": {"workflow_type": "sequential", "workflow_steps": ["draft"], "iterations": 1, "duration_ms": 41.2},
}
ACCEPTED: dict[str, Any] = OUTCOME | {
    "status": "running",
    "output_text": None,
    "metadata": {"spec_path": "specs/review.yaml", "target": "workflow", "caller_metadata": {}},
}
RESUMED: dict[str, Any] = {
    "run_id": RUN_ID,
    "status": "completed",
    "output_text": "Hello!",
    "metadata": {"resumed_from_continuation_id": CONTINUATION_ID},
}
_TURN: dict[str, Any] = {
    "role": "user",
    "content": "hello",
    "name": None,
    "tool_call_id": None,
    "metadata": {"tool_calls": []},
}
RUN: dict[str, Any] = {
    "run_id": RUN_ID,
    "status": "blocked",
    "queued": False,
    "queue": "default",
    "priority": "normal",
    "agent_name": "root",
    "workflow_name": "review-flow",
    "workflow_kind": "workflow",
    "session_id": "s-1",
    "tags": ["team-a"],
    "input_text": "hello",
    "output_text": "Human intervention required.",
    "current_step_index": 1,
    "current_step_id": "draft",
    "current_node_id": None,
    "visited_steps": ["draft"],
    "visited_nodes": [],
    "messages": [_TURN],
    "pending_human_request": QUESTION,
    "continuation_id": CONTINUATION_ID,
    "trace_event_count": 4,
    "usage": {"input_tokens": 12, "output_tokens": 5, "total_tokens": 17},
    "cost": {"amount": 0.0000048, "currency": "USD"},
    "metadata": {"target": "workflow", "pending_step_id": "approve"},
    "error": None,
    "created_at": "2026-11-23T01:28:14.311381+00:00",
    "updated_at": "2026-11-23T01:28:14.497874+00:00",
    "started_at": "2026-11-23T01:28:14.311417+00:00",
    "completed_at": None,
    "deadline_at": None,
    "timeout_seconds": None,
    "attempts": 0,
}
RUN_ITEM: dict[str, Any] = RUN | {
    "id": RUN_ID,
    "trace_dropped": 0,
    "parent_run_id": None,
    "branch_of": None,
    "branch_index": None,
}
COUNTS: dict[str, Any] = {
    "counts": {
        "running": 3,
        "blocked": 12,
        "completed": 4031,
        "failed": 7,
        "cancelled": 2,
        "timed_out": 0,
        "expired": 1,
    },
    "queued": 1,
    "total": 4056,
}
BRANCH: dict[str, Any] = RUN_ITEM | {"branch_of": RUN_ID, "branch_index": 0}
CANCELLED: dict[str, Any] = RUN | {
    "status": "cancelled",
    "pending_human_request": None,
    "continuation_id": None,
    "error": {"message": "Run cancellation requested.", "type": "cancelled"},
}
EVENT: dict[str, Any] = {
    "type": "workflow_started",
    "run_id": RUN_ID,
    "event_id": "ecb35a48-2d9f-5a4e-b7c1-6e8f9a0b1c43",
    "timestamp": "2026-11-23T01:28:14.369891+00:00",
    "parent_event_id": None,
    "span_id": None,
    "parent_span_id": None,
    "agent_name": None,
    "workflow_name": "review-flow",
    "step_id": None,
    "runtime_mode": None,
    "model_provider": None,
    "model_name": None,
    "tool_name": None,
    "guardrail_id": None,
    "memory_policy": None,
    "input_preview": "hello",
    "output_preview": None,
    "metadata": {"start_index": 0, "step_count": 3},
    "error": None,
}
EVENT_STREAM = (
    "id: 2\nevent: step_completed\n"
    f'data: {{"run_id":"{RUN_ID}","sequence":2,"type":"step_completed","status":"running","step_id":"draft"}}\n\n'
)
CHECKPOINT: dict[str, Any] = {
    "id": "11d838e5-7b2c-5d3f-a6e9-4c1b0a9f8e54",
    "run_id": RUN_ID,
    "type": "step_completed",
    "workflow_name": "review-flow",
    "step_id": "draft",
    "node_id": None,
    "sequence": 2,
    "iteration": 1,
    "state": {"id": RUN_ID, "status": "running", "visited_steps": ["draft"]},
    "trace_events": [EVENT],
    "metadata": {"workflow_type": "sequential", "input_text": "hello", "output_text": "Final answer: hello"},
    "created_at": "2026-11-23T01:28:14.447970+00:00",
}
_STANDING: dict[str, Any] = {
    "assignee_kind": None,
    "claimed_by": "alice",
    "claimed_at": "2026-11-23T01:30:02.117402+00:00",
    "approvals": {
        "needed": 2,
        "exclude_requester": True,
        "given": [
            {
                "decided_by": "bob",
                "decided_at": "2026-11-23T01:29:41.902113+00:00",
                "decision": "approved",
                "content": "Looks right.",
                "selected_option": None,
                "form": None,
            }
        ],
    },
}
TASK: dict[str, Any] = {
    "continuation_id": CONTINUATION_ID,
    "run_id": RUN_ID,
    "request": QUESTION,
    "messages": [_TURN],
    "created_at": "2026-11-23T01:28:14.497874+00:00",
    "expires_at": 1795400894.460403,
    **_STANDING,
}
TASK_ITEM: dict[str, Any] = {
    "id": CONTINUATION_ID,
    "run_id": RUN_ID,
    "workflow_name": "review-flow",
    "workflow_kind": "sequential",
    "current_step_index": 1,
    "current_node_id": None,
    "current_input": "Final answer: hello",
    "visited_steps": ["draft"],
    "visited_nodes": [],
    "messages": [_TURN],
    "variables": {},
    "pending_human_request_id": REQUEST_ID,
    "pending_human_request": QUESTION,
    "created_at": "2026-11-23T01:28:14.497874+00:00",
    "expires_at": 1795400894.460403,
    "trace_events": [EVENT],
    "metadata": {"step_id": "approve"},
    **_STANDING,
}
ASSIGNMENT: dict[str, Any] = {"assignee": "finance", "assignee_kind": "group"}
RELEASE: dict[str, Any] = {"force": True}


def order(name: str, value: dict[str, Any]) -> OpenApiExample:
    """Return the example of a request body."""
    return OpenApiExample(name, value=value, request_only=True)


def answer(name: str, value: dict[str, Any], status: int = 200) -> OpenApiExample:
    """Return the example of an answer."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def page(items_key: str, item: dict[str, Any], sort_by: str, sort_order: str, **facts: object) -> OpenApiExample:
    """Return the example of a list with one item."""
    paging = {"count": 1, "total": 1, "window": 10_000, "limit": 100, "offset": 0}
    order = {"sort_by": sort_by, "sort_order": sort_order, "next_cursor": None}
    value = {**facts, items_key: [item], **paging, **order}
    return answer(f"a page of {items_key}", value)


INVENTORY: dict[str, Any] = {
    "inventory": {
        "providers": {
            "openai": {
                "name": "provider:openai",
                "env_var": "OPENAI_API_KEY",
                "present": True,
                "value": "[REDACTED]",
                "status": "present",
                "expires_at": None,
                "last_checked": None,
            }
        },
        "extra": {},
        "service_tokens": {},
    }
}
