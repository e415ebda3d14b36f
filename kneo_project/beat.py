"""The beat's scheduler: what must happen on time happens here, and does not wait for a worker or a broker.

A sweep is short and must run even while every worker is busy for an hour and the broker is away; so the process that
knows the time does it. Any number of beats may run: sweeps compare and set, and a loser does nothing.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from django.db import connection

logger = logging.getLogger(__name__)
RUN_HERE = "run_here"
CLOCK_TOLERANCE = timedelta(seconds=1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class SweepingScheduler(Scheduler):
    """Runs the entries whose options say ``run_here`` in this process, and sends the others to the workers."""

    def setup_schedule(self) -> None:
        """Have every job done as the beat starts, so that what is due seldom is not put off by each restart."""
        super().setup_schedule()
        self._let_everything_be_due()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Do what is due. A clock that was set back puts nothing off until it is where it was."""
        now = self.app.now() + CLOCK_TOLERANCE
        if any((entry.last_run_at or LONG_AGO) > now for entry in self.schedule.values()):
            self._let_everything_be_due()
            self._heap = None
        return float(super().tick(*args, **kwargs))

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

    def _let_everything_be_due(self) -> None:
        for entry in self.schedule.values():
            entry.last_run_at = LONG_AGO
