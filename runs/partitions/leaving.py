"""What is deleted with a run, and what is left to go with its month."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import CASCADE, QuerySet
from django.db.models.deletion import Collector

from runs.partitions.months import span


def outside_of_months[Q: QuerySet[Any]](rows: Q) -> Q:
    """Return those of ``rows``, which name a run each, that no month holds."""
    found = span()
    return rows.exclude(run_id__gte=found[0], run_id__lt=found[1]) if found else rows


def with_run_or_month(
    collector: Collector, field: "models.ForeignKey[Any, Any]", rows: QuerySet[Any], using: str
) -> None:
    """Delete the rows of runs with these, but for those in a month: a whole month is dropped when its runs are gone.

    Where runs of some statuses are kept, months have runs for ever, and rows are deleted with theirs.
    """
    keeps_some = set(settings.RETENTION_RUN_STATUSES) != set(settings.ENDED.split(","))
    CASCADE(collector, field, rows if keeps_some else outside_of_months(rows), using)


with_run_or_month.lazy_sub_objs = True  # type: ignore[attr-defined] # a queryset will do, and reads no row
