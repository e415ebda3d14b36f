"""What is added to a tally: how often something happened, how long it took by bounds, and the tokens it cost. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

BOUNDS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400, 604_800)
TOKENS = ("input_tokens", "output_tokens", "total_tokens", "cost_nanos")


def no_buckets() -> list[int]:
    """Return the counts of nothing: one for each bound, and one for what is longer than all of them."""
    return [0] * (len(BOUNDS_SECONDS) + 1)


@dataclass(slots=True)
class Sum:
    """What is added to a tally."""

    count: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=no_buckets)
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOKENS, 0))

    def add(self, length: timedelta | None, usage: Mapping[str, Any] | None = None) -> None:
        """Count once more, with its ``length`` and its ``usage`` where they are known."""
        self.count += 1
        if length is not None:
            seconds = max(length.total_seconds(), 0.0)
            self.seconds += seconds
            self.buckets[sum(bound < seconds for bound in BOUNDS_SECONDS)] += 1
        for name, count in (usage or {}).items():
            self.tokens[name] += int(count)

    def merge(self, other: Self) -> None:
        """Add what was added to ``other``."""
        self.count += other.count
        self.seconds += other.seconds
        self.buckets = merged(self.buckets, other.buckets)
        self.tokens = {name: count + other.tokens[name] for name, count in self.tokens.items()}


def merged(some: list[int], others: list[int]) -> list[int]:
    """Return two histograms as one."""
    return [mine + theirs for mine, theirs in zip(some, others, strict=True)]
