"""Webhooks over HTTP: subscriptions, their secrets, and what was and is still to be told to them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from kneo_project.audit.models import AuditEvent
from kneo_project.webhooks import deliveries
from kneo_project.webhooks.models import WebhookDelivery, WebhookSubscription
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.stubs.web_server import Page, WebServer

URL = "https://hooks.example.com/kneo"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def web(settings: Settings) -> Iterator[WebServer]:
    """Somebody who listens, on a host that the operator vouches for."""
    with WebServer() as server:
        settings.WEBHOOK_PRIVATE_HOSTS = (f"127.0.0.1:{server.port}",)
        yield server


def subscribe(api: Api, url: str = URL, **fields: object) -> dict[str, Any]:
    return api.post("/webhooks", {"url": url, **fields}, 201)


def change(api: Api, webhook: dict[str, Any], status: int = 200, **fields: object) -> dict[str, Any]:
    response = api.client.patch(f"/v1/webhooks/{webhook['id']}", fields, "application/json")
    assert response.status_code == status, response.content
    body: dict[str, Any] = response.json()
    return body


def told(api: Api, webhook: dict[str, Any], **query: object) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = api.get(f"/webhooks/{webhook['id']}/deliveries", **query)["deliveries"]
    return listed


def audited() -> list[str]:
    events = AuditEvent.objects.filter(event_type__startswith="webhook.").order_by("pk")
    return list(events.values_list("event_type", flat=True))


def test_a_subscription_shows_its_secret_once(api: Api) -> None:
    made = subscribe(api, description="chat", event_types=["run.failed", "run.failed"], environment="prod")
    secret = made.pop("secret")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert (made["url"], made["event_types"], made["environment"]) == (URL, ["run.failed"], "prod")
    assert (made["is_enabled"], made["has_previous_secret"], made["created_by"]) == (True, False, "anonymous")
    assert api.get(f"/webhooks/{made['id']}") == made
    assert api.get("/webhooks")["webhooks"] == [made]


def test_a_secret_is_sealed_in_the_database_and_nowhere_in_the_audit_log(api: Api) -> None:
    secret = subscribe(api)["secret"]
    assert secret not in str(WebhookSubscription.objects.values())
    assert secret not in str(AuditEvent.objects.values())


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://",
        "hooks",
        "https://op:word@hooks.example.com/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://[::ffff:127.0.0.1]/",
    ],
)
def test_an_address_that_may_not_be_reached_is_refused(api: Api, url: str) -> None:
    (problem,) = api.post("/webhooks", {"url": url}, 422)["detail"]
    assert (problem["type"], problem["loc"]) == ("value_error", ["body", "url"])
    assert change(api, subscribe(api), 422, url=url)["detail"] == [problem]
    assert audited() == ["webhook.created"]


def test_the_operator_may_allow_a_host(api: Api, settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_HOSTS = ("10.0.0.1", "chat.internal:8080")
    for url in ("https://10.0.0.1/", "http://10.0.0.1:81/", "http://chat.internal:8080/"):
        assert subscribe(api, url)["url"] == url
    api.post("/webhooks", {"url": "http://chat.internal/"}, 422)


@pytest.mark.parametrize("body", [{}, {"url": URL, "event_types": ["ping"]}, {"url": URL, "colour": 1}, {"url": None}])
def test_a_body_that_is_none_makes_nothing(api: Api, body: dict[str, object]) -> None:
    api.post("/webhooks", body, 422)
    assert not WebhookSubscription.objects.exists()


def test_only_what_is_named_changes(api: Api) -> None:
    made = subscribe(api, description="chat", event_types=["run.failed"], workflow_name="flow")
    made.pop("secret")
    assert change(api, made) == made
    assert change(api, made, workflow_name=None, is_enabled=False) == made | {
        "workflow_name": None,
        "is_enabled": False,
    }
    assert audited() == ["webhook.created", "webhook.updated"]


def test_a_rotated_secret_signs_beside_the_one_before_until_that_is_ended(api: Api) -> None:
    made = subscribe(api)
    path = f"/webhooks/{made['id']}/rotate-secret"
    rotated = api.post(path)
    assert rotated["secret"] != made["secret"]
    assert rotated["has_previous_secret"] is True
    assert change(api, made, has_previous_secret=True)["has_previous_secret"] is True
    assert change(api, made, has_previous_secret=False)["has_previous_secret"] is False
    assert api.post(path, {"keep_previous": False})["has_previous_secret"] is False


def test_deleting_ends_what_was_still_to_be_told(api: Api) -> None:
    made = subscribe(api)
    api.run(workflow("a"))
    assert [each["event_type"] for each in told(api, made)] == ["run.completed"]
    assert api.client.delete(f"/v1/webhooks/{made['id']}").status_code == 204
    assert not WebhookDelivery.objects.exists()
    api.get(f"/webhooks/{made['id']}", 404)
    assert audited() == ["webhook.created", "webhook.deleted"]


def test_a_run_is_told_of_from_the_request_that_subscribed_on(api: Api, web: WebServer) -> None:
    made = subscribe(api, web.url("/hook"))
    run = api.run(workflow("a"), metadata={"order": "7", "password": "hidden"}, tags=["t"])
    assert deliveries.deliver_due() == 1
    (delivery,) = told(api, made, status="delivered")
    assert (delivery["attempts"], delivery["last_status_code"], delivery["last_error"]) == (1, 200, None)
    data = delivery["payload"]["data"]
    assert (data["run_id"], data["status"], data["output_preview"], data["tags"]) == (
        run["run_id"],
        "completed",
        "hi>a",
        ["t"],
    )
    assert data["metadata"] == {"order": "7", "password": "[REDACTED]"}
    assert told(api, made, status="pending") == []


def test_a_ping_takes_the_way_of_everything(api: Api, web: WebServer) -> None:
    made = subscribe(api, web.url("/hook"), event_types=["run.failed"])
    ping = api.post(f"/webhooks/{made['id']}/test", None, 202)
    assert (ping["event_type"], ping["status"], ping["attempts"]) == ("ping", "pending", 0)
    assert deliveries.deliver_due() == 1
    (asked,) = web.asked
    assert (asked.method, asked.path, asked.headers["webhook-id"]) == ("POST", "/hook", ping["id"])
    assert audited() == ["webhook.created", "webhook.tested"]


def test_a_delivery_is_made_again_under_its_own_id(api: Api, web: WebServer) -> None:
    made = subscribe(api, web.url())
    api.post(f"/webhooks/{made['id']}/test", None, 202)
    deliveries.deliver_due()
    (first,) = told(api, made)
    again = api.post(f"/webhooks/{made['id']}/deliveries/{first['id']}/redeliver", None, 202)
    assert (again["id"], again["status"], again["attempts"]) == (first["id"], "pending", 0)
    deliveries.deliver_due()
    assert [asked.headers["webhook-id"] for asked in web.asked] == [first["id"]] * 2
    assert web.asked[0].body == web.asked[1].body
    assert audited()[-1] == "webhook.redelivered"


def test_nothing_is_sent_to_a_disabled_subscription_until_it_is_enabled(api: Api, web: WebServer) -> None:
    made = subscribe(api, web.url())
    ping = api.post(f"/webhooks/{made['id']}/test", None, 202)
    change(api, made, is_enabled=False)
    api.run(workflow("a"))
    assert deliveries.deliver_due() == 0
    for path in ("test", f"deliveries/{ping['id']}/redeliver"):
        assert api.post(f"/webhooks/{made['id']}/{path}", None, 409)["detail"]["error"] == "webhook_disabled"
    change(api, made, is_enabled=True)
    deliveries.deliver_due()
    assert [asked.headers["webhook-id"] for asked in web.asked] == [ping["id"]]


def test_a_subscription_that_is_gone_says_so_and_may_be_enabled_again(api: Api, web: WebServer) -> None:
    web.answer = lambda _: Page(status=410)
    made = subscribe(api, web.url())
    api.post(f"/webhooks/{made['id']}/test", None, 202)
    deliveries.deliver_due()
    shown = api.get(f"/webhooks/{made['id']}")
    assert (shown["is_enabled"], "410" in shown["disabled_reason"]) == (False, True)
    assert change(api, made, is_enabled=True)["disabled_reason"] is None


@pytest.mark.parametrize("path", ["", "/deliveries"])
def test_an_unknown_subscription_is_not_found(api: Api, path: str) -> None:
    for webhook_id in (UNKNOWN, "x"):
        api.get(f"/webhooks/{webhook_id}{path}", 404)


def test_a_delivery_of_another_subscription_is_not_found(api: Api) -> None:
    one, other = subscribe(api), subscribe(api)
    ping = api.post(f"/webhooks/{one['id']}/test", None, 202)
    api.post(f"/webhooks/{other['id']}/deliveries/{ping['id']}/redeliver", None, 404)
    api.post(f"/webhooks/{one['id']}/deliveries/{UNKNOWN}/redeliver", None, 404)
