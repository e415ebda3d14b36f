"""Rows for tests that need many of them, or need them in a state that takes long to reach."""
# mypy: allow-untyped-calls
# The declarations of factory-boy carry no types.

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from humantasks.models import HumanTask
from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.models import Checkpoint, Run, TraceEvent
from specs.models import SpecSnapshot

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class SnapshotFactory(DjangoModelFactory[SpecSnapshot]):
    """A frozen spec that names nothing to run."""

    digest = Sequence("{:064d}".format)
    content: Any = LazyFunction(
        lambda: {"base": {"version": "v1"}, "overlays": [], "overrides": {}, "environment": None}
    )

    class Meta:
        model = SpecSnapshot


class RunFactory(DjangoModelFactory[Run]):
    """A completed run. Each is a minute younger than the one before."""

    snapshot = SubFactory(SnapshotFactory)
    status = Status.COMPLETED
    agent_name = "root"
    workflow_name = "flow"
    input_text = "hi"
    output_text = "hi>a"
    created_at = Sequence(lambda number: EPOCH + timedelta(minutes=number))
    updated_at = SelfAttribute("created_at")

    class Meta:
        model = Run


class CheckpointFactory(DjangoModelFactory[Checkpoint]):
    """A completed step."""

    run = SubFactory(RunFactory)
    sequence = Sequence(lambda number: number + 1000)  # beyond those that a run has written by itself
    type = RecordType.STEP_COMPLETED
    status = Status.RUNNING
    step_id = LazyAttribute(lambda record: f"step-{record.sequence}")
    path = SelfAttribute("step_id")
    input_text = "hi"
    output_text = "hi>a"
    created_at = LazyFunction(timezone.now)

    class Meta:
        model = Checkpoint


class TraceEventFactory(DjangoModelFactory[TraceEvent]):
    """The start of a workflow."""

    run = SubFactory(RunFactory)
    number = Sequence(lambda number: number + 1000)
    type = "workflow_started"
    at = LazyFunction(timezone.now)
    checkpoint_sequence = 2

    class Meta:
        model = TraceEvent


class HumanTaskFactory(DjangoModelFactory[HumanTask]):
    """An open question of a blocked run."""

    run = SubFactory(RunFactory, status=Status.BLOCKED, output_text=None)
    path = step_id = "human"
    step_index = 1
    workflow_name = "flow"
    shape = "sequential"
    request_type = "approval"
    title = prompt = "Check it"
    on_timeout = "fail"
    on_reject = "continue"
    created_at = Sequence(lambda number: EPOCH + timedelta(minutes=number))

    class Meta:
        model = HumanTask
