"""How lists are filtered and sorted: all in SQL, on the columns behind what callers see."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Case, F, Model, Q, QuerySet, Value, When

from humantasks.models import HumanTask
from kneo_project.api.pagination import Listing
from kneo_project.api.query import flag, text, text_or_absent, timestamp, word
from runs.engine.lifecycle import Status
from runs.models import Run

type Filters = Mapping[str, Callable[[Any], Q]]

NOTHING = Q(pk__in=[])
RUNS = Listing(
    items_key="runs",
    sort_by="updated_at",
    sort_order="desc",
    filters={
        "status": text_or_absent,
        "workflow_kind": text,
        "workflow_name": text,
        "session_id": text,
        "has_error": flag,
        "created_after": timestamp,
        "created_before": timestamp,
        "q": text_or_absent,
    },
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
    store_order=("branch_of", "branch_index"),
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
    filters={"run_id": text_or_absent, "workflow_kind": text, "status": word("pending", "escalated")},
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


def matching_runs(asked: Mapping[str, Any]) -> QuerySet[Run]:
    """Return the runs that match every filter in ``asked``, with the status that callers see."""
    queued = When(status=Status.CREATED, then=Value(Status.RUNNING.value))
    whole = _filtered(Run.objects.whole(), _RUN_FILTERS, asked)
    return whole.annotate(shown_status=Case(queued, default=F("status")))


def branches_of(run: Run, asked: Mapping[str, Any]) -> QuerySet[Run]:
    """Return the branches of ``run`` that match every filter in ``asked``."""
    return _filtered(Run.objects.filter(branch_of__run=run).select_related("branch_of"), _RUN_FILTERS, asked)


def matching_tasks(asked: Mapping[str, Any]) -> QuerySet[HumanTask]:
    """Return the open tasks that match every filter in ``asked``, with their runs."""
    return _filtered(HumanTask.objects.open().select_related("run"), _TASK_FILTERS, asked)


def _filtered[M: Model](rows: QuerySet[M], filters: Filters, asked: Mapping[str, Any]) -> QuerySet[M]:
    for name, value in asked.items():
        rows = rows.filter(filters[name](value))
    return rows


def _has_status(status: str) -> Q:
    if status == Status.CREATED:
        return NOTHING
    return Q(status__in=(Status.CREATED, Status.RUNNING)) if status == Status.RUNNING else Q(status=status)


def _is_of_kind(kind: str) -> Q:
    kinds = {"workflow": Q(workflow_name__isnull=False), "agent": Q(workflow_name=None)}
    return kinds.get(kind, NOTHING)


def _is_of_run(run_id: str) -> Q:
    """Return the tasks of the run and of its branches."""
    try:
        wanted = uuid.UUID(run_id)
    except ValueError:
        return NOTHING
    return Q(run_id=wanted) | Q(run__within=wanted)


_RUN_FILTERS: Filters = {
    "status": _has_status,
    "workflow_kind": _is_of_kind,
    "workflow_name": lambda name: Q(workflow_name=name),
    "session_id": lambda label: Q(session_id=label),
    "has_error": lambda has: Q(error_type__isnull=not has),
    "created_after": lambda moment: Q(created_at__gte=moment),
    "created_before": lambda moment: Q(created_at__lte=moment),
    "q": lambda words: Q(output_text__icontains=words) | Q(error_message__icontains=words),
}
_TASK_FILTERS: Filters = {
    "run_id": _is_of_run,
    "workflow_kind": lambda shape: Q(shape=shape),
    "status": lambda status: Q(escalated_at__isnull=status == "pending"),
}
