"""The audit log, for those who may read it."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import ListSerializer, MomentField, list_parameters, refusals
from kneo_project.api.conditions import has_id
from kneo_project.api.pagination import Listing
from kneo_project.api.query import text_or_absent
from kneo_project.api.views import ApiView
from kneo_project.audit.models import AuditEvent

EVENTS = Listing(
    items_key="events",
    sort_by="created_at",
    sort_order="desc",
    filters={"event_type": text_or_absent, "run_id": text_or_absent},
    sort_columns={
        "id": "public_id",
        "event_type": "event_type",
        "run_id": "run_id",
        "continuation_id": "continuation_id",
        "actor": "actor",
        "created_at": "created_at",
    },
    store_order=("-created_at", "-pk"),
)
EVENT: dict[str, Any] = {
    "id": "2ead4cd9-7a5d-4f0e-9c3a-0c5b8f7b1a11",
    "event_type": "run.created",
    "run_id": "6099e6ef-0d8d-4d3c-9f0c-2f7f1a5c1a11",
    "continuation_id": None,
    "actor": "op",
    "metadata": {"async_mode": True, "target": "workflow", "environment": "stage"},
    "created_at": "2026-11-23T01:19:59.510529+00:00",
}
PAGE: dict[str, Any] = {"count": 1, "total": 1, "window": 10_000, "limit": 100, "offset": 0}
PAGE |= {"sort_by": "created_at", "sort_order": "desc", "next_cursor": None}


class AuditEventSerializer(serializers.Serializer[AuditEvent]):
    """Who did what."""

    id = serializers.CharField(source="public_id")
    event_type = serializers.CharField()
    run_id = serializers.CharField(allow_null=True)
    continuation_id = serializers.CharField(allow_null=True)
    actor = serializers.CharField(allow_null=True, help_text="Null is the service itself.")
    metadata = serializers.DictField()
    created_at = MomentField()


class AuditEventListSerializer(ListSerializer):
    """A page of the audit log."""

    events = AuditEventSerializer(many=True)


class AuditEventsView(ApiView):
    """The audit log."""

    required_scope = "audit:read"
    query_parameters = EVENTS.query_parameters

    @extend_schema(
        tags=["audit"],
        parameters=list_parameters(EVENTS),
        responses={200: AuditEventListSerializer, **refusals("audit:read")},
        examples=[OpenApiExample("one event", {"events": [EVENT], **PAGE}, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        """List audit events, the newest first. They were redacted when they were written."""
        query = EVENTS.read(request.query_params)
        page = EVENTS.page_of(_matching(query.filters), query)
        return Response(AuditEventListSerializer(EVENTS.envelope(query, page)).data)


def _matching(asked: Mapping[str, Any]) -> QuerySet[AuditEvent]:
    wanted = Q()
    if kind := asked.get("event_type"):
        wanted &= Q(event_type=kind)
    if run_id := asked.get("run_id"):
        wanted &= has_id("run_id", run_id)
    return AuditEvent.objects.filter(wanted)
