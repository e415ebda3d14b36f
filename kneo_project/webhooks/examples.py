"""Examples for the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

WEBHOOK_ID = "3f1c8a52-6d0e-4b7a-9c43-8e2f5d1a7b60"
SECRET = "whsec_" + "bm90IGEgc2VjcmV0LCBqdXN0IGFuIGV4YW1wbGU="
ORDER: dict[str, Any] = {
    "url": "https://hooks.example.com/kneo",
    "description": "The team's chat",
    "event_types": ["run.failed", "human_task.opened"],
    "environment": "prod",
}
WEBHOOK: dict[str, Any] = {
    "id": WEBHOOK_ID,
    **ORDER,
    "workflow_name": None,
    "is_enabled": True,
    "disabled_reason": None,
    "has_previous_secret": False,
    "created_by": "op",
    "created_at": "2026-11-23T01:19:59.510529+00:00",
}
CREATED: dict[str, Any] = {**WEBHOOK, "secret": SECRET}
ROTATED: dict[str, Any] = {**CREATED, "has_previous_secret": True}
DELIVERY: dict[str, Any] = {
    "id": "b1d7f2c4-0a3e-4d69-8f5b-7c9e1a2d3f48",
    "subscription_id": WEBHOOK_ID,
    "event_type": "run.failed",
    "payload": {
        "type": "run.failed",
        "timestamp": "2026-11-23T01:28:14.497874+00:00",
        "data": {"run_id": "6099e6ef-6f0c-4f57-9d3e-1f7f1f4d2b10", "status": "failed", "environment": "prod"},
    },
    "status": "pending",
    "attempts": 1,
    "next_attempt_at": "2026-11-23T01:28:26.104211+00:00",
    "last_status_code": 503,
    "last_error": "The endpoint answered 503.",
    "created_at": "2026-11-23T01:28:14.497874+00:00",
    "delivered_at": None,
}
PING: dict[str, Any] = {
    **DELIVERY,
    "event_type": "ping",
    "payload": {**DELIVERY["payload"], "type": "ping", "data": {"subscription_id": WEBHOOK_ID}},
    "attempts": 0,
    "last_status_code": None,
    "last_error": None,
}
AGAIN: dict[str, Any] = {**DELIVERY, "attempts": 0}


def order(name: str, value: dict[str, Any]) -> OpenApiExample:
    """Return the example of a request body."""
    return OpenApiExample(name, value=value, request_only=True)


def answer(name: str, value: dict[str, Any], status: int = 200) -> OpenApiExample:
    """Return the example of an answer."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def page(items_key: str, item: dict[str, Any], sort_order: str) -> OpenApiExample:
    """Return the example of a list with one item."""
    paging = {"count": 1, "total": 1, "window": 10_000, "limit": 100, "offset": 0}
    order = {"sort_by": "created_at", "sort_order": sort_order, "next_cursor": None}
    return answer(f"a page of {items_key}", {items_key: [item], **paging, **order})
