"""Texts of a history: made up, always the same, and as uneven in their words as language is."""

import random
from itertools import accumulate, product

SEED = 7
WORDS = 2_000
SHORTEST, LONGEST = 30, 200
_SYLLABLES = tuple("".join(each) for each in product("bdfgklmnprstv", "aeiou"))


def texts(count: int) -> list[str]:
    """Return ``count`` different texts of a few hundred to more than a thousand characters."""
    chance = random.Random(SEED)
    words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(WORDS)]
    # The n-th word occurs a n-th as often as the first.
    weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
    return [
        " ".join(chance.choices(words, cum_weights=weights, k=chance.randint(SHORTEST, LONGEST))) for _ in range(count)
    ]
