"""The beat's scheduler: what must happen on time happens here, and does not wait for a worker or a broker.

A sweep is short and must run even while every worker is busy for an hour and the broker is away; so the process that
knows the time does it. Any number of beats may run: sweeps compare and set, and a loser does nothing.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from django.db import connection

logger = logging.getLogger(__name__)
RUN_HERE = "run_here"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class SweepingScheduler(Scheduler):
    """Runs the entries whose options say ``run_here`` in this process, and sends the others to the workers."""

    def setup_schedule(self) -> None:
        """Have every job done as the beat starts, so that what is due seldom is not put off by each restart."""
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at = LONG_AGO

    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> object:
        """Do, or send, what ``entry`` says."""
        if not (entry.options or {}).get(RUN_HERE):
            return super().apply_async(entry, *args, **kwargs)
        if kwargs.get("advance", True):
            self.reserve(entry)
        try:
            self.app.tasks[str(entry.task)]()
        except Exception:
            logger.exception("Sweep failed; the next one tries again")
        finally:
            connection.close()
        return None
