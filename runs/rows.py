"""How checkpoints and trace events are numbered and laid out, whichever way they are written."""

from collections.abc import Iterator
from typing import Any

from kneo_project.redaction import preview, redact, redact_text
from runs.changes import Change
from runs.engine.outcomes import Event
from runs.engine.progress import Record


def checkpoint_columns(change: Change) -> Iterator[dict[str, Any]]:
    """Yield the columns of the checkpoints of ``change``, but for the run and the sequence."""
    state, last = change.progress.state, len(change.progress.records) - 1
    for index, record in enumerate(change.progress.records):
        cursor = state.cursor() if state is not None and index == last else None
        yield _checkpoint(record) | {"cursor": cursor, "created_at": change.at}


def event_columns(change: Change) -> Iterator[dict[str, Any]]:
    """Yield the columns of the trace events of ``change``, but for the run and the numbers. Texts are redacted here."""
    for event in change.progress.events:
        yield _event(event)


def shown_output(change: Change) -> str | None:
    """Return the run's output as callers may see and search it; the raw text is in the checkpoint."""
    output = change.progress.output_text
    return None if output is None else redact_text(output)


def _checkpoint(record: Record) -> dict[str, Any]:
    return {
        "type": record.type.value,
        "status": record.status.value,
        "step_id": record.step_id,
        "path": record.path,
        "iteration": record.iteration,
        "attempt": record.attempt,
        "input_text": record.input_text,
        "output_text": record.output_text,
        "error_type": record.fault.type if record.fault else None,
        "error_message": record.fault.message if record.fault else None,
        "details": dict(record.details),
        "started_at": record.started_at,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "type": event.type.value,
        "at": event.at,
        "step_id": event.step_id,
        "agent_name": event.agent_name,
        "input_preview": None if event.input_text is None else preview(event.input_text),
        "output_preview": None if event.output_text is None else preview(event.output_text),
        "error": None if event.error is None else preview(event.error),
        "model": dict(event.model),
        "metadata": redact(dict(event.metadata)),
    }
