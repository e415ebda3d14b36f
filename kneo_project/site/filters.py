"""Filters that several lists share."""

import uuid
from abc import abstractmethod
from collections.abc import Callable, Mapping
from string import hexdigits
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from kneo_project.site.showing import short_id

FEWEST_DIGITS = 4
ID_DIGITS = 32

type Narrowing[M: Model] = Callable[[QuerySet[M]], QuerySet[M]]


class Chosen(admin.SimpleListFilter):
    """The rows that belong to one other row. Offered only where a link has chosen it: nobody picks one from a million.

    Subclasses name the ``field`` and say how to ``parse`` its value; ValueError leads back to the whole list.
    """

    field: str
    parse: Callable[[str], object] = str

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Return what is chosen, if anything is."""
        chosen = request.GET.get(self.parameter_name or "")
        return [(chosen, short_id(chosen))] if chosen else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that belong to what is chosen."""
        value = self.value()
        if not value:
            return queryset
        try:
            return queryset.filter(**{self.field: type(self).parse(value)})
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error


class OfRun(Chosen):
    """The rows of one run."""

    title = "run"
    parameter_name = "run"
    field = "run_id"
    parse = uuid.UUID


class NeedsAttention(admin.SimpleListFilter):
    """Named narrowings of a list: what an operator asks first. Subclasses return them from ``narrowings``."""

    title = "attention"
    parameter_name = "attention"

    @abstractmethod
    def narrowings(self) -> Mapping[str, tuple[str, Narrowing[Any]]]:
        """Return, by word, a label and what it does to the list."""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Return the words and labels."""
        return [(word, label) for word, (label, _) in self.narrowings().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the chosen rows; an unknown word chooses nothing."""
        chosen = self.narrowings().get(self.value() or "")
        return chosen[1](queryset) if chosen else queryset


def ids_beginning_with[M: Model](rows: QuerySet[M], text: str, *fields: str) -> QuerySet[M] | None:
    """Return the rows one of whose ``fields`` is an id that begins with ``text``; None when no id can.

    Of what ``short_id`` leaves out in the middle nothing is asked. A range of ids, so that an index finds it.
    """
    digits, _, ending = text.strip().replace("-", "").lower().partition("…")
    if not FEWEST_DIGITS <= len(digits) <= ID_DIGITS or not set(digits + ending) <= set(hexdigits):
        return None
    lowest, highest = uuid.UUID(digits.ljust(ID_DIGITS, "0")), uuid.UUID(digits.ljust(ID_DIGITS, "f"))
    matches = Q()
    for field in fields:
        matches |= Q(**{f"{field}__gte": lowest, f"{field}__lte": highest, f"{field}__endswith": ending})
    return rows.filter(matches)
