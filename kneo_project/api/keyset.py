"""Pages that begin after the last item of the page before, however deep: the sort keys of that item are the place.

Unlike an offset, such a place neither moves when rows are added before it nor costs more the deeper it lies.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import F, Field, Model, Q, TextField
from django.db.models.expressions import OrderBy

from kneo_project.api.conditions import NOTHING
from kneo_project.errors import Problem, RequestInvalid
from kneo_project.strict_json import read_json, refuse_unstorable


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """A column to sort by. Rows without a value come last in both directions."""

    column: str
    is_descending: bool
    field: "Field[Any, Any] | None" = None

    @property
    def is_nullable(self) -> bool:
        """Whether rows may lack a value."""
        return self.field is None or bool(self.field.null)

    @property
    def is_text(self) -> bool:
        """Whether values may be anything somebody wrote: they are shown redacted, so no place may tell them."""
        return isinstance(self.field, TextField)

    @property
    def ordering(self) -> str | OrderBy:
        """What ``order_by`` takes. NULLS LAST would keep PostgreSQL from walking a plain index backwards."""
        if not self.is_nullable:
            return f"-{self.column}" if self.is_descending else self.column
        column = F(self.column)
        return column.desc(nulls_last=True) if self.is_descending else column.asc(nulls_last=True)

    def beyond(self, value: object) -> Q:
        """Return the rows that come after those with ``value``."""
        if value is None:
            return NOTHING
        further = Q(**{f"{self.column}__{'lt' if self.is_descending else 'gt'}": value})
        return further | Q(**{f"{self.column}__isnull": True}) if self.is_nullable else further

    def at(self, value: object) -> Q:
        """Return the rows with ``value``."""
        return Q(**{f"{self.column}__isnull": True}) if value is None else Q(**{self.column: value})

    def read(self, value: object) -> object:
        """Return the value that a cursor holds as JSON. Raises ValidationError or OverflowError."""
        read = value if value is None or self.field is None else self.field.to_python(value)
        return read.astimezone(UTC) if isinstance(read, datetime) else read


def sort_keys(model: type[Model], *columns: str) -> tuple[SortKey, ...]:
    """Return the keys for ``columns``, each once; a leading ``-`` is descending."""
    named = {column.lstrip("-"): column.startswith("-") for column in reversed(columns)}
    return tuple(
        SortKey(column=name, is_descending=named[name], field=_field(model, name))
        for name in dict.fromkeys(column.lstrip("-") for column in columns)
    )


def cursor_after(item: Model, keys: Sequence[SortKey], order: str) -> str | None:
    """Return the place after ``item`` in a list sorted by ``keys``; ``order`` is the order in words.

    None when one of the keys is free text.
    """
    if any(key.is_text for key in keys):
        return None
    return _encode([order, *(_value(item, key.column) for key in keys)])


def after(cursor: str, keys: Sequence[SortKey], order: str) -> Q:
    """Return the rows that come after the place ``cursor``.

    Raises:
        RequestInvalid: it is no cursor, or one of a list in another order.
    """
    values = _decode(cursor, order)
    if len(values) != len(keys) or any(key.is_text for key in keys):
        raise not_a_cursor()
    try:
        places = [(key, key.read(value)) for key, value in zip(keys, values, strict=True)]
    except (ValidationError, TypeError, ValueError, OverflowError):
        raise not_a_cursor() from None
    rest = NOTHING
    for key, value in reversed(places):
        rest = key.beyond(value) | (key.at(value) & rest)
    key, value = places[0]
    # Implied by the rest, and a range that an index can begin with.
    return rest & (key.at(value) | key.beyond(value))


def cursor_at(offset: int, order: str) -> str:
    """Return the place after ``offset`` items, in a list that is made anew for each request."""
    return _encode([order, offset])


def offset_of(cursor: str, order: str) -> int:
    """Return how many items come before the place ``cursor``. Raises RequestInvalid."""
    values = _decode(cursor, order)
    if len(values) != 1 or not isinstance(values[0], int) or isinstance(values[0], bool) or values[0] < 0:
        raise not_a_cursor()
    return values[0]


def not_a_cursor() -> RequestInvalid:
    """Return the refusal of a cursor that this list did not give."""
    message = "The cursor must be the next_cursor of an answer of this list with the same sort_by and sort_order"
    return RequestInvalid([Problem(type="value_error", loc=("query", "cursor"), msg=message)])


def _encode(values: list[Any]) -> str:
    text = json.dumps(values, default=_plain, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, order: str) -> list[Any]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = read_json(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
        refuse_unstorable(values)
    except (binascii.Error, ValueError):
        raise not_a_cursor() from None
    if not isinstance(values, list) or not values or values[0] != order:
        raise not_a_cursor()
    return values[1:]


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _value(item: Model, column: str) -> object:
    value: object = item
    for name in column.split("__"):
        value = getattr(value, name)
    return value


def _field(model: type[Model], column: str) -> "Field[Any, Any] | None":
    meta = model._meta  # noqa: SLF001 (documented Model._meta API)
    if column == "pk":
        return meta.pk
    try:
        field = meta.get_field(column)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) else None
