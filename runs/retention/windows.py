"""For how long records of each kind are kept: what the operator says, else the project's settings, else for ever."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from specs.project import find_project

# In this order: what belongs to runs goes before them, so that what is counted beforehand is what goes.
KINDS = tuple(settings.RETENTION_DAYS)
MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Records of ``kind`` are kept for so many ``days``, says ``origin``; None is for ever."""

    kind: str
    days: int | None = None
    origin: str | None = None

    def begins_at(self, now: datetime) -> datetime | None:
        """Return the moment before which records are past it, if any are."""
        return None if self.days is None else now - timedelta(days=min(self.days, MOST_DAYS))


def windows(kinds: Collection[str] = KINDS) -> list[Window]:
    """Return the windows of ``kinds``. Raises ProjectConfigInvalid or InvalidRequest for settings that say nothing."""
    project = find_project(Path.cwd(), named=settings.PROJECT_CONFIG or None)
    stated = project.config.retention.stated() if project else {}
    found = []
    for kind in (kind for kind in KINDS if kind in kinds):
        days, origin = settings.RETENTION_DAYS[kind], f"KNEO_SERV_RETENTION_{kind.upper()}_DAYS"
        if days is None and project:
            days, origin = stated.get(f"{kind}_days"), str(project.path)
        found.append(Window(kind=kind, days=days, origin=None if days is None else origin))
    return found
