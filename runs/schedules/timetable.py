"""Cron expressions in a time zone: pure, and sure of what happens when the clocks change.

The fields are those of cron: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday). If both days
are given, either makes a day match.

When the clocks go forward, what is due at a time that they skip is due that much later: 02:30 is 03:30. When they go
back, it is due at the first of the two. Only what is due in every hour goes by real time: it is skipped, and repeated.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from celery.schedules import ParseException, crontab_parser

LONGEST_EXPRESSION = 128
# The 29th of February may be eight years away, as 2100 has none.
LONGEST_WAIT_DAYS = 8 * 366 + 1
A_DAY = timedelta(days=1)
_STEP = r"(/[1-9][0-9]*)?"
_NUMBERS = re.compile(rf"(\*|[0-9]+(-[0-9]+)?){_STEP}(,(\*|[0-9]+(-[0-9]+)?){_STEP})*")
_WORD = "([0-9]+|[a-z]{3})"
_WORDS = re.compile(rf"(\*|{_WORD}(-{_WORD})?){_STEP}(,(\*|{_WORD}(-{_WORD})?){_STEP})*")
_MONTHS = frozenset(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
_WEEKDAYS = frozenset(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])
SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """A field of an expression: what it is called, its values, and the words that stand for some."""

    name: str
    first: int
    last: int
    words: frozenset[str] = frozenset()

    def values(self, text: str) -> frozenset[int]:
        """Return the values that ``text`` names. Raises ValueError, whose text is a sentence."""
        lowered = text.lower()
        pattern = _WORDS if self.words else _NUMBERS
        foreign = set(re.findall("[a-z]+", lowered)) - self.words
        if foreign or not pattern.fullmatch(lowered):  # the parser would overlook what follows a range
            raise self._misread(text)
        read = crontab_parser(self.last - self.first + 1, self.first).parse
        try:
            for part in lowered.split(","):
                first, dash, last = part.partition("/")[0].partition("-")
                if dash and min(read(first)) > min(read(last)):  # the parser would go round
                    raise self._misread(text)
            return frozenset(read(lowered))
        except (ParseException, ValueError):
            raise self._misread(text) from None

    def _misread(self, text: str) -> ValueError:
        return ValueError(
            f"The {self.name} of a cron expression is a list of {self.first}-{self.last}, ranges or *, each with an "
            f"optional /step; {text[:40]!r} is not."
        )


_FIELDS = (
    _Field(name="minute", first=0, last=59),
    _Field(name="hour", first=0, last=23),
    _Field(name="day of the month", first=1, last=31),
    _Field(name="month", first=1, last=12, words=_MONTHS),
    _Field(name="day of the week", first=0, last=7, words=_WEEKDAYS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The moments at which something is due. Made by ``timetable``."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime:
        """Return the first due moment that is later than ``moment``, in UTC. Raises ValueError when there is none."""
        return next(self.after(moment))

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the due moments that are later than ``moment``, in UTC. Raises ValueError when there is none."""
        today = moment.astimezone(self.zone).date()
        last = moment
        for day in self._days(today - A_DAY, 1):
            # What is skipped or repeated around midnight may be due among that of the next day, or on it.
            near = sorted({due for each in (day - A_DAY, day, day + A_DAY) for due in self._of_day(each)})
            for due in near:
                if due > last and due.astimezone(self.zone).date() <= day:
                    yield due
                    last = due

    def latest_until(self, moment: datetime, *, since: datetime) -> datetime:
        """Return the last due moment that is not later than ``moment``; ``since`` is one of them."""
        today = moment.astimezone(self.zone).date()
        for day in self._days(today + A_DAY, -1):
            if day < since.astimezone(self.zone).date() - A_DAY:
                break
            near = {due for each in (day, day - A_DAY) for due in self._of_day(each)}
            if past := [due for due in near if since < due <= moment]:
                return max(past)
        return since

    def _days(self, first: date, direction: int) -> Iterator[date]:
        """Yield ``first`` and the days after it, or before it, until years of none match: ValueError."""
        idle = 0
        day = first
        while idle <= LONGEST_WAIT_DAYS:
            idle = 0 if self._matches(day) else idle + 1
            yield day
            try:
                day += direction * A_DAY
            except OverflowError:
                return
        raise ValueError("This cron expression names a day that there never is.")

    def _of_day(self, day: date) -> Iterable[datetime]:
        """Return the moments that are due on ``day`` by the clock on the wall."""
        if not self._matches(day):
            return ()
        return _moments(self, day)

    def _matches(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_date = self.days is None or day.day in self.days
        by_weekday = self.weekdays is None or day.isoweekday() % 7 in self.weekdays
        if self.days is None or self.weekdays is None:
            return by_date and by_weekday
        return by_date or by_weekday


def timetable(expression: str, zone: str) -> Timetable:
    """Return the timetable of a cron ``expression`` in a time ``zone`` such as ``Europe/Vienna``.

    Raises:
        ValueError: the expression is none or never due, or the zone is not known. The text is a sentence.
    """
    if zone not in _zones():
        raise ValueError("The time zone must be UTC or a name such as Europe/Vienna.")
    read = _read(SHORTHANDS.get(expression.strip().lower(), expression), ZoneInfo(zone))
    read.next_after(datetime.now(UTC))
    return read


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _read(expression: str, zone: ZoneInfo) -> Timetable:
    texts = expression.split()
    if len(texts) != len(_FIELDS) or len(expression) > LONGEST_EXPRESSION:
        raise ValueError("A cron expression has five fields: minute, hour, day of the month, month, day of the week.")
    minutes, hours, days, months, weekdays = (field.values(text) for field, text in zip(_FIELDS, texts, strict=True))
    return Timetable(
        minutes=minutes,
        hours=hours,
        days=None if texts[2] == "*" else days,
        months=months,
        weekdays=None if texts[4] == "*" else frozenset(day % 7 for day in weekdays),
        zone=zone,
    )


@lru_cache(maxsize=256)
def _moments(table: Timetable, day: date) -> tuple[datetime, ...]:
    goes_by_real_time = len(table.hours) == 24
    return tuple(
        due
        for hour in sorted(table.hours)
        for minute in sorted(table.minutes)
        for due in _on_wall(datetime.combine(day, time(hour, minute)), table.zone, goes_by_real_time=goes_by_real_time)
    )


def _on_wall(wall: datetime, zone: ZoneInfo, *, goes_by_real_time: bool) -> Iterator[datetime]:
    """Yield the moments at which the clock on the wall shows ``wall``, or would have."""
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    is_skipped = first.astimezone(zone).replace(tzinfo=None) != wall
    if is_skipped and goes_by_real_time:
        return
    yield first
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if goes_by_real_time and second > first:
        yield second
