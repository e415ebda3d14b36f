"""Deliveries to somebody who really listens: signed, tried again, given up, and never sent where they may not go."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from kneo_project.audit.models import AuditEvent
from kneo_project.celery import app
from kneo_project.webhooks import deliveries, services, tasks
from kneo_project.webhooks.models import WebhookDelivery, WebhookSubscription
from kneo_project.webhooks.services import Disclosed
from tests.documentation.pages import blocks
from tests.integration.crashing import dies_at
from tests.integration.webhooks import let_time_pass, parsed, ping, subscribe
from tests.stubs.web_server import Asked, Page, WebServer, moved


@pytest.fixture
def web(settings: Settings) -> Iterator[WebServer]:
    """Somebody who listens, on a host that the operator vouches for."""
    with WebServer() as server:
        settings.WEBHOOK_PRIVATE_HOSTS = (f"127.0.0.1:{server.port}",)
        yield server


@pytest.fixture
def documented() -> Callable[..., bool]:
    """The function that the documentation tells listeners to check signatures with."""
    (code,) = blocks("webhooks.md", "python")
    names: dict[str, Any] = {}
    exec(code, names)
    checked: Callable[..., bool] = names["is_ours"]
    return checked


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Catch what is published, instead of a broker."""
    rung: list[str] = []
    monkeypatch.setattr(app, "send_task", lambda name, *_, **__: rung.append(name))
    return rung


def sent(web: WebServer, made: Disclosed) -> Asked:
    """Send a ping, and return how it arrived."""
    ping(made)
    deliveries.deliver_due()
    return web.asked[-1]


def tried(delivery: WebhookDelivery) -> WebhookDelivery:
    """Make what is due, and return what is known of ``delivery`` then."""
    deliveries.deliver_due()
    delivery.refresh_from_db()
    return delivery


def audited(event_type: str) -> list[dict[str, Any]]:
    return list(AuditEvent.objects.filter(event_type=event_type).values_list("metadata", flat=True))


def test_the_documented_check_accepts_what_is_sent_and_nothing_else(
    web: WebServer, documented: Callable[..., bool]
) -> None:
    made = subscribe(web.url())
    asked = sent(web, made)
    assert asked.headers["content-type"] == "application/json"
    assert parsed(asked.body)["data"] == {"subscription_id": str(made.subscription.pk)}
    headers = dict(asked.headers)
    assert documented(headers, asked.body, made.secret)
    assert not documented(headers, asked.body + b" ", made.secret)
    assert not documented(headers | {"webhook-id": "other"}, asked.body, made.secret)
    assert not documented(headers | {"webhook-timestamp": "1"}, asked.body, made.secret)
    assert not documented(headers, asked.body, subscribe(web.url()).secret)


def test_both_secrets_sign_until_the_old_one_is_ended(web: WebServer, documented: Callable[..., bool]) -> None:
    old = subscribe(web.url())
    key = old.subscription.pk
    new = services.rotate_secret(key, keep_previous=True, actor="op")
    asked = sent(web, new)
    assert [documented(dict(asked.headers), asked.body, each.secret) for each in (old, new)] == [True, True]
    services.update_subscription(key, {"has_previous_secret": False}, actor="op")
    asked = sent(web, new)
    assert [documented(dict(asked.headers), asked.body, each.secret) for each in (old, new)] == [False, True]


def test_a_failure_is_tried_again_later_and_later_until_it_succeeds(web: WebServer, settings: Settings) -> None:
    settings.WEBHOOK_RETRY_BACKOFF_SECONDS = 100.0
    codes = iter([500, 404, 201])
    web.answer = lambda _: Page(body=b"token=hidden-from-everybody", status=next(codes))
    delivery = ping(subscribe(web.url()))
    for attempt, wait in ((1, 100), (2, 400)):
        before = timezone.now()
        tried(delivery)
        assert (delivery.status, delivery.attempts, delivery.claimed_until) == ("pending", attempt, None)
        assert delivery.next_attempt_at is not None
        assert timedelta(seconds=wait / 2) <= delivery.next_attempt_at - before <= timedelta(seconds=wait + 20)
        assert delivery.last_error is not None
        assert "hidden" not in delivery.last_error
        assert deliveries.deliver_due() == 0
        let_time_pass()
    tried(delivery)
    assert (delivery.status, delivery.attempts, delivery.last_status_code) == ("delivered", 3, 201)
    assert delivery.delivered_at is not None
    assert len({(asked.headers["webhook-id"], asked.body) for asked in web.asked}) == 1


