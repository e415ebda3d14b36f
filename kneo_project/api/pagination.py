"""The list envelope: what a list route declares, what a caller asked for, and the page that answers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet
from django.http import QueryDict

from kneo_project.api import keyset
from kneo_project.api.counting import COUNTED_EACH_TIME, count_of
from kneo_project.api.query import Parser, Reader, read_query, text, text_or_absent, whole_number, word

WINDOW = COUNTED_EACH_TIME
DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What a caller asked for. ``filters`` holds only the filters that were given."""

    limit: int
    offset: int
    sort_by: str
    sort_order: str
    cursor: str | None = None
    filters: Mapping[str, Any]

    @property
    def is_descending(self) -> bool:
        """Whether the greatest value comes first."""
        return self.sort_order == "desc"

    @property
    def order(self) -> str:
        """The order in words, which a cursor is bound to."""
        return f"{self.sort_by} {self.sort_order}"


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
    filters: Mapping[str, Reader] = field(default_factory=dict)
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
            cursor=values.get("cursor"),
            filters={name: value for name, value in values.items() if name not in _PAGING},
        )

    def page_of[M: Model](self, rows: QuerySet[M], query: ListQuery) -> "Page[M]":
        """Return the page of the (already filtered) ``rows``: counted, sorted and cut in SQL.

        Raises RequestInvalid for a cursor of another list.
        """
        keys = self._sort_keys(rows.model, query)
        ordered = rows.order_by(*(key.ordering for key in keys))
        if query.cursor:
            ordered = ordered.filter(keyset.after(query.cursor, keys, query.order))
        found = list(ordered[query.offset : query.offset + query.limit + 1])
        items = found[: query.limit]
        has_more = len(found) > query.limit
        next_cursor = keyset.cursor_after(items[-1], keys, query.order) if has_more else None
        return Page(items=items, total=count_of(rows), next_cursor=next_cursor)

    def envelope(self, query: ListQuery, page: "Page[Any]", items: Sequence[Any] | None = None) -> dict[str, Any]:
        """Return the answer's body: ``page``, or ``items`` as what is shown of it."""
        shown = page.items if items is None else items
        return {
            self.items_key: list(shown),
            "count": len(shown),
            "total": page.total,
            "window": WINDOW,
            "limit": query.limit,
            "offset": query.offset,
            "sort_by": query.sort_by,
            "sort_order": query.sort_order,
            "next_cursor": page.next_cursor,
        }

    def _sort_keys(self, model: type[Model], query: ListQuery) -> tuple[keyset.SortKey, ...]:
        column = self.sort_columns.get(query.sort_by)
        chosen = () if column is None else (f"-{column}" if query.is_descending else column,)
        return keyset.sort_keys(model, *chosen, *self.store_order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page[T]:
    """The items of one page, how many there are in all, and where the next page begins if there is one."""

    items: list[T]
    total: int
    next_cursor: str | None = None


def page_of_items(items: Sequence[Mapping[str, Any]], query: ListQuery) -> Page[Mapping[str, Any]]:
    """Return the page of the (already filtered) ``items``, sorted by a dotted path into them.

    Numbers come before texts, texts before anything else, missing values last in both directions; equals keep their
    order, and an unknown path leaves everything as it is.

    Raises RequestInvalid for a cursor of another list.
    """
    ranked = [(_lookup(item, query.sort_by), item) for item in items]
    present = [pair for pair in ranked if pair[0] is not None]
    missing = [item for value, item in ranked if value is None]
    present.sort(key=lambda pair: _rank(pair[0]), reverse=query.is_descending)
    ordered = [item for _, item in present] + missing
    start = query.offset + (keyset.offset_of(query.cursor, query.order) if query.cursor else 0)
    end = start + query.limit
    next_cursor = keyset.cursor_at(end, query.order) if end < len(ordered) else None
    return Page(items=ordered[start:end], total=len(ordered), next_cursor=next_cursor)


_PAGING: Mapping[str, Parser] = {
    "limit": whole_number(1, MAX_LIMIT),
    "offset": whole_number(0, WINDOW),
    "sort_by": text,
    "sort_order": word("asc", "desc"),
    "cursor": text_or_absent,
}


def _lookup(item: object, path: str) -> object:
    for key in path.split("."):
        item = item.get(key) if isinstance(item, Mapping) else None
    return item


def _rank(value: object) -> tuple[int, Any]:
    if isinstance(value, bool | int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, str(value))
