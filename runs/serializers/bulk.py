"""What a caller sends to do something to many runs, and what it is told."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from kneo_project.api.answers import ListSerializer, MomentField
from kneo_project.api.serializers import FlagField, JsonObjectField, StrictSerializer, WordField
from kneo_project.errors import Problem, RequestInvalid
from runs.inspection.matching import RUN_FILTERS, asked_in
from runs.models import BulkAction, BulkOperation
from runs.serializers.requests import CountField

MOST_AT_ONCE = 500


class BulkRequestSerializer(StrictSerializer):
    """What to do to which runs."""

    action = WordField(choices=list(BulkAction))
    filter = JsonObjectField(
        limit="MAX_METADATA_BYTES",
        help_text="The filters of `GET /runs` by name; at least one. Lists are for those that may be repeated.",
    )
    dry_run = FlagField(default=False, help_text="Only count the runs that are meant.")
    batch_size = CountField(default=50, help_text=f"Runs at a time, at most {MOST_AT_ONCE}; a batch every few seconds.")


class BulkSerializer(serializers.Serializer[BulkOperation]):
    """Work on many runs."""

    bulk_id = serializers.CharField(source="pk")
    action = serializers.CharField()
    filter = serializers.DictField()
    status = serializers.CharField(help_text="running, completed or cancelled.")
    matched = serializers.IntegerField(help_text="Runs that were meant when it was ordered.")
    done = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="Runs that did not allow it.")
    refusals = serializers.ListField(child=serializers.DictField(), help_text="Why, for the first of them.")
    batch_size = serializers.IntegerField()
    created_by = serializers.CharField()
    created_at = MomentField()
    completed_at = MomentField(allow_null=True)


class BulkListSerializer(ListSerializer):
    """A page of such work."""

    operations = BulkSerializer(many=True)


class BulkCountSerializer(serializers.Serializer[Any]):
    """How many runs would be meant."""

    action = serializers.CharField()
    filter = serializers.DictField()
    matched = serializers.IntegerField()


def wanted_in(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the texts of the filters in a validated ``body``, by name.

    Raises:
        RequestInvalid: there is none, one is not known, or one says nothing.
        InvalidTimestamp: one is no timestamp.
    """
    given: Mapping[str, Any] = body["filter"]
    problems = [
        Problem(type="extra_forbidden", loc=("body", "filter", name[:100]), msg="There is no such filter of runs")
        for name in given
        if name not in RUN_FILTERS
    ]
    if not given:
        problems = [
            Problem(type="missing", loc=("body", "filter"), msg="Say which runs are meant by one filter at least")
        ]
    if body["batch_size"] > MOST_AT_ONCE:
        limit = f"Input should be less than or equal to {MOST_AT_ONCE}"
        problems.append(Problem(type="less_than_equal", loc=("body", "batch_size"), msg=limit))
    if problems:
        raise RequestInvalid(problems)
    wanted = {name: _texts(name, value) for name, value in given.items()}
    try:
        asked = asked_in(wanted)
    except RequestInvalid as error:
        moved = [
            Problem(type=each.type, loc=("body", "filter", *each.loc[1:]), msg=each.msg) for each in error.problems
        ]
        raise RequestInvalid(moved) from None
    # A list goes without an empty filter; an order that did would mean every run.
    if empty := [name for name, texts in wanted.items() if not texts or name not in asked]:
        message = "Say what it should be: an empty filter leaves no run out"
        raise RequestInvalid([Problem(type="missing", loc=("body", "filter", name), msg=message) for name in empty])
    return wanted


def _texts(name: str, value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int | float) for each in values):
        raise RequestInvalid(
            [Problem(type="string_type", loc=("body", "filter", name), msg="Input should be text, or a list of texts")]
        )
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
