"""The jobs of the beat: when each ran last, and whether it should have run again since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kneo_project.beatjobs.models import BeatJob
from kneo_project.celery import app
from runs.models import RetentionMark, StatisticsMark

# So many times may a job be left out, and so long may it be away, before somebody should look.
MISSES, GRACE = 3, timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job, how often it is due (None: not told in seconds), and its last execution (None: there was none)."""

    name: str
    every: timedelta | None
    last: BeatJob | None

    def age(self, now: datetime) -> timedelta | None:
        """Return how long ago it last went well; None where it never did."""
        return now - self.last.succeeded_at if self.last and self.last.succeeded_at else None

    def is_late(self, now: datetime) -> bool:
        """Whether it has not gone well for longer than it should take."""
        if self.every is None:
            return False
        age = self.age(now)
        return age is None or age > max(MISSES * self.every, GRACE)


def jobs_now() -> list[Job]:
    """Return the jobs on the schedule, and those that ran once."""
    schedule: Mapping[str, Mapping[str, object]] = app.conf.beat_schedule
    known = {row.name: row for row in BeatJob.objects.order_by("name")}
    return [
        Job(name=name, every=_every(schedule.get(name, {}).get("schedule")), last=known.get(name))
        for name in [*schedule, *(name for name in known if name not in schedule)]
    ]


def counted_at() -> datetime | None:
    """Return when the tallies were last brought up to date."""
    return StatisticsMark.objects.values_list("settled_at", flat=True).first()


def pruned_at() -> datetime | None:
    """Return when last nothing was left that is past its window; None where nothing has one, or never so far."""
    return RetentionMark.objects.filter(pk=RetentionMark.ROUND).values_list("finished_at", flat=True).first()


def _every(schedule: object) -> timedelta | None:
    if isinstance(schedule, int | float):
        return timedelta(seconds=schedule)
    return schedule if isinstance(schedule, timedelta) else None
