"""An open human task as callers see it: the question, and what its run did before it asked."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import F

from humantasks.models import HumanTask
from runs.inspection.records import records_of, visited
from runs.inspection.transcript import Message, transcript
from runs.models import Checkpoint, TraceEvent

RECENT_EVENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One human task, the telling checkpoints of its run, and the run's latest trace events."""

    task: HumanTask
    records: tuple[Checkpoint, ...]
    trace_events: tuple[TraceEvent, ...] = ()

    # Only graph workflows have nodes, and no workflow has variables.
    current_node_id: ClassVar[None] = None
    visited_nodes: ClassVar[tuple[str, ...]] = ()
    variables: ClassVar[dict[str, Any]] = {}

    @property
    def visited_steps(self) -> list[str]:
        """The steps completed before the question."""
        return visited(self.records)

    @property
    def messages(self) -> list[Message]:
        """The conversation up to the question."""
        return transcript(self.task.run.input_text, self.records)

    @property
    def metadata(self) -> dict[str, str]:
        """Where the workflow waits."""
        return {"step_id": self.task.step_id}


def task_views(tasks: Sequence[HumanTask]) -> list[TaskView]:
    """Return the views of ``tasks``, whose runs are loaded, in two queries however many there are."""
    run_ids = [task.run_id for task in tasks]
    records = records_of(run_ids)
    events: dict[uuid.UUID, list[TraceEvent]] = defaultdict(list)
    recent = TraceEvent.objects.filter(run_id__in=run_ids, number__gt=F("run__trace_count") - RECENT_EVENTS)
    for event in recent.select_related("run").order_by("run_id", "number"):
        events[event.run_id].append(event)
    return [
        TaskView(task=task, records=records.get(task.run_id, ()), trace_events=tuple(events[task.run_id]))
        for task in tasks
    ]
