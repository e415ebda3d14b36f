"""The statuses of a run and the ways between them."""

from enum import StrEnum


class Status(StrEnum):
    """Where a run is in its life."""

    CREATED = "created"
    RUNNING = "running"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    EXPIRED = "expired"


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT, Status.EXPIRED})
LIVE = frozenset(Status) - TERMINAL
ACTIVE = frozenset({Status.CREATED, Status.RUNNING})
RESTING = TERMINAL | {Status.BLOCKED}

# Which statuses each status may be reached from. A repeated RUNNING is a further commit of the same leg.
REACHED_FROM: dict[Status, frozenset[Status]] = {
    Status.RUNNING: frozenset({Status.CREATED, Status.RUNNING, Status.BLOCKED}),
    Status.BLOCKED: frozenset({Status.RUNNING}),
    Status.COMPLETED: frozenset({Status.RUNNING, Status.BLOCKED}),
    Status.FAILED: frozenset({Status.CREATED, Status.RUNNING, Status.BLOCKED}),
    Status.CANCELLED: frozenset({Status.CREATED, Status.RUNNING, Status.BLOCKED}),
    Status.TIMED_OUT: frozenset({Status.CREATED, Status.RUNNING, Status.BLOCKED}),
    Status.EXPIRED: frozenset({Status.RUNNING, Status.BLOCKED}),
}
