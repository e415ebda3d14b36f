"""Did-you-mean."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

LONGEST_WORD = 64
LENGTH_SLACK = 3
MOST_CANDIDATES = 50


def closest(word: object, names: Iterable[str]) -> str | None:
    """Return the one of ``names`` that ``word`` was probably meant to be, or None. About a millisecond at most."""
    if not isinstance(word, str) or len(word) > LONGEST_WORD:
        return None
    similar = (name for name in names if abs(len(name) - len(word)) <= LENGTH_SLACK)
    return next(iter(get_close_matches(word, list(islice(similar, MOST_CANDIDATES)), n=1)), None)


def look_alike(word: str, name: str) -> str:
    """Return a sentence about the letter of ``word`` that nobody can tell from one of ``name``, or nothing."""
    odd = next((char for char in word if not char.isascii()), None)
    if odd is None or not name.isascii():
        return ""
    return f" {odd!r} is {unicodedata.name(odd, 'a character without a name')} (U+{ord(odd):04X})."


@dataclass(frozen=True, slots=True)
class Guess:
    """A suggestion still to be looked for: which of ``names`` was meant by ``word``, ``otherwise`` a fixed sentence."""

    word: str
    names: Iterable[str]
    otherwise: str | None = None

    def sentence(self) -> str | None:
        """Look for the name and return the suggestion."""
        name = closest(self.word, self.names)
        return self.otherwise if name is None else f"Did you mean {name!r}?{look_alike(self.word, name)}"


def did_you_mean(word: str, names: Iterable[str], *, otherwise: str | None = None) -> Guess:
    """Return the suggestion to look for what ``word`` was meant to be."""
    return Guess(word, names, otherwise)
