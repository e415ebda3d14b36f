"""The beat does what is due, whatever its clock does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from celery import Celery

from kneo_project.beat import RUN_HERE, SweepingScheduler

HOUR = timedelta(hours=1)


class Beat:
    """A beat with two jobs, under a clock that can be set."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.done: list[str] = []
        app = Celery("beat of a test", set_as_current=False)
        app.now = lambda: self.now  # type: ignore[method-assign]
        for name in ("sweep", "schedules"):
            app.task(name=name, lazy=False, shared=False)(self._job(name))
        app.conf.beat_schedule = {
            name: {"task": name, "schedule": 2.0, "options": {RUN_HERE: True}} for name in ("sweep", "schedules")
        }
        self._scheduler = SweepingScheduler(app)

    def _job(self, name: str) -> Callable[[], None]:
        def job() -> None:
            self.done.append(name)

        return job

    def go_on(self) -> set[str]:
        """Let the beat do what it takes for due; return that."""
        self.done.clear()
        while not self._scheduler.tick():
            pass
        return set(self.done)


def test_a_clock_that_is_set_back_puts_nothing_off() -> None:
    beat = Beat()
    assert beat.go_on() == {"sweep", "schedules"}
    assert beat.go_on() == set()
    beat.now -= HOUR
    assert beat.go_on() == {"sweep", "schedules"}
    assert beat.go_on() == set()


def test_a_clock_that_jumps_ahead_has_everything_done_once() -> None:
    beat = Beat()
    beat.go_on()
    beat.now += HOUR
    assert beat.go_on() == {"sweep", "schedules"}
    assert beat.go_on() == set()
