"""An open human task as callers see it: the question, and what its run did before it asked."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, prefetch_related_objects

from humantasks.agreeing import approvals_of
from humantasks.models import HumanTask
from runs.inspection.records import records_of, visited
from runs.inspection.transcript import Message, transcript
from runs.models import Checkpoint, TraceEvent
from specs.language.plan import Shape

RECENT_EVENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One human task, the telling checkpoints of its run, and the run's latest trace events."""

    task: HumanTask
    records: tuple[Checkpoint, ...]
    trace_events: tuple[TraceEvent, ...] = ()

    @property
    def workflow_kind(self) -> str:
        """The shape of the workflow that waits, in the spelling of this list."""
        return self.task.shape.replace("-", "_")

    @property
    def variables(self) -> dict[str, Any]:
        """The run's variables."""
        kept: dict[str, Any] = self.task.run.cursor.get("variables", {})
        return kept

    @property
    def current_node_id(self) -> str | None:
        """The step that waits, in any shape but a sequence."""
        return None if self.task.shape == Shape.SEQUENTIAL else self.task.step_id

    @property
    def current_step_index(self) -> int | None:
        """Where the question stands in a sequence, from 0."""
        return self.task.step_index if self.task.shape == Shape.SEQUENTIAL else None

    @property
    def visited_nodes(self) -> list[str]:
        """The steps completed before the question, in any shape but a sequence."""
        if self.task.shape == Shape.SEQUENTIAL:
            return []
        return visited(self.records, nodes=self.task.shape == Shape.GRAPH)

    @property
    def visited_steps(self) -> list[str]:
        """The steps completed before the question, in a sequence."""
        return visited(self.records) if self.task.shape == Shape.SEQUENTIAL else []

    @property
    def messages(self) -> list[Message]:
        """The conversation up to the question."""
        return transcript(self.task.run.input_text, self.records)

    @property
    def approvals(self) -> dict[str, Any]:
        """How many people have to agree, and who has."""
        facts = {"needed": self.task.approvals_needed, "exclude_requester": self.task.exclude_requester}
        return {**facts, "given": approvals_of(self.task)}

    @property
    def metadata(self) -> dict[str, str]:
        """Where the workflow waits."""
        match self.task.shape:
            case Shape.SEQUENTIAL:
                return {"step_id": self.task.step_id}
            case Shape.GRAPH:
                return {"node_id": self.task.step_id}
            case _:
                return {"participant_id": self.task.step_id}


def task_views(tasks: Sequence[HumanTask]) -> list[TaskView]:
    """Return the views of ``tasks``, whose runs are loaded, in at most three queries however many there are."""
    prefetch_related_objects([task for task in tasks if task.approvals_needed > 1], "approvals")
    runs = {task.run_id: task.run for task in tasks}
    records = records_of(runs)
    events: dict[uuid.UUID, list[TraceEvent]] = defaultdict(list)
    recent = TraceEvent.objects.filter(run_id__in=runs, number__gt=F("run__trace_count") - RECENT_EVENTS)
    for event in recent.order_by("run_id", "number"):
        event.run = runs[event.run_id]  # a row of its own for each event would cost more than all the rest
        events[event.run_id].append(event)
    return [
        TaskView(task=task, records=records.get(task.run_id, ()), trace_events=tuple(events[task.run_id]))
        for task in tasks
    ]
