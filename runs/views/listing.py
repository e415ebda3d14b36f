"""How lists are filtered and sorted: all in SQL, on the columns behind what callers see."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from humantasks.models import HumanTask
from kneo_project.api.conditions import has_id
from kneo_project.api.pagination import Listing
from kneo_project.api.query import text, text_or_absent, word
from runs.inspection.matching import RUN_FILTERS, narrowed
from runs.models import Run

RUNS = Listing(
    items_key="runs",
    sort_by="updated_at",
    sort_order="desc",
    filters=RUN_FILTERS,
    sort_columns={
        "id": "pk",
        "run_id": "pk",
        "status": "shown_status",
        "trace_event_count": "trace_count",
        "error.type": "error_type",
        "error.message": "error_message",
        "usage.input_tokens": "input_tokens",
        "usage.output_tokens": "output_tokens",
        "usage.total_tokens": "total_tokens",
    }
    | {
        name: name
        for name in (
            "agent_name",
            "workflow_name",
            "session_id",
            "input_text",
            "output_text",
            "created_at",
            "updated_at",
            "started_at",
            "completed_at",
            "deadline_at",
            "timeout_seconds",
            "attempts",
        )
    },
    store_order=("-updated_at", "pk"),
)
BRANCHES = Listing(
    items_key="branches",
    sort_by="branch_index",
    filters={"status": text_or_absent},
    sort_columns={name: name for name in ("branch_index", "updated_at", "started_at", "completed_at")},
    store_order=("branch_of_id", "branch_index"),
)
CHECKPOINTS = Listing(
    items_key="checkpoints",
    sort_by="sequence",
    filters={"type": text_or_absent},
    sort_columns={name: name for name in ("sequence", "type", "step_id", "iteration", "created_at")},
    store_order=("sequence",),
)
# Times of several workers may disagree; the order in which events were written is the one that never changes.
EVENTS = Listing(
    items_key="events",
    sort_by="timestamp",
    filters={"event_type": text_or_absent},
    sort_columns={"timestamp": "number", "type": "type", "step_id": "step_id", "agent_name": "agent_name"},
    store_order=("number",),
)
TASKS = Listing(
    items_key="tasks",
    sort_by="id",
    filters={
        "run_id": text_or_absent,
        "workflow_kind": text,
        "status": word("pending", "escalated"),
        "assignee": text,
        "claimed_by": text,
    },
    sort_columns={
        "id": "pk",
        "workflow_kind": "shape",
        "current_step_index": "step_index",
        "current_input": "input_text",
        "pending_human_request_id": "request_id",
        "pending_human_request.type": "request_type",
        "pending_human_request.assignee": "assignee",
        "run_id": "run_id",
        "workflow_name": "workflow_name",
        "created_at": "created_at",
        "expires_at": "expires_at",
    },
    store_order=("created_at", "pk"),
)


def branches_of(run: Run, asked: Mapping[str, Any]) -> QuerySet[Run]:
    """Return the branches of ``run`` that match every filter in ``asked``."""
    return narrowed(Run.objects.filter(branch_of__run=run).select_related("branch_of"), asked)


def matching_tasks(asked: Mapping[str, Any]) -> QuerySet[HumanTask]:
    """Return the open tasks that match every filter in ``asked``, with their runs."""
    tasks = HumanTask.objects.open().select_related("run")
    for name, value in asked.items():
        tasks = tasks.filter(_TASK_FILTERS[name](value))
    return tasks


def _is_of_run(run_id: str) -> Q:
    """Return the tasks of the run and of its branches."""
    return has_id("run_id", run_id) | has_id("run__within", run_id)


_TASK_FILTERS: Mapping[str, Callable[[Any], Q]] = {
    "run_id": _is_of_run,
    "workflow_kind": lambda shape: Q(shape=shape),
    "status": lambda status: Q(escalated_at__isnull=status == "pending"),
    "assignee": lambda name: Q(assignee=name),
    "claimed_by": lambda name: Q(claimed_by=name),
}
