"""What tokens of a model cost, as an operator writes it: ``gpt-4o-mini=0.15/0.6`` for a million in and a million out.

Money is counted in billionths of a unit, as whole numbers: sums of many small amounts stay exact.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

NANOS = 1_000_000_000
_PER_TOKEN = 1000  # billionths for a token, of a unit for a million of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a token of the models called ``pattern`` (``*`` stands for anything) costs, in units for a million."""

    pattern: str
    input: float
    output: float

    def nanos(self, *, input_tokens: int, output_tokens: int) -> int:
        """Return what so many tokens cost, in billionths of a unit."""
        return round((input_tokens * self.input + output_tokens * self.output) * _PER_TOKEN)


def read_prices(words: Iterable[str]) -> tuple[Price, ...]:
    """Return the prices that ``words`` say, each as ``model=in/out``.

    Raises:
        ValueError: one says something else.
    """
    return tuple(_read(word) for word in words)


def price_of(model: str, prices: Iterable[Price]) -> Price | None:
    """Return the first of ``prices`` for ``model``, or None."""
    return next((price for price in prices if fnmatchcase(model, price.pattern)), None)


def _read(word: str) -> Price:
    pattern, _, amounts = word.rpartition("=")
    spent, _, produced = amounts.partition("/")
    try:
        price = Price(pattern=pattern.strip(), input=float(spent), output=float(produced))
    except ValueError:
        raise ValueError(f"{word!r} is not of the form model=in/out, such as gpt-4o-mini=0.15/0.6") from None
    if not price.pattern or not all(math.isfinite(each) and each >= 0 for each in (price.input, price.output)):
        raise ValueError(f"{word!r} has no model, or a price that is none")
    return price
