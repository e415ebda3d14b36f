"""A change of a run as a value, so that the two ways of writing it (ORM, one PostgreSQL statement) cannot differ."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from runs.engine.lifecycle import Status
from runs.engine.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One guarded write of one run: applied whole or not at all.

    It applies only while the run's status is one of ``sources`` and, unless they are None, its fence is
    ``fence``, its lease is ``owner_id``'s and its last checkpoint is ``sequence``.
    ``keeps_lease`` is the owner's ordinary commit; every other change takes the lease away and raises the fence, so
    that whoever held it can write no more. ``wake_at`` is when somebody must look at the run again; None is never.
    """

    run_id: uuid.UUID
    sources: frozenset[Status]
    progress: Progress
    at: datetime
    fence: int | None = None
    owner_id: str | None = None
    sequence: int | None = None
    keeps_lease: bool = False
    wake_at: datetime | None = None
