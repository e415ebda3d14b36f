"""What a batch of pruning is, whatever it is that goes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from runs.models import RetentionMark


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a batch did: ``pruned`` counts records of its kind, and ``goes_on`` says that another may do more at once.

    ``is_done`` says that nothing was left that is past the window. What is left else is for the next round.
    """

    pruned: int = 0
    goes_on: bool = False
    is_done: bool = False

    @classmethod
    def of(cls, pruned: int, found: Sequence[object], at_most: int) -> Self:
        """Return the batch that ``pruned`` so many of what it ``found``: if it could do nothing, no other can now."""
        is_full = len(found) >= at_most
        return cls(pruned=pruned, goes_on=is_full and pruned > 0, is_done=not is_full and pruned >= len(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What is past the window lies ``before``; a batch takes up to ``at_most`` of it.

    ``runs_before`` is the end of the window of whole runs, if they have one: these go with everything.
    """

    before: datetime
    at_most: int
    runs_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How records of one kind are counted and pruned. ``prune`` is called in a transaction that holds the mark.

    ``is_tallied``: they may go once they are in the tallies.
    """

    count: Callable[[Limit], int]
    prune: Callable[[Limit, RetentionMark], Batch]
    is_tallied: bool = False
