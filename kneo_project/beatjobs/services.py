"""Noting what the beat's jobs did. Any number of beats may do so: the last one to finish is what is kept."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from kneo_project.beatjobs.models import BeatJob, Outcome

logger = logging.getLogger(__name__)


@contextmanager
def noted(name: str) -> Iterator[None]:
    """Note an execution of the job ``name`` when it has ended; around a task, or as its decorator.

    A note that cannot be written is logged: the job itself matters more. What the job raises goes on its way.
    """
    started_at, began = timezone.now(), time.monotonic()
    outcome = Outcome.FAILED
    try:
        yield
        outcome = Outcome.DONE
    finally:
        _note(name, outcome, started_at, time.monotonic() - began)


def _note(name: str, outcome: Outcome, started_at: datetime, seconds: float) -> None:
    now = timezone.now()
    told: dict[str, Any] = {
        "started_at": started_at,
        "finished_at": now,
        "duration_seconds": seconds,
        "outcome": outcome,
    }
    if outcome is Outcome.DONE:
        told["succeeded_at"] = now
    try:
        # An update alone, but for the first time: it locks one row for one statement.
        if not BeatJob.objects.filter(pk=name).update(**told):
            BeatJob.objects.bulk_create([BeatJob(name=name, **told)], ignore_conflicts=True)
    except DatabaseError:
        logger.exception("What a job of the beat did cannot be noted", extra={"job": name})
