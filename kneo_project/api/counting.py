"""How many rows there are: exact as far as somebody pages, and remembered for a while where counting takes long."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, cast

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

# A caller reaches no row beyond this one by an offset.
COUNTED_EACH_TIME = 10_000
# How old a larger count may be: it takes longer than the page it stands beside.
REMEMBERED_SECONDS = 10


def count_of(rows: QuerySet[Any]) -> int:
    """Return the number of ``rows``; above ``COUNTED_EACH_TIME`` it may be ``REMEMBERED_SECONDS`` old."""
    return remembered(rows, rows.count, size=int)


def remembered[T](rows: QuerySet[Any], count: Callable[[], T], *, size: Callable[[T], int]) -> T:
    """Return what ``count`` says of ``rows``, or said lately if their number, its ``size``, was large."""
    try:
        sql, parameters = rows.order_by().query.sql_with_params()
    except EmptyResultSet:  # there can be none, so that there is nothing to ask
        return count()
    name = f"count:{sha256(f'{sql} {parameters!r}'.encode()).hexdigest()}"
    counted = cast("T | None", cache.get(name))
    if counted is None:
        counted = count()
        if size(counted) > COUNTED_EACH_TIME:
            cache.set(name, counted, REMEMBERED_SECONDS)
    return counted
