"""What a person's question and answer look like on the wire."""

from typing import Any

from rest_framework import serializers

from humantasks.rules import Answer, Decision
from kneo_project.api.serializers import JsonObjectField, StrictSerializer, StringField, WordField
from specs.language.plan import OnTimeout, RequestType


class HumanResumeRequestSerializer(StrictSerializer):
    """An answer to a human task."""

    request_id = StringField(limit="MAX_PATH_CHARS", help_text="The id of the pending request.")
    decision = WordField(choices=list(Decision))
    content = StringField(limit="MAX_HUMAN_CONTENT_CHARS", allow_null=True, default=None)
    selected_option = StringField(limit="MAX_PATH_CHARS", allow_null=True, default=None)
    form = JsonObjectField(
        limit="MAX_METADATA_BYTES", allow_null=True, default=None, help_text="What the form of the request asks for."
    )
    metadata = JsonObjectField(limit="MAX_METADATA_BYTES", default=dict)


class HumanRequestSerializer(serializers.Serializer[Any]):
    """A question put to a person."""

    id = serializers.CharField()
    type = serializers.ChoiceField(choices=list(RequestType))
    title = serializers.CharField()
    prompt = serializers.CharField()
    context = serializers.DictField()  # type: ignore[assignment] # DRF takes declared fields off the class
    options = serializers.ListField(child=serializers.CharField(), allow_null=True)
    default_option = serializers.CharField(allow_null=True)
    requested_by = serializers.CharField(help_text="The step that asks.")
    assignee = serializers.CharField(allow_null=True)
    timeout_seconds = serializers.IntegerField(allow_null=True)
    on_timeout = serializers.ChoiceField(choices=list(OnTimeout))
    metadata = serializers.DictField()
    form = serializers.DictField(required=False, help_text="A JSON Schema of what is to be filled in.")
    escalated_at = serializers.FloatField(required=False, help_text="Seconds since 1970.")
    original_expires_at = serializers.FloatField(required=False, help_text="Seconds since 1970.")


def answer_in(body: dict[str, Any]) -> Answer:
    """Return the answer that a validated ``body`` gives."""
    return Answer(**{**body, "decision": Decision(body["decision"])})
