"""Making deliveries: claim what is due, send it, record what came of it.

Any number of processes may do so at once. A claim lapses, so that what a killed process had claimed is sent later.
"""

import random
import time
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from kneo_project.audit.services import record
from kneo_project.transient import retry_transient
from kneo_project.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookSubscription
from kneo_project.webhooks.outbox import wanted
from kneo_project.webhooks.sending import Letter, send_all
from kneo_project.webhooks.verdicts import Answer, Verdict, verdict_on

# The threads of a worker are there for runs; one slow endpoint must not hold up the others.
AT_ONCE = 16
AT_ONCE_FOR_ONE = 4
# What a claim lasts beyond the time-out: for looking up names, and for clocks that do not agree.
CLAIM_MARGIN = timedelta(seconds=30)
DIED = Answer(error="Every process that tried to send it died.")
REASON_GONE = "The endpoint answered 410: it wants to hear no more."


def is_any_due() -> bool:
    """Return whether there is anything to send."""
    return WebhookDelivery.objects.due(timezone.now()).filter(subscription__is_enabled=True).exists()


def deliver_due() -> int:
    """Make deliveries for as long as there are any, or until the next sweep; return how many attempts were made."""
    made, ends_at = 0, time.monotonic() + settings.SWEEP_SECONDS
    while letters := claim(AT_ONCE):
        exhausted = [letter for letter in letters if letter.attempt > settings.WEBHOOK_MAX_ATTEMPTS]
        for letter in exhausted:
            record_answer(letter, DIED)
        for letter, answer in send_all([letter for letter in letters if letter not in exhausted]):
            record_answer(letter, answer)
            made += 1
        if time.monotonic() >= ends_at:
            break
    return made


def claim(at_most: int) -> list[Letter]:
    """Take up to ``at_most`` due deliveries, of each subscription no more than may be under way."""
    due = WebhookDelivery.objects.due(timezone.now()).filter(subscription=OuterRef("pk"))
    waiting = list(WebhookSubscription.objects.enabled().filter(Exists(due)).values_list("pk", flat=True))
    random.shuffle(waiting)  # so that those that come late in a list are served as well
    letters: list[Letter] = []
    for subscription_id in waiting:
        if len(letters) >= at_most:
            break
        letters += _claim_for(subscription_id, at_most - len(letters))
    return letters


@retry_transient
def _claim_for(subscription_id: uuid.UUID, at_most: int) -> list[Letter]:
    with transaction.atomic():
        # Its lock makes the count below exact; who does not get it leaves the subscription to who did.
        subscriptions = WebhookSubscription.objects.enabled().select_for_update(skip_locked=True)
        subscription = subscriptions.filter(pk=subscription_id).first()
        if subscription is None:
            return []
        now = timezone.now()
        own = WebhookDelivery.objects.filter(subscription=subscription)
        room = min(at_most, AT_ONCE_FOR_ONE - own.in_flight(now).count())
        if room <= 0:
            return []
        until = now + timedelta(seconds=settings.WEBHOOK_TIMEOUT_SECONDS) + CLAIM_MARGIN
        chosen = list(own.due(now).order_by("next_attempt_at").values_list("pk", flat=True)[:room])
        taken = own.due(now).filter(pk__in=chosen)
        taken.update(claimed_until=until, next_attempt_at=until, attempts=F("attempts") + 1)
        return [_letter(subscription, row) for row in own.filter(claimed_until=until)]


def _letter(subscription: WebhookSubscription, row: WebhookDelivery) -> Letter:
    if row.claimed_until is None:
        raise AssertionError("a claimed delivery without a claim")
    return Letter(
        delivery_id=row.pk,
        url=subscription.url,
        payload=row.payload,
        sealed_secrets=tuple(filter(None, (subscription.secret, subscription.previous_secret))),
        attempt=row.attempts,
        claimed_until=row.claimed_until,
    )


@retry_transient
def record_answer(letter: Letter, answer: Answer) -> bool:
    """Write down what came of an attempt; return False when its claim is another's by now."""
    verdict = verdict_on(
        answer,
        attempts=letter.attempt,
        max_attempts=settings.WEBHOOK_MAX_ATTEMPTS,
        backoff_seconds=settings.WEBHOOK_RETRY_BACKOFF_SECONDS,
        chance=random.random(),  # noqa: S311 - it spreads requests, and guards nothing
    )
    with transaction.atomic():
        held = WebhookDelivery.objects.pending().filter(pk=letter.delivery_id, claimed_until=letter.claimed_until)
        if not held.update(**_columns(answer, verdict)):
            return False
        if verdict.status == DeliveryStatus.DEAD:
            _bury(letter, answer, verdict)
    return True


def _columns(answer: Answer, verdict: Verdict) -> dict[str, object]:
    now = timezone.now()
    wait = verdict.retry_after_seconds
    return {
        "status": verdict.status,
        "claimed_until": None,
        "next_attempt_at": None if wait is None else now + timedelta(seconds=wait),
        "last_status_code": answer.status_code,
        "last_error": answer.error,
        "delivered_at": now if verdict.status == DeliveryStatus.DELIVERED else None,
    }


def _bury(letter: Letter, answer: Answer, verdict: Verdict) -> None:
    """Put on record that an event was not told: nobody looks through deliveries for that."""
    row = WebhookDelivery.objects.select_related("subscription").get(pk=letter.delivery_id)
    facts: dict[str, object] = {"subscription_id": str(row.subscription_id), "host": row.subscription.host}
    dead = {"delivery_id": str(row.pk), "event_type": row.event_type, "attempts": row.attempts}
    why = {"status_code": answer.status_code, "reason": answer.error}
    record("webhook.dead", actor=None, metadata={**facts, **dead, **why})
    enabled = WebhookSubscription.objects.enabled().filter(pk=row.subscription_id)
    if verdict.is_gone and enabled.update(is_enabled=False, disabled_reason=REASON_GONE):
        record("webhook.disabled", actor=None, metadata=facts | {"reason": REASON_GONE})
        transaction.on_commit(wanted.forget)
