"""What an operator asks first, as filters of the list of runs."""

from collections.abc import Mapping
from typing import Any

from kneo_project.site.filters import Narrowing, NeedsAttention
from runs.inspection import attention


class RunAttention(NeedsAttention):
    """The runs that somebody should look at."""

    def narrowings(self) -> Mapping[str, tuple[str, Narrowing[Any]]]:
        """Return the narrowings of the list of runs."""
        return {
            "stuck": ("Stuck: their worker is gone", attention.stuck),
            "queued": ("Queued: due, not picked up", attention.queued),
            "waiting": ("Waiting: due for more than a minute", attention.waiting_too_long),
            "overdue_task": ("Blocked by an overdue task", attention.blocked_by_overdue_task),
            "failed": ("Failed in the last day", attention.failed_lately),
        }
