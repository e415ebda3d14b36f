"""Which changes are told to webhooks, and what is told of them: in the transaction of the change, or not at all."""

import uuid
from datetime import UTC, datetime
from typing import Any

from humantasks.models import HumanTask
from kneo_project.redaction import preview
from kneo_project.webhooks.event_types import EventType
from kneo_project.webhooks.outbox import Announcement, announce, wanted
from runs.changes import Change
from runs.engine.lifecycle import Status
from runs.models import Run

_OF_STATUS = {
    Status.COMPLETED: EventType.RUN_COMPLETED,
    Status.FAILED: EventType.RUN_FAILED,
    Status.CANCELLED: EventType.RUN_CANCELLED,
    Status.TIMED_OUT: EventType.RUN_TIMED_OUT,
    Status.EXPIRED: EventType.RUN_EXPIRED,
    Status.BLOCKED: EventType.RUN_BLOCKED,
}
_COLUMNS = (
    "status",
    "agent_name",
    "workflow_name",
    "environment",
    "session_id",
    "tags",
    "caller_metadata",
    "within",
    "error_type",
    "error_message",
    "output_text",
    "created_at",
    "completed_at",
)


def event_of(change: Change) -> EventType | None:
    """Return what may have to be told of ``change``; None when it is no event, or nobody wants to know."""
    status = change.progress.status
    if status is Status.BLOCKED and Status.BLOCKED in change.sources:
        return None  # it goes on waiting
    event = _OF_STATUS.get(status)
    return event if event and wanted.includes(event) else None


def tell_of_run(run_id: uuid.UUID, event: EventType, at: datetime) -> None:
    """Tell of the run as it is now, in the caller's transaction. A branch is nothing that anybody asked for."""
    run = _run(run_id)
    if run.within_id is None:
        error = {"type": run.error_type, "message": preview(run.error_message or "")} if run.error_type else None
        facts = {
            "status": run.status,
            "error": error,
            "output_preview": None if run.output_text is None else preview(run.output_text),
            "created_at": _moment(run.created_at),
            "completed_at": _moment(run.completed_at),
        }
        _announce(run, event, at, facts)


def tell_of_task(task: HumanTask, event: EventType, at: datetime) -> None:
    """Tell of the human task, in the caller's transaction, if anybody wants to know."""
    if not wanted.includes(event):
        return
    run = _run(task.run_id)
    facts = {
        "continuation_id": str(task.pk),
        "branch_within": str(run.within_id) if run.within_id else None,
        "title": preview(task.title),
        "request_type": task.request_type,
        "assignee": task.assignee,
        "created_at": _moment(task.created_at),
        "expires_at": _moment(task.expires_at),
    }
    _announce(run, event, at, facts)


def _run(run_id: uuid.UUID) -> Run:
    return Run.objects.only(*_COLUMNS).get(pk=run_id)


def _announce(run: Run, event: EventType, at: datetime, facts: dict[str, Any]) -> None:
    of_run = {
        "run_id": str(run.pk),
        "agent_name": run.agent_name,
        "workflow_name": run.workflow_name,
        "environment": run.environment,
        "session_id": run.session_id,
        "tags": run.tags,
        "metadata": run.caller_metadata,
    }
    announce(
        Announcement(
            type=event, at=at, workflow_name=run.workflow_name, environment=run.environment, data={**of_run, **facts}
        )
    )


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")
