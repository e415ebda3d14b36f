"""What subscriptions and deliveries look like on the wire."""

from typing import Any

from rest_framework import serializers

from kneo_project.api.answers import ListSerializer, MomentField
from kneo_project.api.serializers import FlagField, ItemsField, StrictSerializer, StringField, WordField
from kneo_project.webhooks.event_types import EventType
from kneo_project.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookSubscription


class _EventTypesField(ItemsField):
    """Event types, each once."""

    def to_internal_value(self, data: object) -> list[Any]:
        """Return the event types."""
        return list(dict.fromkeys(super().to_internal_value(data)))


def _event_types() -> _EventTypesField:
    return _EventTypesField(
        child=WordField(choices=list(EventType)), default=list, help_text="What is told; none of them means all."
    )


class WebhookRequestSerializer(StrictSerializer):
    """A subscription to events."""

    url = StringField(limit="MAX_PATH_CHARS", help_text="Where each event is posted to, by https.")
    description = StringField(limit="MAX_PATH_CHARS", default="")
    event_types = _event_types()
    workflow_name = StringField(
        limit="MAX_PATH_CHARS", allow_null=True, default=None, help_text="Only of runs of this workflow."
    )
    environment = StringField(
        limit="MAX_PATH_CHARS", allow_null=True, default=None, help_text="Only of runs in this environment."
    )
    is_enabled = FlagField(default=True)


class WebhookChangeSerializer(WebhookRequestSerializer):
    """What is to change; what is left out stays."""

    has_previous_secret = FlagField(
        required=False, help_text="False lets only the newest secret sign from now on; true changes nothing."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields without defaults: nothing changes that is not named."""
        fields = super().get_fields()
        for field in fields.values():
            field.required, field.default = False, serializers.empty
        return fields


class RotateRequestSerializer(StrictSerializer):
    """How to change the secret."""

    keep_previous = FlagField(
        default=True, help_text="Whether the secret before signs as well, until the next rotation or a change ends it."
    )


class WebhookSerializer(serializers.Serializer[WebhookSubscription]):
    """A subscription. Its secrets are shown once, when they are made."""

    id = serializers.CharField()
    url = serializers.CharField()
    description = serializers.CharField()
    event_types = serializers.ListField(child=serializers.ChoiceField(choices=list(EventType)))
    workflow_name = serializers.CharField(allow_null=True)
    environment = serializers.CharField(allow_null=True)
    is_enabled = serializers.BooleanField()
    disabled_reason = serializers.CharField(allow_null=True, help_text="Why the service disabled it, if it did.")
    has_previous_secret = serializers.BooleanField(help_text="The secret before the newest signs as well.")
    created_by = serializers.CharField()
    created_at = MomentField()


class DisclosedWebhookSerializer(WebhookSerializer):
    """A subscription with its new secret."""

    secret = serializers.CharField(help_text="What signs the deliveries. It is never shown again.")


class WebhookListSerializer(ListSerializer):
    """A page of subscriptions."""

    webhooks = WebhookSerializer(many=True)


class DeliverySerializer(serializers.Serializer[WebhookDelivery]):
    """One event for one subscription."""

    id = serializers.CharField(help_text="The `webhook-id` of every attempt.")
    subscription_id = serializers.CharField()
    event_type = serializers.CharField()
    payload = serializers.DictField()
    status = serializers.ChoiceField(choices=DeliveryStatus.values)
    attempts = serializers.IntegerField()
    next_attempt_at = MomentField(allow_null=True)
    last_status_code = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    created_at = MomentField()
    delivered_at = MomentField(allow_null=True)


class DeliveryListSerializer(ListSerializer):
    """A page of deliveries."""

    deliveries = DeliverySerializer(many=True)
