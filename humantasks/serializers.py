"""What a person's question and answer look like on the wire."""

from typing import Any

from rest_framework import serializers

from humantasks.models import AssigneeKind, TaskApproval
from humantasks.rules import Answer, Decision
from kneo_project.api.answers import MomentField
from kneo_project.api.serializers import FlagField, JsonObjectField, StrictSerializer, StringField, WordField
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


class AssignmentSerializer(StrictSerializer):
    """Who is to answer a human task from now on."""

    assignee = StringField(limit="MAX_PATH_CHARS", allow_null=True)
    assignee_kind = WordField(choices=AssigneeKind.values, default=AssigneeKind.USER.value)
    expected_assignee = StringField(
        limit="MAX_PATH_CHARS",
        allow_null=True,
        default=None,
        help_text="Whom you saw it assigned to, empty for nobody; if that has changed, nothing is done.",
    )


class ReleaseSerializer(StrictSerializer):
    """How a claim ends."""

    force = FlagField(default=False, help_text="Also when somebody else has claimed the task.")


class ApprovalSerializer(serializers.Serializer[TaskApproval]):
    """One person's answer to a question that several people have to agree on."""

    decided_by = serializers.CharField()
    decided_at = MomentField()
    decision = serializers.ChoiceField(choices=list(Decision))
    content = serializers.CharField(allow_null=True)
    selected_option = serializers.CharField(allow_null=True)
    form = serializers.DictField(source="filled_form", allow_null=True)


class ApprovalsSerializer(serializers.Serializer[Any]):
    """How many people have to agree, and who has."""

    needed = serializers.IntegerField()
    exclude_requester = serializers.BooleanField(help_text="Whether who started the run is none of them.")
    given = ApprovalSerializer(many=True)


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
