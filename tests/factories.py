"""Rows for tests that need many of them, or need them in a state that takes long to reach."""

from datetime import UTC, datetime, timedelta
from typing import Any

import factory
from django.utils import timezone

from humantasks.models import HumanTask
from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.models import Checkpoint, Run, TraceEvent
from specs.models import SpecSnapshot

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class SnapshotFactory(factory.django.DjangoModelFactory[SpecSnapshot]):
    """A frozen spec that names nothing to run."""

    digest = factory.Sequence("{:064d}".format)
    content: Any = factory.LazyFunction(
        lambda: {"base": {"version": "v1"}, "overlays": [], "overrides": {}, "environment": None}
    )

    class Meta:
        model = SpecSnapshot


class RunFactory(factory.django.DjangoModelFactory[Run]):
    """A completed run. Each is a minute younger than the one before."""

    snapshot = factory.SubFactory(SnapshotFactory)
    status = Status.COMPLETED
    agent_name = "root"
    workflow_name = "flow"
    input_text = "hi"
    output_text = "hi>a"
    created_at = factory.Sequence(lambda number: EPOCH + timedelta(minutes=number))
    updated_at = factory.SelfAttribute("created_at")

    class Meta:
        model = Run


class CheckpointFactory(factory.django.DjangoModelFactory[Checkpoint]):
    """A completed step."""

    run = factory.SubFactory(RunFactory)
    sequence = factory.Sequence(lambda number: number + 2)
    type = RecordType.STEP_COMPLETED
    status = Status.RUNNING
    step_id = factory.LazyAttribute(lambda record: f"step-{record.sequence}")
    path = factory.SelfAttribute("step_id")
    input_text = "hi"
    output_text = "hi>a"
    created_at = factory.LazyFunction(timezone.now)

    class Meta:
        model = Checkpoint


class TraceEventFactory(factory.django.DjangoModelFactory[TraceEvent]):
    """The start of a workflow."""

    run = factory.SubFactory(RunFactory)
    number = factory.Sequence(lambda number: number + 1)
    type = "workflow_started"
    at = factory.LazyFunction(timezone.now)
    checkpoint_sequence = 2

    class Meta:
        model = TraceEvent


class HumanTaskFactory(factory.django.DjangoModelFactory[HumanTask]):
    """An open question of a blocked run."""

    run = factory.SubFactory(RunFactory, status=Status.BLOCKED, output_text=None)
    path = step_id = "human"
    step_index = 1
    workflow_name = "flow"
    shape = "sequential"
    request_type = "approval"
    title = prompt = "Check it"
    on_timeout = "fail"
    on_reject = "continue"
    created_at = factory.Sequence(lambda number: EPOCH + timedelta(minutes=number))

    class Meta:
        model = HumanTask