def test_retry_after_counts(web: WebServer) -> None:
    web.answer = lambda _: Page(status=429, headers={"Retry-After": "3000"})
    delivery = tried(ping(subscribe(web.url())))
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at > timezone.now() + timedelta(seconds=2900)


def test_a_delivery_that_never_succeeds_dies_on_record_and_can_be_made_again(
    web: WebServer, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 3
    web.answer = lambda _: Page(body=b"no", status=503)
    made = subscribe(web.url())
    delivery = ping(made)
    for _ in range(5):
        tried(delivery)
        let_time_pass()
    assert (delivery.status, delivery.attempts, len(web.asked)) == ("dead", 3, 3)
    (dead,) = audited("webhook.dead")
    assert (dead["delivery_id"], dead["attempts"], dead["status_code"]) == (str(delivery.pk), 3, 503)
    assert WebhookSubscription.objects.enabled().exists()
    services.redeliver(made.subscription.pk, delivery.pk, actor="op")
    web.answer = lambda _: Page()
    assert (tried(delivery).status, delivery.attempts) == ("delivered", 1)


def test_an_endpoint_that_is_gone_is_told_nothing_more(web: WebServer) -> None:
    web.answer = lambda _: Page(status=410)
    made = subscribe(web.url())
    assert tried(ping(made)).status == "dead"
    assert not WebhookSubscription.objects.enabled().exists()
    assert len(audited("webhook.disabled")) == len(audited("webhook.dead")) == 1


def test_a_redirect_is_not_followed(web: WebServer) -> None:
    web.answer = lambda _: moved(web.url("/elsewhere"), 307)
    delivery = tried(ping(subscribe(web.url())))
    assert (delivery.status, delivery.last_status_code) == ("pending", 307)
    assert [asked.path for asked in web.asked] == ["/"]


def test_a_host_that_is_not_allowed_any_more_is_not_reached(web: WebServer, settings: Settings) -> None:
    delivery = ping(subscribe(web.url()))
    settings.WEBHOOK_PRIVATE_HOSTS = ()
    assert "https" in (tried(delivery).last_error or "")
    assert web.asked == []


@pytest.mark.parametrize("host", ["localhost", "localhost.", "127.1", "2130706433"])
def test_a_name_that_leads_inside_is_not_reached(web: WebServer, host: str) -> None:
    delivery = tried(ping(subscribe(f"https://{host}:{web.port}/")))
    assert (delivery.status, web.asked) == ("pending", [])
    assert re.search("may not be reached|is not known", delivery.last_error or "")


def test_an_endpoint_that_does_not_answer_is_given_up_on(web: WebServer, settings: Settings) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.2
    answered = threading.Event()

    def hang(_: Asked) -> Page:
        answered.wait(30)
        return Page()

    web.answer = hang
    delivery = tried(ping(subscribe(web.url())))
    answered.set()
    assert delivery.last_error == "The endpoint did not answer within 0.2 seconds."


def test_a_long_answer_is_neither_read_nor_kept(web: WebServer) -> None:
    web.answer = lambda _: Page(body=b"x" * 5_000_000, status=500)
    delivery = tried(ping(subscribe(web.url())))
    assert len(delivery.last_error or "") < 300


def test_a_secret_of_another_key_of_the_service_is_told_of(web: WebServer, settings: Settings) -> None:
    delivery = ping(subscribe(web.url()))
    settings.SECRET_KEY = "another"
    assert "Rotate it" in (tried(delivery).last_error or "")
    assert web.asked == []


def test_rotating_a_secret_that_cannot_be_read_lets_deliveries_be_made_again(
    web: WebServer, documented: Callable[..., bool], settings: Settings
) -> None:
    made = subscribe(web.url())
    settings.SECRET_KEY = "another"
    new = services.rotate_secret(made.subscription.pk, keep_previous=True, actor="op")
    assert not new.subscription.has_previous_secret
    asked = sent(web, new)
    assert documented(dict(asked.headers), asked.body, new.secret)


def test_no_more_than_four_of_a_subscription_are_under_way(web: WebServer) -> None:
    one, other = subscribe(web.url("/one")), subscribe(web.url("/other"))
    for _ in range(6):
        ping(one)
        ping(other)
    first = deliveries.claim(deliveries.AT_ONCE)
    assert Counter(letter.url for letter in first) == {web.url("/one"): 4, web.url("/other"): 4}
    assert deliveries.claim(deliveries.AT_ONCE) == []
    let_time_pass()
    assert len(deliveries.claim(6)) == 6


def test_sweepers_that_meet_send_each_delivery_once(web: WebServer) -> None:
    made = [subscribe(web.url()) for _ in range(3)]
    expected = {str(ping(each).pk) for each in made for _ in range(8)}
    together = threading.Barrier(4)

    def sweep() -> None:
        try:
            together.wait(30)
            deliveries.deliver_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(sweep) for _ in range(4)]:
            future.result()
    while deliveries.deliver_due():  # a sweeper leaves to another what that one has locked
        pass
    assert Counter(asked.headers["webhook-id"] for asked in web.asked) == dict.fromkeys(expected, 1)
    assert set(WebhookDelivery.objects.values_list("status", "attempts")) == {("delivered", 1)}


