"""Which runs a caller means: the filters of the lists of runs, all answered in SQL on indexed columns."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.http import QueryDict

from kneo_project.api.query import Reader, Repeated, flag, read_query, seconds, text, text_or_absent, timestamp
from kneo_project.errors import Problem, RequestInvalid
from runs.engine.lifecycle import Status
from runs.labels import has_label
from runs.models import Run

NOTHING = Q(pk__in=[])


def metadata_pair(name: str, raw: str) -> tuple[str, str]:
    """Return the name and the value in ``name:value``."""
    key, colon, value = raw.partition(":")
    if not key or not colon:
        message = "Input should be name:value, such as team:billing"
        raise RequestInvalid([Problem(type="value_error", loc=("query", name), msg=message)])
    return key, value


RUN_FILTERS: Mapping[str, Reader] = {
    "status": text_or_absent,
    "workflow_kind": text,
    "workflow_name": text,
    "agent_name": text,
    "environment": text,
    "session_id": text,
    "tag": Repeated(parser=text),
    "metadata": Repeated(parser=metadata_pair, pattern="^[^:]+:"),
    "parent_run_id": text_or_absent,
    "has_error": flag,
    "error_type": text,
    "created_after": timestamp,
    "created_before": timestamp,
    "updated_after": timestamp,
    "updated_before": timestamp,
    "started_after": timestamp,
    "started_before": timestamp,
    "completed_after": timestamp,
    "completed_before": timestamp,
    "min_duration_seconds": seconds,
    "max_duration_seconds": seconds,
    "q": text_or_absent,
}


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
        runs = runs.filter(_MEANING[name](value))
    return runs


def counts_by_status(asked: Mapping[str, Any]) -> dict[str, int]:
    """Return how many of the matching runs have each status that callers see, and how many are queued."""
    rows = narrowed(Run.objects.whole(), asked).order_by().values_list("status").annotate(count=Count("*"))
    counts = dict.fromkeys(Status, 0) | {Status(status): count for status, count in rows}
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


def _is_fork_of(run_id: str) -> Q:
    try:
        return Q(parent=uuid.UUID(run_id))
    except ValueError:
        return NOTHING


def _every(conditions: list[Q]) -> Q:
    together = Q()
    for condition in conditions:
        together &= condition
    return together


def _moment(column: str) -> tuple[Callable[[Any], Q], Callable[[Any], Q]]:
    return lambda moment: Q(**{f"{column}__gte": moment}), lambda moment: Q(**{f"{column}__lte": moment})


_created, _updated, _started, _completed = map(_moment, ("created_at", "updated_at", "started_at", "completed_at"))
_MEANING: Mapping[str, Callable[[Any], Q]] = {
    "status": _has_status,
    "workflow_kind": _is_of_kind,
    "workflow_name": lambda name: Q(workflow_name=name),
    "agent_name": lambda name: Q(agent_name=name),
    "environment": lambda name: Q(environment=name),
    "session_id": lambda label: Q(session_id=label),
    "tag": lambda tags: _every([has_label("", tag) for tag in tags]),
    "metadata": lambda pairs: _every([has_label(name, value) for name, value in pairs]),
    "parent_run_id": _is_fork_of,
    "has_error": lambda has: Q(error_type__isnull=not has),
    "error_type": lambda kind: Q(error_type=kind),
    "created_after": _created[0],
    "created_before": _created[1],
    "updated_after": _updated[0],
    "updated_before": _updated[1],
    "started_after": _started[0],
    "started_before": _started[1],
    "completed_after": _completed[0],
    "completed_before": _completed[1],
    "min_duration_seconds": lambda length: Q(completed_at__gte=F("started_at") + length),
    "max_duration_seconds": lambda length: Q(completed_at__lte=F("started_at") + length),
    "q": lambda words: Q(output_text__icontains=words) | Q(error_message__icontains=words),
}
