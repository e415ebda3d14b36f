"""What was told to a subscription, and what is still to be told."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import list_parameters, refusals
from kneo_project.api.pagination import Listing
from kneo_project.api.permissions import actor_of
from kneo_project.api.query import word
from kneo_project.api.views import ApiView
from kneo_project.errors import NotFound
from kneo_project.webhooks import examples, services
from kneo_project.webhooks.models import DeliveryStatus
from kneo_project.webhooks.serializers import DeliveryListSerializer, DeliverySerializer
from kneo_project.webhooks.services import WebhookDisabled
from kneo_project.webhooks.views import READ, WRITE, id_in

DELIVERIES = Listing(
    items_key="deliveries",
    sort_by="created_at",
    sort_order="desc",
    filters={"status": word(*DeliveryStatus.values)},
    sort_columns={"id": "pk", "created_at": "created_at"},
    store_order=("-created_at", "pk"),
)


class DeliveriesView(ApiView):
    """The deliveries of a subscription."""

    required_scope = READ
    query_parameters = DELIVERIES.query_parameters

    @extend_schema(
        tags=["webhooks"],
        parameters=list_parameters(DELIVERIES, {"status": DeliveryStatus.values}),
        responses={200: DeliveryListSerializer, **refusals(READ, NotFound())},
        examples=[examples.page("deliveries", examples.DELIVERY, "desc")],
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        """List what was told to a subscription and what is still to be told, the newest first."""
        query = DELIVERIES.read(request.query_params)
        rows = services.find_subscription(id_in(webhook_id)).deliveries.filter(**query.filters)
        return Response(DeliveryListSerializer(DELIVERIES.envelope(query, DELIVERIES.page_of(rows, query))).data)


class PingView(ApiView):
    """A subscription, tried out."""

    required_scope = WRITE

    @extend_schema(
        tags=["webhooks"],
        request=None,
        responses={202: DeliverySerializer, **refusals(WRITE, NotFound(), WebhookDisabled(reason=None))},
        examples=[examples.answer("a ping is on its way", examples.PING, 202)],
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        """Send a `ping` to a subscription, the way everything is sent to it."""
        ping = services.send_ping(id_in(webhook_id), actor=actor_of(request))
        return Response(DeliverySerializer(ping).data, status=202)


class RedeliverView(ApiView):
    """A delivery, made again."""

    required_scope = WRITE

    @extend_schema(
        tags=["webhooks"],
        request=None,
        responses={202: DeliverySerializer, **refusals(WRITE, NotFound(), WebhookDisabled(reason=None))},
        examples=[examples.answer("it will be sent again", examples.AGAIN, 202)],
    )
    def post(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        """Send an event again, under the same `webhook-id`, with all attempts before it."""
        row = services.redeliver(id_in(webhook_id), id_in(delivery_id), actor=actor_of(request))
        return Response(DeliverySerializer(row).data, status=202)
