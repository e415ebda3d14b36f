"""Did-you-mean."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

LONGEST_WORD = 64
LENGTH_SLACK = 3
MOST_CANDIDATES = 50


def closest(word: object, names: Iterable[str]) -> str | None:
    """Return the one of ``names`` that ``word`` was probably meant to be, or None. Cheap, however many there are."""
    if not isinstance(word, str) or len(word) > LONGEST_WORD:
        return None
    similar = (name for name in names if abs(len(name) - len(word)) <= LENGTH_SLACK)
    return next(iter(get_close_matches(word, list(islice(similar, MOST_CANDIDATES)), n=1)), None)


def did_you_mean(word: object, names: Iterable[str], *, otherwise: str | None = None) -> str | None:
    """Return a suggestion sentence for ``word``, or ``otherwise``."""
    name = closest(word, names)
    return f"Did you mean {name!r}?" if name is not None else otherwise
