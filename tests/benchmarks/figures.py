"""What was measured, and whether it is good enough. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Sense(StrEnum):
    """On which side of a target a figure should be."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure should reach."""

    sense: Sense
    limit: float

    def is_met_by(self, value: float) -> bool:
        """Whether ``value`` reaches this target."""
        return value >= self.limit if self.sense is Sense.AT_LEAST else value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report: a value in ``unit`` between the lowest and the highest that was seen."""

    name: str
    unit: str
    value: float
    low: float
    high: float
    target: Target | None = None
    note: str = ""

    @classmethod
    def of(
        cls, name: str, unit: str, samples: Sequence[float], *, target: Target | None = None, note: str = ""
    ) -> Self:
        """Return the median of ``samples``, of which there is at least one."""
        middle = statistics.median(samples)
        low, high = min(samples), max(samples)
        return cls(name=name, unit=unit, value=middle, low=low, high=high, target=target, note=note)

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None when there is none."""
        return None if self.target is None else self.target.is_met_by(self.value)


def at_least(limit: float) -> Target:
    """Return the target to reach ``limit`` or more."""
    return Target(sense=Sense.AT_LEAST, limit=limit)


def at_most(limit: float) -> Target:
    """Return the target to stay at ``limit`` or below."""
    return Target(sense=Sense.AT_MOST, limit=limit)