def test_whenever_a_worker_dies_the_delivery_is_made_once_its_claim_lapses(web: WebServer) -> None:
    made = subscribe(web.url())
    for moment in count(1):
        delivery = ping(made)
        died = dies_at(moment, deliveries.deliver_due)
        delivery.refresh_from_db()
        if delivery.attempts and delivery.status == "pending":
            assert deliveries.deliver_due() == 0  # it is still claimed
        let_time_pass()
        assert tried(delivery).status == "delivered"
        requests = [asked for asked in web.asked if asked.headers["webhook-id"] == str(delivery.pk)]
        assert len(requests) in ({1, 2} if died else {1})
        if not died:
            break


def test_a_delivery_that_takes_its_workers_down_is_given_up(web: WebServer, settings: Settings) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 2
    delivery = ping(subscribe(web.url()))
    for _ in range(2):
        assert len(deliveries.claim(1)) == 1
        let_time_pass()
    assert (tried(delivery).status, web.asked) == ("dead", [])


def test_an_answer_that_comes_after_its_claim_is_anothers_changes_nothing(web: WebServer) -> None:
    delivery = ping(subscribe(web.url()))
    (late,) = deliveries.claim(1)
    let_time_pass()
    assert tried(delivery).status == "delivered"
    assert deliveries.record_answer(late, deliveries.DIED) is False


def test_what_is_left_of_a_deleted_subscription_is_sent_to_nobody(web: WebServer) -> None:
    made = subscribe(web.url())
    delivery = ping(made)
    services.delete_subscription(made.subscription.pk, actor="op")
    delivery.save(force_insert=True)  # as a run does that ended at the same moment
    assert (deliveries.is_any_due(), deliveries.deliver_due(), web.asked) == (False, 0, [])


def test_the_beat_rings_only_when_there_is_something_to_send(web: WebServer, bells: list[str]) -> None:
    made = subscribe(web.url())
    tasks.look()
    assert bells == []
    ping(made)
    tasks.look()
    assert bells == ["webhooks.deliver"]
    tasks.deliver()
    tasks.look()
    assert (bells, len(web.asked)) == (["webhooks.deliver"], 1)
