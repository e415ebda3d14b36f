"""An event is a checkpoint, as listeners see it: what happened, without what the step was given."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db.models import Max, Q, QuerySet

from kneo_project.redaction import preview, redact
from runs.engine.lifecycle import TERMINAL, Status
from runs.inspection.checkpoint_views import CheckpointView
from runs.models import Checkpoint, Run

_COLUMNS = (
    "run",
    "sequence",
    "type",
    "status",
    "step_id",
    "path",
    "iteration",
    "attempt",
    "output_text",
    "error_type",
    "error_message",
    "details",
    "created_at",
    "run__agent_name",
    "run__workflow_name",
    "run__environment",
    "run__session_id",
    "run__tags",
    "run__within",
    "run__parent",
    "run__imported_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event. ``number`` grows over all runs, ``sequence`` has no gaps within its run.

    ``data`` is ``facts`` as JSON: written once, however many listen. What ``is_history`` happened elsewhere.
    """

    number: int
    run_id: uuid.UUID
    sequence: int
    type: str
    status: Status
    is_history: bool
    facts: dict[str, Any]
    data: str

    @property
    def is_last(self) -> bool:
        """Whether the run has ended with it."""
        return self.status in TERMINAL


def newest_number() -> int:
    """Return the number of the newest event, or 0."""
    return Checkpoint.objects.aggregate(newest=Max("pk"))["newest"] or 0


def happened_after(number: int, *, at_most: int, missed: Sequence[int] = ()) -> list[Happening]:
    """Return the events of all runs after ``number``, and those with the numbers ``missed``, in order."""
    wanted = Q(pk__gt=number) | Q(pk__in=missed) if missed else Q(pk__gt=number)
    return _read(Checkpoint.objects.filter(wanted).order_by("pk")[:at_most])


def happened_to(run_id: uuid.UUID, *, after: int, at_most: int) -> list[Happening]:
    """Return the events of a run after the one with the sequence number ``after``, in order."""
    return _read(Checkpoint.objects.filter(run=run_id, sequence__gt=after).order_by("sequence")[:at_most])


def happened_within(run_id: uuid.UUID, *, after: int, at_most: int) -> list[Happening]:
    """Return the events of a run and of its branches after the one with the number ``after``, in order."""
    of_it = Run.objects.of_whole(run_id).values("pk")
    return _read(Checkpoint.objects.filter(run__in=of_it, pk__gt=after).order_by("pk")[:at_most])


def _read(rows: QuerySet[Checkpoint]) -> list[Happening]:
    return [_happening(row) for row in rows.select_related("run").only(*_COLUMNS)]


def _happening(row: Checkpoint) -> Happening:
    view = CheckpointView(checkpoint=row, run=row.run, visited_steps=(), visited_nodes=(), trace_events=())
    error = {"type": row.error_type, "message": preview(row.error_message or "")} if row.error_type else None
    facts = {
        "run_id": str(row.run_id),
        "sequence": row.sequence,
        "type": view.type,
        "status": row.status,
        "step_id": view.step_id,
        "node_id": view.node_id,
        "path": row.path,
        "iteration": row.iteration,
        "attempt": row.attempt,
        "agent_name": row.run.agent_name,
        "workflow_name": row.run.workflow_name,
        "environment": row.run.environment,
        "session_id": row.run.session_id,
        "tags": row.run.tags,
        "branch_within": str(row.run.within_id) if row.run.within_id else None,
        "continuation_id": row.details.get("continuation_id"),
        "output_preview": None if row.output_text is None else preview(row.output_text),
        "created_at": row.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "error": error and redact(error),
    }
    return Happening(
        number=row.pk,
        run_id=row.run_id,
        sequence=row.sequence,
        type=view.type,
        status=Status(row.status),
        is_history=row.run.imported_at is not None,
        facts=facts,
        data=json.dumps(facts, ensure_ascii=False, separators=(",", ":")),
    )
