"""Puts numbered things that arrive out of order into order: the number of a row is given out before it is visible."""

from collections.abc import Iterable
from typing import Protocol

PATIENCE_SECONDS = 2.0
FORGOTTEN_AFTER_SECONDS = 60.0
MOST_MISSED = 1_000


class Numbered(Protocol):
    """Something with a number of its own."""

    @property
    def number(self) -> int:
        """The number; there are gaps, which are filled soon, late or never."""


class Gapless[T: Numbered]:
    """Holds back what comes after a gap, until the gap is filled or most likely will not be: its writer gave up.

    What turns up later than that goes out late, and is not lost.
    """

    def __init__(self, position: int) -> None:
        self.position = position
        self._held: dict[int, T] = {}
        self._gap_since: float | None = None
        self._missed: dict[int, float] = {}

    @property
    def missed(self) -> tuple[int, ...]:
        """The numbers below ``position`` that may still turn up."""
        return tuple(self._missed)

    @property
    def is_waiting(self) -> bool:
        """Whether something is held back."""
        return bool(self._held)

    def take(self, items: Iterable[T], now: float) -> list[T]:
        """Return what may go out now that ``items`` were seen at the time ``now`` (in seconds), in order."""
        seen = {item.number: item for item in items}
        late = [seen[number] for number in self._missed if number in seen]
        self._missed = {
            number: at
            for number, at in self._missed.items()
            if number not in seen and now - at < FORGOTTEN_AFTER_SECONDS
        }
        self._held |= {number: item for number, item in seen.items() if number > self.position}
        return late + self._released(now)

    def _released(self, now: float) -> list[T]:
        ready: list[T] = []
        while self._held:
            following = self._held.pop(self.position + 1, None)
            if following is not None:
                ready.append(following)
                self.position, self._gap_since = following.number, None
            elif self._gap_since is None or now - self._gap_since < PATIENCE_SECONDS:
                self._gap_since = now if self._gap_since is None else self._gap_since
                break
            else:
                self._pass_gap(now)
        return ready

    def _pass_gap(self, now: float) -> None:
        end = min(self._held)
        gap = range(self.position + 1, end)
        self._missed |= dict.fromkeys(gap[:MOST_MISSED], now)
        self.position = end - 1
