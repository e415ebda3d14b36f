"""What a caller sends to have runs started by the clock, and what it is told."""

import re
from typing import Any

from rest_framework import serializers

from kneo_project.api.answers import ListSerializer, MomentField
from kneo_project.api.serializers import FlagField, StringField, WordField
from runs.models import Overlap, Schedule
from runs.serializers.requests import CountField, PatternField, PriorityField, RunCreateRequestSerializer

# What a caller calls a column, and the columns that are called alike.
COLUMNS = {"input": "input_text", "metadata": "caller_metadata"} | {
    name: name
    for name in (
        "cron", "time_zone", "overlap", "misfire_grace_seconds", "is_paused", "target", "session_id", "tags", "queue",
        "priority", "timeout_seconds", "token_budget", "cost_budget",
    )
}  # fmt: skip


class NameField(PatternField):
    """What a schedule is called."""

    pattern, kind = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"), "name"
    default_error_messages = {"name": "A name is 1 to 64 letters and digits; after the first also . _ -"}


class _TimingSerializer(RunCreateRequestSerializer):
    """The order of a run, and when to give it."""

    async_mode = None  # type: ignore[assignment]  # DRF: leaves the inherited field out
    cron = StringField(
        limit="MAX_PATH_CHARS",
        help_text="Minute, hour, day of the month, month, day of the week; or @hourly, @daily, @weekly, @monthly.",
    )
    time_zone = StringField(limit="MAX_PATH_CHARS", default="UTC", help_text="Such as Europe/Vienna.")
    overlap = WordField(
        choices=list(Overlap),
        default=Overlap.SKIP.value,
        help_text="What to do when a run is due and an earlier one has not ended.",
    )
    misfire_grace_seconds = CountField(
        least=0,
        allow_null=True,
        default=None,
        help_text="A moment that is noticed later than this is missed; null starts its run however late.",
    )


class ScheduleRequestSerializer(_TimingSerializer):
    """A schedule to make: the order of its runs, and when they are due."""

    name = NameField(help_text="What it is called; its runs are ordered by schedule:NAME.")
    is_paused = FlagField(default=False)


class ScheduleChangeSerializer(_TimingSerializer):
    """What is to change; what is left out stays. The spec is replaced whole."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields without defaults: nothing changes that is not named."""
        fields = super().get_fields()
        for field in fields.values():
            field.required, field.default = False, serializers.empty
        return fields


class ScheduleSerializer(serializers.Serializer[Schedule]):
    """A schedule."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    cron = serializers.CharField()
    time_zone = serializers.CharField()
    overlap = serializers.ChoiceField(choices=list(Overlap))
    misfire_grace_seconds = serializers.IntegerField(allow_null=True)
    is_paused = serializers.BooleanField()
    next_at = MomentField(allow_null=True, help_text="When a run is due next; null while paused.")
    waiting_since = MomentField(allow_null=True, help_text="The moment whose run waits for its turn, if one does.")
    last_due_at = MomentField(allow_null=True)
    last_outcome = serializers.CharField(allow_null=True, help_text="started, waiting, skipped, missed or refused.")
    last_reason = serializers.CharField(allow_null=True)
    last_run_id = serializers.UUIDField(allow_null=True)
    spec_digest = serializers.CharField(source="snapshot_id", help_text="The SHA-256 of the spec as it was frozen.")
    spec_path = serializers.CharField(allow_null=True)
    environment = serializers.CharField(allow_null=True)
    target = serializers.CharField()
    input = serializers.CharField(source="input_text")
    session_id = serializers.CharField(allow_null=True)
    metadata = serializers.DictField(source="caller_metadata")
    tags = serializers.ListField(child=serializers.CharField())
    queue = serializers.CharField()
    priority = PriorityField(read_only=True)
    timeout_seconds = serializers.IntegerField(allow_null=True)
    token_budget = serializers.IntegerField(allow_null=True)
    cost_budget = serializers.FloatField(allow_null=True)
    created_by = serializers.CharField()
    created_at = MomentField()
    updated_at = MomentField()


class ScheduleListSerializer(ListSerializer):
    """A page of schedules."""

    schedules = ScheduleSerializer(many=True)


def columns_in(body: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that a validated ``body`` gives, but for the spec and the name."""
    columns = {COLUMNS[key]: value for key, value in body.items() if key in COLUMNS}
    if "tags" in columns:
        columns["tags"] = list(dict.fromkeys(columns["tags"]))
    return columns
