"""How many tokens were used, as far as providers say so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

INPUT_KEYS = ("input_tokens", "prompt_tokens")
OUTPUT_KEYS = ("output_tokens", "completion_tokens")
TOTAL_KEYS = ("total_tokens",)
# No call uses as many; what says so is no count, and no database could add it up.
MOST_TOKENS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one model call, or of several added up, and what they cost in billionths of the currency's unit."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost_nanos: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            total_tokens=self.total_tokens + other.total_tokens,
            cost_nanos=self.cost_nanos + other.cost_nanos,
        )


def usage_of(reported: object) -> Usage | None:
    """Return what a provider reported; None when no count in it can be trusted, which is not the same as zero."""
    if not isinstance(reported, Mapping):
        return None
    counts = [_first(reported, keys) for keys in (INPUT_KEYS, OUTPUT_KEYS, TOTAL_KEYS)]
    if counts == [None, None, None]:
        return None
    spent, produced, total = counts
    spent, produced = spent or 0, produced or 0
    return Usage(input_tokens=spent, output_tokens=produced, total_tokens=spent + produced if total is None else total)


def _first(reported: Mapping[object, object], keys: tuple[str, ...]) -> int | None:
    counts = (count(reported.get(key)) for key in keys)
    return next((count for count in counts if count is not None), None)


def count(value: object) -> int | None:
    """Return ``value`` if it is a number of tokens that can be trusted."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if 0 <= value <= MOST_TOKENS else None
