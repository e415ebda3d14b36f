"""Subscriptions to events, for those who may have them."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import list_parameters, missing, refusals
from kneo_project.api.pagination import Listing
from kneo_project.api.permissions import actor_of
from kneo_project.api.views import ApiView
from kneo_project.errors import InvalidRequest, NotFound
from kneo_project.webhooks import examples, services
from kneo_project.webhooks.models import WebhookSubscription
from kneo_project.webhooks.serializers import (
    DisclosedWebhookSerializer,
    RotateRequestSerializer,
    WebhookChangeSerializer,
    WebhookListSerializer,
    WebhookRequestSerializer,
    WebhookSerializer,
)
from kneo_project.webhooks.services import Disclosed

READ, WRITE = "webhooks:read", "webhooks:write"
WEBHOOKS = Listing(
    items_key="webhooks",
    sort_by="created_at",
    sort_columns={"id": "pk", "created_at": "created_at"},
    store_order=("created_at", "pk"),
)


def id_in(text: str) -> uuid.UUID:
    """Return the id that ``text`` is. Raises NotFound when it is none: nothing has such an id."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound from None


class WebhooksView(ApiView):
    """All subscriptions, and new ones."""

    required_scopes = {"GET": READ, "POST": WRITE}
    query_parameters = WEBHOOKS.query_parameters

    @extend_schema(
        tags=["webhooks"],
        parameters=list_parameters(WEBHOOKS),
        responses={200: WebhookListSerializer, **refusals(READ)},
        examples=[examples.page("webhooks", examples.WEBHOOK, "asc")],
    )
    def get(self, request: Request) -> Response:
        """List the subscriptions."""
        query = WEBHOOKS.read(request.query_params)
        page = WEBHOOKS.page_of(WebhookSubscription.objects.all(), query)
        return Response(WebhookListSerializer(WEBHOOKS.envelope(query, page)).data)

    @extend_schema(
        tags=["webhooks"],
        request=WebhookRequestSerializer,
        responses={201: DisclosedWebhookSerializer, **refusals(WRITE, InvalidRequest(), missing("body", "url"))},
        examples=[
            examples.order("what goes wrong, and what waits", examples.ORDER),
            examples.answer("with its secret", examples.CREATED, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        """Subscribe an address to events. The answer has the secret that signs them, and nothing else ever has."""
        body = self.read_body(request, WebhookRequestSerializer)
        disclosed = services.create_subscription(body, actor=actor_of(request))
        return Response(_shown(disclosed), status=201)


class WebhookView(ApiView):
    """One subscription."""

    required_scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(
        tags=["webhooks"],
        responses={200: WebhookSerializer, **refusals(READ, NotFound())},
        examples=[examples.answer("a subscription", examples.WEBHOOK)],
    )
    def get(self, _request: Request, webhook_id: str) -> Response:
        """Show a subscription."""
        return Response(WebhookSerializer(services.find_subscription(id_in(webhook_id))).data)

    @extend_schema(
        tags=["webhooks"],
        request=WebhookChangeSerializer,
        responses={200: WebhookSerializer, **refusals(WRITE, InvalidRequest(), NotFound(), missing("body"))},
        examples=[
            examples.order("pause", {"is_enabled": False}),
            examples.answer("paused", {**examples.WEBHOOK, "is_enabled": False}),
        ],
    )
    def patch(self, request: Request, webhook_id: str) -> Response:
        """Change a subscription. While it is disabled nothing new is kept for it, and what is pending waits."""
        body = self.read_body(request, WebhookChangeSerializer)
        row = services.update_subscription(id_in(webhook_id), body, actor=actor_of(request))
        return Response(WebhookSerializer(row).data)

    @extend_schema(tags=["webhooks"], responses={204: None, **refusals(WRITE, NotFound())})
    def delete(self, request: Request, webhook_id: str) -> Response:
        """End a subscription; what was still to be told is forgotten."""
        services.delete_subscription(id_in(webhook_id), actor=actor_of(request))
        return Response(status=204)


class RotateSecretView(ApiView):
    """A new secret."""

    required_scope = WRITE

    @extend_schema(
        tags=["webhooks"],
        request=RotateRequestSerializer,
        responses={200: DisclosedWebhookSerializer, **refusals(WRITE, InvalidRequest(), NotFound(), missing("body"))},
        examples=[
            examples.order("both sign for a while", {"keep_previous": True}),
            examples.answer("with its new secret", examples.ROTATED),
        ],
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        """Give a subscription a new secret. Without a body, the one before signs as well."""
        subscription_id = id_in(webhook_id)
        body = self.read_body(request, RotateRequestSerializer) if request.stream else {"keep_previous": True}
        disclosed = services.rotate_secret(subscription_id, **body, actor=actor_of(request))
        return Response(_shown(disclosed))


def _shown(disclosed: Disclosed) -> dict[str, Any]:
    return {**WebhookSerializer(disclosed.subscription).data, "secret": disclosed.secret}
