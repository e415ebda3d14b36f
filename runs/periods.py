"""The stretches of time that the first page shows, each cut into slots that begin at round moments. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The last ``slots`` slots of ``slot`` each, the one that is under way included. ``label`` is what people say."""

    word: str
    label: str
    slot: timedelta
    slots: int

    @property
    def slot_seconds(self) -> int:
        """The length of a slot."""
        return int(self.slot.total_seconds())

    def slot_of(self, at: datetime) -> datetime:
        """Return when the slot began that ``at`` is in."""
        return at - (at - EPOCH) % self.slot

    def begins_at(self, now: datetime) -> datetime:
        """Return when the first slot of the period began that ends ``now``."""
        return self.slot_of(now) - (self.slots - 1) * self.slot

    def moments(self, now: datetime) -> list[datetime]:
        """Return when each slot began, the oldest first."""
        first = self.begins_at(now)
        return [first + number * self.slot for number in range(self.slots)]

    def filled[V](self, known: Mapping[datetime, V], now: datetime, nothing: V) -> list[V]:
        """Return a value for each slot: the ``known`` one, else ``nothing``."""
        return [known.get(at, nothing) for at in self.moments(now)]


PERIODS = (
    Period(word="hour", label="last hour", slot=timedelta(minutes=1), slots=60),
    Period(word="day", label="last day", slot=timedelta(minutes=30), slots=48),
    Period(word="week", label="last week", slot=timedelta(hours=3), slots=56),
)
