"""A run as callers see it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from humantasks.models import HumanTask
from kneo_project.prices import NANOS
from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.engine.state import position
from runs.errors import RunNotFound
from runs.inspection.records import is_nested, is_node, records_of, visited
from runs.inspection.transcript import Message, transcript
from runs.models import Checkpoint, Run
from specs.models import SpecSnapshot

AWAITING_HUMAN = "Human intervention required."
_STEP_RECORDS = (RecordType.STEP_COMPLETED, RecordType.STEP_FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run with what its rows tell.

    ``records`` are its telling checkpoints in order, ``task`` is the question it waits for, and ``frozen`` is as much
    of its frozen spec as was asked for.
    """

    run: Run
    records: tuple[Checkpoint, ...] = ()
    task: HumanTask | None = None
    frozen: Mapping[str, Any] = field(default_factory=dict)

    # Runs are not tagged.

    @property
    def status(self) -> str:
        """The public status: a run that waits for a worker is running, as far as callers are concerned."""
        return Status.RUNNING if self.is_queued else self.run.status

    @property
    def is_queued(self) -> bool:
        """Whether no worker has taken the run yet."""
        return self.run.status == Status.CREATED

    @property
    def branch_of(self) -> str | None:
        """The run that this one is a branch of."""
        return str(self.run.branch_of.run_id) if self.run.branch_of else None

    @property
    def workflow_kind(self) -> str:
        """Whether the run runs a workflow or the agent alone."""
        return "agent" if self.run.workflow_name is None else "workflow"

    @property
    def current_step_index(self) -> int | None:
        """Where an unfinished workflow run is, from 0."""
        if self.run.workflow_name is None or self.run.is_terminal:
            return None
        return position(self.run.cursor)

    @property
    def steps(self) -> list[Checkpoint]:
        """The records of steps: completed, or failed for good."""
        return [record for record in self.records if record.type in _STEP_RECORDS]

    @property
    def last_step(self) -> Checkpoint | None:
        """The record of the latest step."""
        return self.steps[-1] if self.steps else None

    @property
    def current_step_id(self) -> str | None:
        """The step that was recorded last."""
        return self.last_step.step_id if self.last_step and not is_node(self.last_step) else None

    @property
    def current_node_id(self) -> str | None:
        """The node that was recorded last, in a graph."""
        return self.last_step.step_id if self.last_step and is_node(self.last_step) else None

    @property
    def visited_steps(self) -> list[str]:
        """The completed steps of the run's own workflow, in order."""
        return visited(self.records)

    @property
    def visited_nodes(self) -> list[str]:
        """The completed nodes of the run's own workflow, in order."""
        return visited(self.records, nodes=True)

    @property
    def workflow_type(self) -> str | None:
        """The shape of the run's own workflow, as soon as a step of it is recorded."""
        own = (record for record in self.records if record.step_id and not is_nested(record))
        return next((record.details.get("workflow_type") for record in own), None)

    @property
    def output_text(self) -> str | None:
        """The run's output; until there is one, that of its latest completed step."""
        if self.run.status == Status.BLOCKED:
            return AWAITING_HUMAN
        if self.run.output_text is not None:
            return self.run.output_text
        outputs = [record.output_text for record in self.steps if record.type == RecordType.STEP_COMPLETED]
        return outputs[-1] if outputs else None

    @property
    def answer_text(self) -> str | None:
        """What a caller who waited gets: a cancelled run has no output."""
        return "" if self.run.status == Status.CANCELLED else self.output_text

    @property
    def messages(self) -> list[Message]:
        """The conversation so far."""
        return transcript(self.run.input_text, self.records)

    @property
    def human_intervention_required(self) -> bool:
        """Whether the run waits for a person."""
        return self.run.status == Status.BLOCKED

    @property
    def continuation_id(self) -> str | None:
        """The id of the open human task."""
        return str(self.task.pk) if self.task else None

    @property
    def pending_human_request(self) -> dict[str, Any] | None:
        """The open question."""
        return self.task.as_request() if self.task else None

    @property
    def usage(self) -> dict[str, int] | None:
        """The tokens that the run's agents spent, if any were reported."""
        run = self.run
        if run.total_tokens is None:
            return None
        spent, produced = run.input_tokens or 0, run.output_tokens or 0
        return {"input_tokens": spent, "output_tokens": produced, "total_tokens": run.total_tokens}

    @property
    def cost(self) -> dict[str, Any] | None:
        """What the tokens cost; None when there is no price for them."""
        nanos = self.run.cost_nanos
        return {"amount": nanos / NANOS, "currency": settings.CURRENCY} if nanos else None

    @property
    def error(self) -> dict[str, str] | None:
        """Why the run failed or was ended."""
        if self.run.error_type is None:
            return None
        return {"message": self.run.error_message or "", "type": self.run.error_type}


def known_run(run_id: uuid.UUID) -> Run:
    """Return the run, without its spec. Raises RunNotFound."""
    run = Run.objects.filter(pk=run_id).first()
    if run is None:
        raise RunNotFound(run_id=str(run_id))
    return run


def fresh_view(run: Run) -> RunView:
    """Return the view of a run that was just created, as it was then, whatever happened since."""
    return RunView(run=run, frozen=run.snapshot.content)


def full_view(run: Run) -> RunView:
    """Return the view of ``run`` with its whole frozen spec."""
    return _views([run], {run.pk: run.snapshot.content})[0]


def outcome_view(run_id: uuid.UUID) -> RunView:
    """Return the view of an existing run without its spec."""
    return _views([known_run(run_id)], {})[0]


def list_views(runs: Sequence[Run]) -> list[RunView]:
    """Return the views of ``runs``, with no more of their specs than the overrides."""
    digests = {run.snapshot_id for run in runs}
    rows = SpecSnapshot.objects.filter(pk__in=digests).values_list("pk", "content__overrides")
    overrides = dict(rows)
    return _views(runs, {run.pk: {"overrides": overrides.get(run.snapshot_id)} for run in runs})


def _views(runs: Sequence[Run], frozen: Mapping[uuid.UUID, Mapping[str, Any]]) -> list[RunView]:
    records = records_of([run.pk for run in runs])
    blocked = [run.pk for run in runs if run.status == Status.BLOCKED]
    tasks = {task.run_id: task for task in HumanTask.objects.open().filter(run_id__in=blocked)} if blocked else {}
    return [
        RunView(run=run, records=records.get(run.pk, ()), task=tasks.get(run.pk), frozen=frozen.get(run.pk, {}))
        for run in runs
    ]
