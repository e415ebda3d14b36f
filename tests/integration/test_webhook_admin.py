"""The admin's pages about webhooks: what they show, what they keep to themselves, and what they do."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from kneo_project.audit.models import AuditEvent
from kneo_project.webhooks import deliveries
from kneo_project.webhooks.models import WebhookDelivery, WebhookSubscription
from kneo_project.webhooks.services import Disclosed
from tests.integration.admin_site import act, member, operator, page_of, text
from tests.integration.webhooks import ping, subscribe

DELIVERIES = "/admin/webhooks/webhookdelivery/"
SUBSCRIPTIONS = "/admin/webhooks/webhooksubscription/"


@pytest.fixture
def made() -> Disclosed:
    """A subscription whose address tells who calls, on a host that there is not."""
    return subscribe("https://hooks.invalid/services/T0/hidden-part", event_types=["run.failed"])


@pytest.fixture
def browser() -> Client:
    return operator()


def last_audited() -> tuple[str, str | None]:
    event = AuditEvent.objects.order_by("pk").last()
    assert event is not None
    return event.event_type, event.actor


def test_a_subscription_is_shown_without_its_secret_and_its_address(browser: Client, made: Disclosed) -> None:
    for page in (SUBSCRIPTIONS, page_of("webhooks/webhooksubscription", made.subscription.pk)):
        shown = text(browser.get(page))
        assert "hooks.invalid" in shown
        assert "run.failed" in shown
        assert not {"hidden-part", made.secret, made.subscription.secret} & set(shown.split())


def test_a_subscription_is_disabled_and_enabled_after_asking(browser: Client, made: Disclosed) -> None:
    for action, state in (("disable_selected", False), ("enable_selected", True)):
        assert "?" in text(act(browser, action, made.subscription.pk, where=SUBSCRIPTIONS))
        act(browser, action, made.subscription.pk, where=SUBSCRIPTIONS, confirmed="yes")
        assert WebhookSubscription.objects.get().is_enabled is state
        assert last_audited() == ("webhook.updated", "olivia")


def test_what_did_not_arrive_is_shown_with_the_reason_and_sent_again(browser: Client, made: Disclosed) -> None:
    delivery = ping(made)
    deliveries.deliver_due()
    assert "is not known" in text(browser.get(DELIVERIES))
    page = text(browser.get(page_of("webhooks/webhookdelivery", delivery.pk)))
    assert str(delivery.pk) in page
    act(browser, "redeliver_selected", delivery.pk, where=DELIVERIES, confirmed="yes")
    assert WebhookDelivery.objects.get().attempts == 0
    assert last_audited() == ("webhook.redelivered", "olivia")
    assert "is on its way" in text(act(browser, "redeliver_selected", delivery.pk, where=DELIVERIES, confirmed="yes"))


def test_the_deliveries_of_a_subscription_are_one_click_away(browser: Client, made: Disclosed) -> None:
    delivery, other = ping(made), ping(subscribe())
    page = browser.get(page_of("webhooks/webhooksubscription", made.subscription.pk)).content.decode()
    link = f"{DELIVERIES}?webhook={made.subscription.pk}"
    assert link in page
    listed = browser.get(link).content.decode()
    assert (str(delivery.pk) in listed, str(other.pk) in listed) == (True, False)


def test_who_may_only_look_changes_nothing(made: Disclosed) -> None:
    ping(made)
    looker = member("vera", "view_webhookdelivery", "view_webhooksubscription")
    act(looker, "disable_selected", made.subscription.pk, where=SUBSCRIPTIONS, confirmed="yes")
    assert WebhookSubscription.objects.get().is_enabled


def test_a_list_of_deliveries_says_whom_each_is_told_and_asks_no_more_for_many(
    browser: Client, made: Disclosed, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    for _ in range(20):
        ping(made)
    browser.get(DELIVERIES)
    with django_assert_max_num_queries(10):
        page = text(browser.get(DELIVERIES))
    assert page.count(made.subscription.host) == 20
