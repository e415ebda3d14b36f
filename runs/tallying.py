"""Adding to tallies: many rows by a few statements, in the transaction of the only one who writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from runs.models import Tally
from runs.sums import TOKENS, Sum, merged

ADDED = ("count", "seconds", "buckets", *TOKENS)
# A statement of PostgreSQL has at most 65,535 parameters.
ROWS_AT_ONCE = 2_000


def add_to_tallies(rows: QuerySet[Any], named_by: Sequence[str], sums: Mapping[tuple[Any, ...], Sum]) -> None:
    """Add each of ``sums`` to its row, which is made if there is none.

    Arguments:
        rows: the tallies of one model, at least those that ``sums`` are added to.
        named_by: the columns that tell the tallies of the model apart.
        sums: by the values of these columns, what is added.
    """
    known = {tuple(getattr(tally, name) for name in named_by): tally for tally in rows}
    rows.bulk_create(
        [
            _added(known.get(key) or rows.model(**dict(zip(named_by, key, strict=True))), some)
            for key, some in sums.items()
        ],
        batch_size=ROWS_AT_ONCE,
        update_conflicts=True,
        unique_fields=list(named_by),
        update_fields=list(ADDED),
    )


def _added(tally: Tally, some: Sum) -> Tally:
    tally.pk = None  # a row of that name is updated, whatever its number
    tally.count += some.count
    tally.seconds += some.seconds
    tally.buckets = merged(tally.buckets, some.buckets) if tally.buckets else some.buckets
    for name in TOKENS:
        setattr(tally, name, getattr(tally, name) + some.tokens[name])
    return tally
