"""The journal of a step in the database, kept under its lease."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import Error, connection, transaction
from django.utils import timezone

from kneo_project.strict_json import storable
from kneo_project.transient import is_away, retry_transient
from runs.agents.errors import StepInterrupted
from runs.agents.journal import Journal
from runs.engine.actions import Work
from runs.leases import Lease
from runs.models import JournalEntry, Run


def journal_of(lease: Lease, action: Work) -> Journal:
    """Return the journal of ``action``. Nothing is read or written before somebody asks it."""
    place = _Place(run_id=lease.run_id, path=action.path, iteration=action.iteration, attempt=action.attempt)
    return Journal(lambda: _load(place), lambda key, value: _keep(place, lease, key, storable(value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Which attempt of which visit of which step of which run is meant."""

    run_id: uuid.UUID
    path: str
    iteration: int
    attempt: int

    def fields(self) -> dict[str, Any]:
        """Return the columns that name it."""
        return {"run_id": self.run_id, "path": self.path, "iteration": self.iteration, "attempt": self.attempt}


def _load(place: _Place) -> dict[str, Any]:
    return _asking(lambda: _entries(place))


def _asking[R](ask: Callable[[], R]) -> R:
    """Return what ``ask`` returns. Each call has a thread of its own, and so a connection.

    Raises:
        StepInterrupted: the database cannot be used now. That is no failure of the step: it is done again from its
            journal.
    """
    try:
        return ask()
    except Error as error:
        if is_away(error):
            raise StepInterrupted("The step was stopped: the database cannot be used.") from error
        raise
    finally:
        connection.close()


@retry_transient
def _entries(place: _Place) -> dict[str, Any]:
    return dict(JournalEntry.objects.filter(**place.fields(), spent=False).values_list("key", "value"))


def _keep(place: _Place, lease: Lease, key: str, value: object) -> None:
    _asking(lambda: _write(place, lease, key, value))


@retry_transient
def _write(place: _Place, lease: Lease, key: str, value: object) -> None:
    """Write the entry, or replace the one that said that the call had begun.

    Raises:
        StepInterrupted: the lease is lost, so what was done here no longer counts.
    """
    held = Run.objects.select_for_update().filter(pk=lease.run_id, fence=lease.fence, lease_owner=lease.owner_id)
    with transaction.atomic():
        if not held.values_list("pk", flat=True).first():
            raise StepInterrupted("The step was stopped: its lease is lost.")
        entry = JournalEntry.objects.filter(**place.fields(), key=key, spent=False)
        if not entry.update(value=value, at=timezone.now()):
            JournalEntry.objects.create(**place.fields(), key=key, value=value, at=timezone.now())
