"""Which runs a caller means: the filters of the lists of runs, all answered in SQL on indexed columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.http import QueryDict

from kneo_project.api.conditions import NOTHING, has_id
from kneo_project.api.counting import remembered
from kneo_project.api.query import Reader, Repeated, flag, read_query, seconds, text, text_or_absent, timestamp
from kneo_project.errors import Problem, RequestInvalid
from runs.engine.lifecycle import Status
from runs.labels import has_label
from runs.models import Run


def metadata_pair(name: str, raw: str) -> tuple[str, str]:
    """Return the name and the value in ``name:value``."""
    key, colon, value = raw.partition(":")
    if not key or not colon:
        message = "Input should be name:value, such as team:billing"
        raise RequestInvalid([Problem(type="value_error", loc=("query", name), msg=message)])
    return key, value


def asked_in(wanted: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the values of the filters in ``wanted``: their texts by name, as in a query.

    Raises RequestInvalid or InvalidTimestamp.
    """
    given = QueryDict(mutable=True)
    for name, texts in wanted.items():
        given.setlist(name, texts)
    return read_query(RUN_FILTERS, given)


def matching_runs(asked: Mapping[str, Any]) -> QuerySet[Run]:
    """Return the runs that match every filter in ``asked``, with the status that callers see."""
    queued = When(status=Status.CREATED, then=Value(Status.RUNNING.value))
    return narrowed(Run.objects.whole(), asked).annotate(shown_status=Case(queued, default=F("status")))


def narrowed(runs: QuerySet[Run], asked: Mapping[str, Any]) -> QuerySet[Run]:
    """Return those of ``runs`` that match every filter in ``asked``: values of ``RUN_FILTERS``, by name."""
    for name, value in asked.items():
        runs = runs.filter(_FILTERS[name].means(value))
    return runs


def counts_by_status(asked: Mapping[str, Any]) -> dict[str, int]:
    """Return how many of the matching runs have each status that callers see, and how many are queued."""
    rows = narrowed(Run.objects.whole(), asked).order_by().values_list("status").annotate(count=Count("*"))
    counted = remembered(rows, lambda: dict(rows), size=lambda counts: sum(counts.values()))
    counts = dict.fromkeys(Status, 0) | {Status(status): count for status, count in counted.items()}
    queued = counts.pop(Status.CREATED)
    counts[Status.RUNNING] += queued
    return {**{status.value: count for status, count in counts.items()}, "queued": queued}


def _has_status(status: str) -> Q:
    if status == Status.CREATED:
        return NOTHING
    return Q(status__in=(Status.CREATED, Status.RUNNING)) if status == Status.RUNNING else Q(status=status)


def _is_of_kind(kind: str) -> Q:
    kinds = {"workflow": Q(workflow_name__isnull=False), "agent": Q(workflow_name=None)}
    return kinds.get(kind, NOTHING)


def _every(conditions: list[Q]) -> Q:
    together = Q()
    for condition in conditions:
        together &= condition
    return together


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filter:
    """How a filter is read, and which runs a value of it means."""

    reader: Reader
    means: Callable[[Any], Q]


def _equal(column: str, reader: Reader = text) -> _Filter:
    return _Filter(reader=reader, means=lambda value: Q(**{column: value}))


def _times(moment: str) -> dict[str, _Filter]:
    """Return the filters on when something happened, bounds included."""
    column = f"{moment}_at"
    return {
        f"{moment}_after": _equal(f"{column}__gte", timestamp),
        f"{moment}_before": _equal(f"{column}__lte", timestamp),
    }


def _labels(pairs: list[tuple[str, str]]) -> Q:
    return _every([has_label(name, value) for name, value in pairs])


_FILTERS: Mapping[str, _Filter] = {
    "status": _Filter(reader=text_or_absent, means=_has_status),
    "workflow_kind": _Filter(reader=text, means=_is_of_kind),
    "workflow_name": _equal("workflow_name"),
    "agent_name": _equal("agent_name"),
    "environment": _equal("environment"),
    "session_id": _equal("session_id"),
    "queue": _equal("queue"),
    "tag": _Filter(reader=Repeated(parser=text), means=lambda tags: _labels([("", tag) for tag in tags])),
    "metadata": _Filter(reader=Repeated(parser=metadata_pair, pattern="^[^:]+:"), means=_labels),
    "parent_run_id": _Filter(reader=text_or_absent, means=lambda run_id: has_id("parent", run_id)),
    "has_error": _Filter(reader=flag, means=lambda has: Q(error_type__isnull=not has)),
    "error_type": _equal("error_type"),
    **_times("created"),
    **_times("updated"),
    **_times("started"),
    **_times("completed"),
    "min_duration_seconds": _Filter(reader=seconds, means=lambda least: Q(completed_at__gte=F("started_at") + least)),
    "max_duration_seconds": _Filter(reader=seconds, means=lambda most: Q(completed_at__lte=F("started_at") + most)),
    "q": _Filter(
        reader=text_or_absent,
        means=lambda words: Q(output_text__icontains=words) | Q(error_message__icontains=words),
    ),
}
RUN_FILTERS: Mapping[str, Reader] = {name: each.reader for name, each in _FILTERS.items()}
