"""Making, changing, pausing and ending schedules."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from kneo_project.audit.services import record
from kneo_project.errors import Problem, RequestInvalid
from kneo_project.transient import retry_transient
from runs.errors import ScheduleExists, ScheduleNotFound
from runs.models import Schedule
from runs.schedules.timetable import Timetable, timetable
from specs.services import FrozenSpec, SpecSource, freeze, store

WHEN = frozenset({"cron", "time_zone"})


def timetable_of(schedule: Schedule) -> Timetable:
    """Return when runs of ``schedule`` are due."""
    return timetable(schedule.cron, schedule.time_zone)


def find_schedule(name: str, *, for_update: bool = False) -> Schedule:
    """Return the schedule; ``for_update`` lets nobody change it before the caller's transaction ends.

    Raises ScheduleNotFound.
    """
    schedules = Schedule.objects.filter(name=name)
    schedule = (schedules.select_for_update() if for_update else schedules).first()
    if schedule is None:
        raise ScheduleNotFound(name=name)
    return schedule


@retry_transient
def create_schedule(name: str, source: SpecSource, fields: Mapping[str, Any], *, actor: str) -> Schedule:
    """Start runs by the clock from now on. The spec is frozen: what becomes of its files later changes nothing.

    Arguments:
        name: what it is called, from now on.
        source: where the spec comes from.
        fields: further columns of ``Schedule``, validated one by one.
        actor: who makes it.

    Raises:
        RequestInvalid: the cron expression or the time zone is none.
        ScheduleExists: there is one of that name.
        KneoError: the spec cannot be run, as when a run is started.
    """
    frozen = _freeze(source)
    schedule = Schedule(name=name, created_by=actor, **fields, **_columns(source, frozen))
    table = _read(schedule)
    schedule.next_at = None if schedule.is_paused else table.next_after(timezone.now())
    with transaction.atomic():
        if Schedule.objects.filter(name=name).exists():
            raise ScheduleExists(name=name)
        store(frozen)
        try:
            with transaction.atomic():
                schedule.save(force_insert=True)
        except IntegrityError:
            raise ScheduleExists(name=name) from None
        record("schedule.created", actor=actor, metadata=_facts(schedule))
    return schedule


@retry_transient
def update_schedule(name: str, source: SpecSource | None, fields: Mapping[str, Any], *, actor: str) -> Schedule:
    """Change the ``fields`` that are named, and the spec if ``source`` names another.

    A moment that was due and waits keeps waiting. Raises ScheduleNotFound, and what ``create_schedule`` raises.
    """
    frozen = None if source is None else _freeze(source)
    columns = {**fields, **(_columns(source, frozen) if source and frozen else {})}
    with transaction.atomic():
        schedule = find_schedule(name, for_update=True)
        for column, value in columns.items():
            setattr(schedule, column, value)
        table = _read(schedule)
        if frozen is not None:
            store(frozen)
        if WHEN & fields.keys() and not schedule.is_paused:
            schedule.next_at = table.next_after(timezone.now())
        if fields or frozen is not None:
            changed = sorted([*fields, *(["spec"] if frozen is not None else [])])
            schedule.changed_by = actor
            _save(schedule, timezone.now())
            record("schedule.updated", actor=actor, metadata={**_facts(schedule), "changed": changed})
    return schedule


@retry_transient
def pause_schedule(name: str, *, actor: str) -> Schedule:
    """Start no runs until it is resumed; one that waits for its turn is forgotten. Raises ScheduleNotFound."""
    with transaction.atomic():
        schedule = find_schedule(name, for_update=True)
        if not schedule.is_paused:
            schedule.is_paused, schedule.next_at, schedule.waiting_since = True, None, None
            _save(schedule, timezone.now())
            record("schedule.paused", actor=actor, metadata=_facts(schedule))
    return schedule


@retry_transient
def resume_schedule(name: str, *, actor: str) -> Schedule:
    """Start runs again, from the next moment on: those that passed meanwhile are not made up for.

    Raises ScheduleNotFound.
    """
    with transaction.atomic():
        schedule = find_schedule(name, for_update=True)
        if schedule.is_paused:
            now = timezone.now()
            schedule.is_paused, schedule.next_at = False, timetable_of(schedule).next_after(now)
            _save(schedule, now)
            record("schedule.resumed", actor=actor, metadata=_facts(schedule))
    return schedule


@retry_transient
def delete_schedule(name: str, *, actor: str) -> None:
    """End a schedule; its runs stay. Raises ScheduleNotFound."""
    with transaction.atomic():
        schedule = find_schedule(name, for_update=True)
        facts = _facts(schedule)
        schedule.delete()
        record("schedule.deleted", actor=actor, metadata=facts)


def _read(schedule: Schedule) -> Timetable:
    try:
        return timetable_of(schedule)
    except ValueError as error:
        field = "time_zone" if "time zone" in str(error) else "cron"
        raise RequestInvalid([Problem(type="value_error", loc=("body", field), msg=str(error))]) from None


def _freeze(source: SpecSource) -> FrozenSpec:
    return freeze(source, allowed_functions=settings.FUNCTION_MODULES)


def _columns(source: SpecSource, frozen: FrozenSpec) -> dict[str, Any]:
    """Return the columns that say which spec it is, and where it came from."""
    return {
        "snapshot_id": frozen.digest,
        "spec_path": source.spec_path,
        "overlay_paths": list(source.overlays),
        "environment": frozen.content["environment"],
    }


def _save(schedule: Schedule, at: datetime) -> None:
    schedule.updated_at = at
    schedule.save()


def _facts(schedule: Schedule) -> dict[str, object]:
    return {
        "schedule": schedule.name,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "overlap": schedule.overlap,
        "is_paused": schedule.is_paused,
        "spec_path": schedule.spec_path,
        "spec_digest": schedule.snapshot_id,
        "environment": schedule.environment,
    }
