"""Conditions on rows that several lists ask for."""

import uuid

from django.db.models import Q

NOTHING = Q(pk__in=[])


def has_id(column: str, text: str) -> Q:
    """Return the rows whose ``column`` is the id that ``text`` is; a text that is none is the id of nothing."""
    try:
        return Q(**{column: uuid.UUID(text)})
    except ValueError:
        return NOTHING
