"""What a rule of the stored data is, and how it is asked for: a query of what breaks it."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import QuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``find`` returns the ids of the rows that break it: as a query, or one by one where no query can tell."""

    code: str
    text: str
    find: Callable[[], "QuerySet[Any, Any] | Iterable[object]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule that ``count`` rows break: the ``ids`` of the first of them."""

    code: str
    text: str
    count: int
    ids: tuple[str, ...]

    def as_document(self) -> dict[str, Any]:
        """Return the breach for programs."""
        return asdict(self)


def breach_of(rule: Rule, at_most: int) -> Breach | None:
    """Return how ``rule`` is broken, with at most so many ids; None when it holds."""
    found = rule.find()
    if isinstance(found, QuerySet):
        ids = list(found[:at_most])
        count = found.count() if len(ids) == at_most else len(ids)
    else:
        ids, count = _first(found, at_most)
    if not count:
        return None
    return Breach(code=rule.code, text=rule.text, count=count, ids=tuple(map(str, ids)))


def _first(found: Iterable[object], at_most: int) -> tuple[list[object], int]:
    ids: list[object] = []
    count = 0
    for each in found:
        count += 1
        if count <= at_most:
            ids.append(each)
    return ids, count
