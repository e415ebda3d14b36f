"""How many orders were refused because too many runs waited. Overload is no time to write a row for each."""

import threading
import time

from django.db.models import F

from runs.models import TotalTally

KIND = "rejected"
WRITTEN_EVERY_SECONDS = 1.0


class Rejections:
    """Counts in this process, and writes now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending = 0
        self._written_at = -WRITTEN_EVERY_SECONDS

    def note(self) -> None:
        """Count one more."""
        with self._lock:
            self._pending += 1
            is_due = time.monotonic() - self._written_at >= WRITTEN_EVERY_SECONDS
        if is_due:
            self.write()

    def write(self) -> None:
        """Add what was counted since the last time to the total."""
        with self._lock:
            number, self._pending, self._written_at = self._pending, 0, time.monotonic()
        if number:
            TotalTally.objects.get_or_create(kind=KIND)
            TotalTally.objects.filter(kind=KIND).update(count=F("count") + number)


rejections = Rejections()
