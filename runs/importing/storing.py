"""Writes what arrives, in the caller's transaction. Runs and checkpoints are written at rest: nobody has to look."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from humantasks.models import HumanTask, TaskStatus
from kneo_project.audit.models import AuditEvent
from runs import labels
from runs.engine.progress import RecordType
from runs.importing.mapping import Arrival, checkpoint_columns, end_columns, event_columns
from runs.importing.specs import unrecorded
from runs.importing.values import Unreadable, document, list_of
from runs.models import Checkpoint, Run, TraceEvent
from specs.errors import SpecInvalid
from specs.models import SpecSnapshot, StoredPolicy
from specs.services import store_content

ROWS_AT_ONCE = 200
LOCK = 0x6B6E6570


@dataclass(slots=True)
class History:
    """The checkpoints and trace events of an arriving run, numbered as they come, and what of them could not come."""

    of: Arrival
    sequence: int = 0
    trace_count: int = 0
    checkpoints: int = 0
    events: int = 0
    left_out: list[str] = field(default_factory=list)
    _last_type: str = ""
    _seen: set[str] = field(default_factory=set)
    _steps: set[tuple[str, int]] = field(default_factory=set)

    def rows(self, records: Iterable[tuple[int, str]], last: Mapping[str, Any]) -> Iterator[Checkpoint | TraceEvent]:
        """Yield the rows of the checkpoints ``records``, and of the trace events in them and in the run ``last``."""
        for sequence, text in records:
            yield from self._checkpoint(sequence, text)
        yield from self._events(last)
        end = end_columns(self.of)
        if self._last_type != end["type"]:
            self.sequence += 1
            yield Checkpoint(run_id=self.of.id, sequence=self.sequence, **end)

    def _checkpoint(self, sequence: int, text: str) -> Iterator[Checkpoint | TraceEvent]:
        try:
            record = document(text)
        except Unreadable as error:
            self.left_out.append(str(error))
            return
        columns = checkpoint_columns(record, self.of)
        if columns is None:
            self.left_out.append("there is no such kind here")
            return
        if columns["type"] == RecordType.STEP_COMPLETED:
            self._number(columns)
        self.sequence, self._last_type = sequence, columns["type"]
        self.checkpoints += 1
        yield Checkpoint(run_id=self.of.id, sequence=sequence, **columns)
        yield from self._events(record)

    def _number(self, columns: dict[str, Any]) -> None:
        """Let a step be recorded once in each of its iterations."""
        while (columns["path"], columns["iteration"]) in self._steps:
            columns["iteration"] += 1
        self._steps.add((columns["path"], columns["iteration"]))

    def _events(self, record: Mapping[str, Any]) -> Iterator[TraceEvent]:
        """Yield those trace events of the record that no record before it had."""
        for event in list_of(record.get("trace_events")):
            if not isinstance(event, dict) or (known := str(event.get("event_id"))) in self._seen:
                continue
            self._seen.add(known)
            self.trace_count += 1
            if settings.TRACE_MAX_EVENTS and self.trace_count > settings.TRACE_MAX_EVENTS:
                continue
            self.events += 1
            columns = event_columns(event, self.of)
            yield TraceEvent(
                run_id=self.of.id, number=self.trace_count, checkpoint_sequence=max(self.sequence, 1), **columns
            )


@contextmanager
def alone() -> Iterator[None]:
    """Be in a transaction that no other import is in: what is not here yet is taken over once."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # on SQLite, there is one transaction that writes at a time
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield


def runs_here(run_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the runs that are here."""
    return set(Run.objects.filter(pk__in=run_ids).values_list("pk", flat=True))


def events_here(columns: Sequence[Mapping[str, Any]]) -> set[uuid.UUID]:
    """Return the ids of those of the audit events that are here. The index of their moments finds them."""
    moments = [each["created_at"] for each in columns]
    near = AuditEvent.objects.filter(created_at__range=(min(moments), max(moments)))
    return set(near.filter(public_id__in=[each["public_id"] for each in columns]).values_list("public_id", flat=True))


def store_run(arrival: Arrival, history: History, rows: Iterable[Checkpoint | TraceEvent]) -> None:
    """Write a run with its spec, its history, its labels and the question that it waited for."""
    run = Run(id=arrival.id, snapshot=_snapshot(arrival), **arrival.columns)
    run.save(force_insert=True)
    for some in batched(rows, ROWS_AT_ONCE):
        Checkpoint.objects.bulk_create([row for row in some if isinstance(row, Checkpoint)])
        TraceEvent.objects.bulk_create([row for row in some if isinstance(row, TraceEvent)])
    run.sequence, run.trace_count = history.sequence, history.trace_count
    run.save(update_fields=["sequence", "trace_count"])
    labels.label(run)
    if arrival.question is not None:
        task = HumanTask(run=run, status=TaskStatus.CANCELLED, **arrival.question)
        HumanTask.objects.bulk_create([task], ignore_conflicts=True)


def store_events(columns: Iterable[Mapping[str, Any]]) -> None:
    """Write audit events."""
    AuditEvent.objects.bulk_create(AuditEvent(**each) for each in columns)


def store_policy(environment: str, demands: Mapping[str, Any], *, actor: str) -> None:
    """Write the policy of an environment that has none."""
    StoredPolicy.objects.create(environment=environment, demands=demands, changed_by=actor)


def _snapshot(arrival: Arrival) -> SpecSnapshot:
    try:
        return store_content(arrival.content)
    except SpecInvalid:  # such as one that is nested too deep
        return store_content(unrecorded())
