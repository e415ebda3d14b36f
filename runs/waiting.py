"""Waiting until a run rests: for the requests that want the outcome rather than a promise of it."""

import threading
import time
import uuid

from django.conf import settings
from django.db import connection

from runs.engine.lifecycle import RESTING
from runs.models import Run

FIRST_LOOK_SECONDS = 0.004
LONGEST_LOOK_SECONDS = 0.1
_places = threading.BoundedSemaphore(settings.MAX_SYNC_WAITS)


def wait_until_rest(run_id: uuid.UUID) -> bool:
    """Return whether the run came to rest (ended, or blocked on a person) within ``SYNC_WAIT_SECONDS``.

    Looks often at first and ever less often, and holds no database connection between two looks. When all places for
    waiting requests are taken it returns at once: the process must stay able to answer.
    """
    if not _places.acquire(blocking=False):
        return is_at_rest(run_id)
    try:
        return _poll(run_id, time.monotonic() + settings.SYNC_WAIT_SECONDS)
    finally:
        _places.release()


def is_at_rest(run_id: uuid.UUID) -> bool:
    """Whether the run has ended or waits for a person."""
    return Run.objects.filter(pk=run_id, status__in=RESTING).exists()


def _poll(run_id: uuid.UUID, until: float) -> bool:
    pause = FIRST_LOOK_SECONDS
    while not is_at_rest(run_id):
        if time.monotonic() >= until:
            return False
        if not connection.in_atomic_block:
            connection.close()
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)
    return True
