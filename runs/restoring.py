"""From a run's row to the engine's value: the cursor, and the texts it names, raw as they were recorded."""

import uuid
from collections.abc import Mapping
from typing import Any

from kneo_project.transient import retry_transient
from runs.engine.progress import RecordType
from runs.engine.state import RUN_INPUT, State
from runs.models import Checkpoint, Run


@retry_transient
def restore_state(
    run_id: uuid.UUID, *, cursor: Mapping[str, Any], sequence: int, input_text: str, has_workflow: bool
) -> State:
    """Return where the run is; at most one query, and none for a run that has not begun."""
    if not cursor:
        return State.begin(input_text, has_workflow=has_workflow)
    sources = State.sources(cursor)
    texts = {RUN_INPUT: input_text} if RUN_INPUT in sources else {}
    if missing := sources - texts.keys():
        recorded = Checkpoint.objects.filter(run_id=run_id, sequence__in=missing)
        texts |= {number: text or "" for number, text in recorded.values_list("sequence", "output_text")}
    return State.restore(cursor, sequence=sequence, texts=texts)


def askers_of(run: Run) -> set[str]:
    """Return who had a schedule start the run, or wrote it, and who forked the run or that one, by the checkpoints."""
    beginnings = Checkpoint.objects.filter(run=run, type__in=(RecordType.RUN_STARTED, RecordType.REPLAY_CONTEXT))
    notes = list(beginnings.values_list("details", flat=True))
    named = [note.get("triggered_by") for note in notes] + [(note.get("forked_from") or {}).get("by") for note in notes]
    return {*filter(None, named), *(name for note in notes for name in note.get("scheduled_by", ()))}
