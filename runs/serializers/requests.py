"""What a caller sends to start a run."""

import re
from typing import Any, Unpack

from rest_framework import serializers

from kneo_project import queues
from kneo_project.api.serializers import (
    FieldOptions,
    FlagField,
    ItemsField,
    JsonObjectField,
    PathField,
    StrictSerializer,
    StringField,
    WordField,
)
from kneo_project.queues import DEFAULT_QUEUE
from runs.models import Priority, Target
from runs.redriving import ForkRun
from runs.services import StartRun
from specs.serializers import other_source_in, source_in

GREATEST_COUNT = 2**31 - 1
SMALLEST_AMOUNT, GREATEST_AMOUNT = 1e-9, 1e9


class CountField(serializers.IntegerField):
    """A whole number, at least ``least``."""

    default_error_messages = {"int_type": "Input should be a valid integer"}

    def __init__(self, *, least: int = 1, **options: Unpack[FieldOptions]) -> None:
        super().__init__(min_value=least, max_value=GREATEST_COUNT, **options)

    def to_internal_value(self, data: object) -> int:
        """Return ``data`` if it is a whole number, and not one in words or a boolean."""
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("int_type")
        return data


class AmountField(serializers.FloatField):
    """An amount of money, more than none, in units of the currency."""

    default_error_messages = {"float_type": "Input should be a valid number"}

    def __init__(self, **options: Unpack[FieldOptions]) -> None:
        super().__init__(min_value=SMALLEST_AMOUNT, max_value=GREATEST_AMOUNT, **options)

    def to_internal_value(self, data: object) -> float:
        """Return ``data`` if it is a number, and not one in words or a boolean."""
        if not isinstance(data, int | float) or isinstance(data, bool):
            self.fail("float_type")
        return float(data)


class PatternField(StringField):
    """A word of one ``pattern``; ``kind`` is what is told to be wrong about any other."""

    pattern: re.Pattern[str]
    kind: str

    def __init__(self, **options: Unpack[FieldOptions]) -> None:
        super().__init__(limit="MAX_PATH_CHARS", **options)
        self.allow_blank = False

    def to_internal_value(self, data: object) -> str:
        """Return ``data`` if it is such a word."""
        word = super().to_internal_value(data)
        if not self.pattern.fullmatch(word):
            self.fail(self.kind)
        return word


class TagField(PatternField):
    """A word that runs are found by."""

    pattern, kind = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}"), "tag"
    default_error_messages = {"tag": "A tag is 1 to 64 letters and digits; after the first also . _ : / -"}


class QueueField(StringField):
    """The name of a queue that the operator has set up."""

    default_error_messages = {"queue": "There is no such queue. The queues here are: {names}"}

    def __init__(self, **options: Unpack[FieldOptions]) -> None:
        super().__init__(limit="MAX_PATH_CHARS", **options)

    def to_internal_value(self, data: object) -> str:
        """Return ``data`` if it is such a name."""
        name = super().to_internal_value(data)
        if name not in queues.names():
            self.fail("queue", names=", ".join(queues.names()))
        return name


class PriorityField(WordField):
    """Which of the runs that wait in a queue are taken first, in a word."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=[priority.word for priority in Priority], **options)

    def to_internal_value(self, data: object) -> Priority:  # type: ignore[override]  # a row has the number
        """Return the priority that ``data`` is the word for."""
        return Priority[super().to_internal_value(data).upper()]

    def to_representation(self, value: int) -> str:
        """Return the word for ``value``."""
        return Priority(value).word


class SkillsOverlaySerializer(StrictSerializer):
    """Which of the spec's skills a run may use besides, or must not use."""

    add = ItemsField(child=StringField(limit="MAX_PATH_CHARS"), limit=None, default=list)
    disable = ItemsField(child=StringField(limit="MAX_PATH_CHARS"), limit=None, default=list)


class RunCreateRequestSerializer(StrictSerializer):
    """A run to start: a spec, inline or by path, and its input."""

    input = StringField(limit="MAX_INPUT_CHARS")
    spec = JsonObjectField(limit="MAX_INLINE_SPEC_BYTES", allow_null=True, default=None)
    spec_path = PathField(allow_null=True, default=None)
    target = WordField(choices=list(Target), default=Target.WORKFLOW.value)
    environment = StringField(limit="MAX_PATH_CHARS", allow_null=True, default=None)
    overlays = ItemsField(child=PathField(), default=list)
    overrides = JsonObjectField(limit="MAX_OVERRIDES_BYTES", default=dict)
    skills = SkillsOverlaySerializer(allow_null=True, default=None)
    async_mode = FlagField(default=False, help_text="Answer at once with 202 instead of waiting for the outcome.")
    session_id = StringField(limit="MAX_PATH_CHARS", allow_null=True, default=None)
    metadata = JsonObjectField(limit="MAX_METADATA_BYTES", default=dict)
    tags = ItemsField(child=TagField(), default=list, help_text="Words to find the run by: `GET /runs?tag=`.")
    queue = QueueField(default=DEFAULT_QUEUE, help_text="Which workers advance the run: those of this queue.")
    priority = PriorityField(default=Priority.NORMAL, help_text="Which runs of a queue are taken first.")
    timeout_seconds = CountField(allow_null=True, default=None)
    token_budget = CountField(
        allow_null=True, default=None, help_text="Tokens that all model calls of the run may use together."
    )
    cost_budget = AmountField(
        allow_null=True, default=None, help_text="What all model calls of the run may cost together."
    )


class RunForkRequestSerializer(StrictSerializer):
    """Where a fork begins, and what is different in it."""

    checkpoint = CountField(
        allow_null=True, default=None, help_text="The sequence number of a checkpoint. Default: the last one possible."
    )
    input = StringField(
        limit="MAX_INPUT_CHARS", allow_null=True, default=None, help_text="What the next step is given instead."
    )
    spec = JsonObjectField(limit="MAX_INLINE_SPEC_BYTES", allow_null=True, default=None)
    spec_path = PathField(allow_null=True, default=None)
    environment = StringField(limit="MAX_PATH_CHARS", allow_null=True, default=None)
    overlays = ItemsField(child=PathField(), default=list)
    overrides = JsonObjectField(limit="MAX_OVERRIDES_BYTES", default=dict)
    async_mode = FlagField(default=False, help_text="Answer at once with 202 instead of waiting for the outcome.")
    metadata = JsonObjectField(limit="MAX_METADATA_BYTES", default=dict)
    timeout_seconds = CountField(allow_null=True, default=None)


def fork_in(body: dict[str, Any]) -> ForkRun:
    """Return the fork that a validated ``body`` asks for. Raises what ``other_source_in`` raises."""
    return ForkRun(
        checkpoint=body["checkpoint"],
        input_text=body["input"],
        source=other_source_in(body),
        metadata=body["metadata"],
        timeout_seconds=body["timeout_seconds"],
    )


def order_in(body: dict[str, Any], *, event_type: str) -> StartRun:
    """Return the run that a validated ``body`` asks for; ``event_type`` is what the audit log calls it."""
    return StartRun(
        source=source_in(body),
        input_text=body["input"],
        target=Target(body["target"]),
        session_id=body["session_id"],
        metadata=body["metadata"],
        tags=tuple(dict.fromkeys(body["tags"])),
        queue=body["queue"],
        priority=body["priority"],
        timeout_seconds=body["timeout_seconds"],
        token_budget=body["token_budget"],
        cost_budget=body["cost_budget"],
        async_mode=body["async_mode"],
        event_type=event_type,
    )
