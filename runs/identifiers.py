"""Ids of runs: UUIDs of version 7 (RFC 9562), which sort by the moment they were made.

So new runs lie together in every index that begins with a run, and a month of runs is a range of ids. Python has them
only from 3.14 on.
"""

import secrets
import time
import uuid
from datetime import UTC, datetime

VERSION, VARIANT = 7 << 76, 0b10 << 62
NANOSECONDS = 1_000_000  # of a millisecond


def new_run_id() -> uuid.UUID:
    """Return an id that no other run has: 48 bits of milliseconds, 12 of their fraction, 62 of chance."""
    milliseconds, nanoseconds = divmod(time.time_ns(), NANOSECONDS)
    fraction = nanoseconds * 4096 // NANOSECONDS
    return uuid.UUID(int=milliseconds << 80 | VERSION | fraction << 64 | VARIANT | secrets.randbits(62))


def made_at(run_id: uuid.UUID) -> datetime:
    """Return when an id of version 7 was made."""
    return datetime.fromtimestamp((run_id.int >> 80) / 1000, UTC)


def first_id_at(moment: datetime) -> uuid.UUID:
    """Return the bound between the ids that were made before ``moment`` (to the millisecond) and the others."""
    return uuid.UUID(int=round(moment.timestamp() * 1000) << 80)
