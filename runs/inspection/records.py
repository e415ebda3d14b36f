"""The checkpoints that tell what a run did, for many runs in one query."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db.models import Q

from runs.engine.progress import RecordType
from runs.models import Checkpoint
from specs.language.plan import Shape

# A workflow's end repeats the output of its last step; an agent's end is the only record of what the agent did.
_TELLING = Q(type__in=(RecordType.STEP_COMPLETED, RecordType.STEP_FAILED, RecordType.HUMAN_RESUME)) | Q(
    type=RecordType.RUN_COMPLETED, run__workflow_name=None
)
_COLUMNS = ("run_id", "sequence", "type", "step_id", "path", "iteration", "input_text", "output_text", "details")


def records_of(run_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[Checkpoint, ...]]:
    """Return the telling checkpoints of each run, in order; runs without any are left out."""
    rows: dict[uuid.UUID, list[Checkpoint]] = defaultdict(list)
    telling = Checkpoint.objects.filter(_TELLING, run_id__in=run_ids)
    for record in telling.only(*_COLUMNS).order_by("run_id", "sequence"):
        rows[record.run_id].append(record)
    return {run_id: tuple(records) for run_id, records in rows.items()}


def is_node(record: Checkpoint) -> bool:
    """Whether the record is of a node, a step of a graph."""
    return bool(record.details.get("workflow_type") == Shape.GRAPH)


def is_nested(record: Checkpoint) -> bool:
    """Whether the record is of a step inside a step of the run's own workflow."""
    return "/" in record.path.removesuffix(record.step_id or "")


def visited(records: Iterable[Checkpoint], *, nodes: bool = False) -> list[str]:
    """Return the ids of the steps (or the ``nodes``) of the run's own workflow that were completed, in order."""
    return [
        record.step_id
        for record in records
        if record.type == RecordType.STEP_COMPLETED
        and record.step_id
        and is_node(record) == nodes
        and not is_nested(record)
    ]
