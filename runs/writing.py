"""How a change reaches the database: by the ORM, or on PostgreSQL by one statement that does the same."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from kneo_project.audit.services import record
from kneo_project.webhooks.event_types import EventType
from runs import announcing, statements
from runs.bell import bell
from runs.changes import Change
from runs.engine.lifecycle import TERMINAL
from runs.engine.outcomes import Event, Usage
from runs.engine.outcomes import EventType as TraceEventType
from runs.models import Checkpoint, Run, TraceEvent
from runs.rows import checkpoint_columns, event_columns, shown_output


def write(change: Change) -> bool:
    """Apply ``change`` in one transaction; return False, with nothing written, when its guard does not hold."""
    apply = statements.write if connection.vendor == "postgresql" else write_by_orm
    denials = [event for event in change.progress.events if event.type is TraceEventType.TOOL_DENIED]
    told = announcing.event_of(change)
    is_written = _write_and_tell(apply, change, denials, told) if denials or told else apply(change)
    if is_written:
        bell.ring()
    return is_written


def write_by_orm(change: Change) -> bool:
    """Do what ``write`` does on any database."""
    with transaction.atomic():
        guarded = Run.objects.filter(pk=change.run_id, status__in=change.sources)
        if change.fence is not None:
            guarded = guarded.filter(fence=change.fence)
        if change.owner_id is not None:
            guarded = guarded.filter(lease_owner=change.owner_id)
        if change.sequence is not None:
            guarded = guarded.filter(sequence=change.sequence)
        if not guarded.update(**_run_columns(change)):
            return False
        sequence, trace_count = Run.objects.values_list("sequence", "trace_count").get(pk=change.run_id)
        _write_checkpoints(change, sequence)
        _write_events(change, sequence, trace_count)
    return True


def _write_and_tell(
    apply: Callable[[Change], bool], change: Change, denials: Sequence[Event], told: EventType | None
) -> bool:
    with transaction.atomic():
        if not apply(change):
            return False
        for event in denials:
            _audit(change, event)
        if told:
            announcing.tell_of_run(change.run_id, told, change.at)
    return True


def _audit(change: Change, event: Event) -> None:
    """Put on record that a tool was not called, as nobody looks through traces for that."""
    metadata = {"tool": event.model.get("tool_name"), "agent": event.agent_name, "step": event.step_id}
    record("tool.denied", actor=None, run_id=change.run_id, metadata={**metadata, "reason": event.error})


def _run_columns(change: Change) -> dict[str, Any]:
    progress = change.progress
    columns: dict[str, Any] = {
        "status": progress.status.value,
        "sequence": F("sequence") + len(progress.records),
        "trace_count": F("trace_count") + len(progress.events),
        "updated_at": change.at,
    }
    if progress.state is not None:
        columns["cursor"] = progress.state.cursor()
    if not change.keeps_lease:
        columns |= {"lease_owner": None, "fence": F("fence") + 1, "wake_at": change.wake_at}
    if progress.output_text is not None:
        columns["output_text"] = shown_output(change)
    if progress.fault is not None:
        columns |= {"error_type": progress.fault.type, "error_message": progress.fault.message}
    if progress.status in TERMINAL:
        columns["completed_at"] = change.at
    if progress.usage is not None:
        columns |= _usage_columns(progress.usage)
    return columns


def _usage_columns(usage: Usage) -> dict[str, Any]:
    spent = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "cost_nanos": usage.cost_nanos,
    }
    return {name: Coalesce(F(name), 0) + count for name, count in spent.items()}


def _write_checkpoints(change: Change, sequence: int) -> None:
    first = sequence - len(change.progress.records) + 1
    Checkpoint.objects.bulk_create(
        Checkpoint(run_id=change.run_id, sequence=first + offset, **columns)
        for offset, columns in enumerate(checkpoint_columns(change))
    )


def _write_events(change: Change, sequence: int, trace_count: int) -> None:
    events = list(event_columns(change))
    cap = settings.TRACE_MAX_EVENTS or trace_count
    numbered = enumerate(events, start=trace_count - len(events) + 1)
    TraceEvent.objects.bulk_create(
        TraceEvent(run_id=change.run_id, number=number, checkpoint_sequence=sequence, **columns)
        for number, columns in numbered
        if number <= cap
    )
