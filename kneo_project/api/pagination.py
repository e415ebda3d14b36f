"""The list envelope: what a list route declares, what a caller asked for, and the page that answers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Model, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict

from kneo_project.api.query import Parser, read_query, text, whole_number, word

WINDOW = 10_000
DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What a caller asked for. ``filters`` holds only the filters that were given."""

    limit: int
    offset: int
    sort_by: str
    sort_order: str
    filters: Mapping[str, Any]

    @property
    def is_descending(self) -> bool:
        """Whether the greatest value comes first."""
        return self.sort_order == "desc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a list route offers.

    Attributes:
        items_key: the key of the items in the answer, such as ``runs``.
        sort_by: the default sort key.
        sort_order: ``asc`` or ``desc``, the default.
        filters: query parameter -> parser (see ``query``).
        sort_columns: public sort key -> column, of a list that comes from a queryset. Other keys have no effect.
        store_order: the order among equals, of a list that comes from a queryset; ends with a unique column.
    """

    items_key: str
    sort_by: str
    sort_order: str = "asc"
    filters: Mapping[str, Parser] = field(default_factory=dict)
    sort_columns: Mapping[str, str] = field(default_factory=dict)
    store_order: tuple[str, ...] = ("pk",)

    @property
    def query_parameters(self) -> frozenset[str]:
        """Every parameter the route knows."""
        return frozenset(self.filters) | _PAGING.keys()

    def read(self, given: QueryDict) -> ListQuery:
        """Return what a caller asked for.

        Raises:
            RequestInvalid: with every problem found.
            InvalidTimestamp: a filter is no timestamp.
        """
        values = read_query({**self.filters, **_PAGING}, given)
        return ListQuery(
            limit=values.get("limit", DEFAULT_LIMIT),
            offset=values.get("offset", 0),
            sort_by=values.get("sort_by", self.sort_by),
            sort_order=values.get("sort_order", self.sort_order),
            filters={name: value for name, value in values.items() if name not in _PAGING},
        )

    def page_of[M: Model](self, rows: QuerySet[M], query: ListQuery) -> "Page[M]":
        """Return the page of the (already filtered) ``rows``: counted, sorted and cut in SQL."""
        ordered = rows.order_by(*self._ordering(rows.model, query))
        return Page(items=list(ordered[query.offset : query.offset + query.limit]), total=rows.count())

    def envelope(self, query: ListQuery, items: Sequence[Any], total: int) -> dict[str, Any]:
        """Return the answer's body: ``items`` as they are shown, of ``total`` that match."""
        return {
            self.items_key: list(items),
            "count": len(items),
            "total": total,
            "window": WINDOW,
            "limit": query.limit,
            "offset": query.offset,
            "sort_by": query.sort_by,
            "sort_order": query.sort_order,
        }

    def _ordering(self, model: type[Model], query: ListQuery) -> tuple[str | OrderBy, ...]:
        column = self.sort_columns.get(query.sort_by)
        if column is None:
            return self.store_order
        if not _is_nullable(model, column):
            # NULLS LAST would keep PostgreSQL from walking a plain index backwards.
            return (f"-{column}" if query.is_descending else column, *self.store_order)
        by_column = F(column).desc(nulls_last=True) if query.is_descending else F(column).asc(nulls_last=True)
        return (by_column, *self.store_order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page[T]:
    """The items of one page, and how many there are in all."""

    items: list[T]
    total: int


def page_of_items(items: Sequence[Mapping[str, Any]], query: ListQuery) -> Page[Mapping[str, Any]]:
    """Return the page of the (already filtered) ``items``, sorted by a dotted path into them.

    Numbers come before texts, texts before anything else, missing values last in both directions; equals keep their
    order, and an unknown path leaves everything as it is.
    """
    ranked = [(_lookup(item, query.sort_by), item) for item in items]
    present = [pair for pair in ranked if pair[0] is not None]
    missing = [item for value, item in ranked if value is None]
    present.sort(key=lambda pair: _rank(pair[0]), reverse=query.is_descending)
    ordered = [item for _, item in present] + missing
    return Page(items=ordered[query.offset : query.offset + query.limit], total=len(items))


_PAGING: Mapping[str, Parser] = {
    "limit": whole_number(1, MAX_LIMIT),
    "offset": whole_number(0, WINDOW),
    "sort_by": text,
    "sort_order": word("asc", "desc"),
}


def _is_nullable(model: type[Model], column: str) -> bool:
    try:
        return bool(getattr(model._meta.get_field(column), "null", True))  # noqa: SLF001 (documented Model._meta API)
    except FieldDoesNotExist:
        return column != "pk"


def _lookup(item: object, path: str) -> object:
    for key in path.split("."):
        item = item.get(key) if isinstance(item, Mapping) else None
    return item


def _rank(value: object) -> tuple[int, Any]:
    if isinstance(value, bool | int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, str(value))
