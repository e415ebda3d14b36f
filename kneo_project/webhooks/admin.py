"""The admin's pages about webhooks: who is told what, and what did not arrive. Subscriptions are made by the API."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from kneo_project.site import acting, showing
from kneo_project.site.acting import Question
from kneo_project.site.filters import Chosen
from kneo_project.site.pages import Offer, OperatorAdmin, Related, column
from kneo_project.site.showing import Tone
from kneo_project.webhooks import services
from kneo_project.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookSubscription

TONES = {"pending": Tone.BUSY, "delivered": Tone.GOOD, "dead": Tone.BAD}
ENABLE = Question(
    action="enable_selected",
    title="Tell these again?",
    consequence="What is pending for them is sent at once, and whatever happens from now on.",
    button="Yes, enable",
)
DISABLE = Question(
    action="disable_selected",
    title="Tell these nothing more?",
    consequence="What happens while they are disabled is never told to them; what is pending waits.",
    button="Yes, disable",
    is_grave=True,
)
REDELIVER = Question(
    action="redeliver_selected",
    title="Send these again?",
    consequence="Each is sent under the id that it has, with all its attempts, also if it arrived before.",
    button="Yes, send",
)


class OfSubscription(Chosen):
    """The deliveries of one subscription."""

    title = "webhook"
    parameter_name = "webhook"
    field = "subscription_id"


@admin.register(WebhookSubscription)
class WebhookSubscriptionAdmin(OperatorAdmin[WebhookSubscription]):
    """Subscriptions, and whether anything is told to them."""

    list_display = ["where", "what", "of", "within", "state", "made"]
    list_filter = ["is_enabled"]
    nothing = "Subscriptions are made over the API."
    loaded = ["url", "event_types", "workflow_name", "environment", "is_enabled", "created_at"]
    actions = ["enable_selected", "disable_selected"]
    fields = ["where", "described", "what", "of", "within", "state", "why", "overlap", "by", "made_in_full"]

    where = column("host", showing.words, "host")
    described = column("description", showing.words, "description")
    what = column("events", lambda types: showing.words(", ".join(types) or "all"), "event_types")
    of = column("workflow", showing.words, "workflow_name")
    within = column("environment", showing.words, "environment")
    state = column("told", lambda enabled: "yes" if enabled else "no", "is_enabled")
    why = column("why not", showing.words, "disabled_reason")
    overlap = column("two secrets sign", lambda both: "yes" if both else "no", "has_previous_secret")
    by = column("made by", showing.words, "created_by")
    made = column("made", showing.age, "created_at")
    made_in_full = column("made", showing.moment, "created_at")

    def related(self, row: WebhookSubscription) -> Iterable[Related]:
        """Return the link to what was told."""
        url = showing.address("webhooks_webhookdelivery_changelist", query={"webhook": row.pk})
        return [Related(label="Deliveries", url=url)]

    def offers(self, row: WebhookSubscription) -> Iterable[Offer]:
        """Return the way to the other state."""
        if row.is_enabled:
            return [Offer(action="disable_selected", label="Disable…", is_grave=True)]
        return [Offer(action="enable_selected", label="Enable…")]

    @admin.action(description="Enable selected webhooks…", permissions=["act"])
    def enable_selected(self, request: HttpRequest, rows: QuerySet[WebhookSubscription]) -> HttpResponse | None:
        """Let the selected subscriptions hear again."""
        return acting.act(self, request, rows, ENABLE, "Enabled", partial(_set_enabled, is_enabled=True))

    @admin.action(description="Disable selected webhooks…", permissions=["act"])
    def disable_selected(self, request: HttpRequest, rows: QuerySet[WebhookSubscription]) -> HttpResponse | None:
        """Let the selected subscriptions hear nothing more."""
        return acting.act(self, request, rows, DISABLE, "Disabled", partial(_set_enabled, is_enabled=False))


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(OperatorAdmin[WebhookDelivery]):
    """Deliveries, newest first."""

    list_display = ["event", "host", "state", "tried", "code", "error", "when", "next"]
    list_filter = ["status", OfSubscription]
    nothing = "Nothing has been told to a webhook yet."
    loaded = [
        "event_type", "status", "attempts", "last_status_code", "last_error", "created_at", "next_attempt_at",
        "subscription__url",
    ]  # fmt: skip
    list_select_related = ["subscription"]
    ordering = ["-created_at"]
    actions = ["redeliver_selected"]
    fields = [
        "event",
        "state",
        "to",
        "tried",
        "code",
        "error",
        "when_in_full",
        "next_in_full",
        "arrived",
        "identifier",
        "body",
    ]

    event = column("event", showing.words, "event_type")
    state = column("status", lambda status: showing.badge(status, TONES[status]), "status")
    tried = column("attempts", showing.number, "attempts")
    code = column("answer", lambda code: str(code or showing.NOTHING), "last_status_code")
    error = column("error", showing.excerpt, "last_error")
    when = column("happened", showing.age, "created_at", is_sortable=True)
    when_in_full = column("happened", showing.moment, "created_at")
    next = column("next attempt", showing.age, "next_attempt_at")
    next_in_full = column("next attempt", showing.moment, "next_attempt_at")
    arrived = column("arrived", showing.moment, "delivered_at")
    to = column("webhook", str, "subscription_id")
    identifier = column("webhook-id", str, "pk")
    body = column("body", showing.document, "payload")

    @admin.display(description="host")
    def host(self, row: WebhookDelivery) -> str:
        """Return where it is told."""
        return showing.words(row.subscription.host)

    def related(self, row: WebhookDelivery) -> Iterable[Related]:
        """Return the link to whom it is told."""
        url = showing.address("webhooks_webhooksubscription_change", args=[row.subscription_id])
        return [Related(label="Webhook", url=url)]

    def offers(self, row: WebhookDelivery) -> Iterable[Offer]:
        """Return the way to send it again."""
        return [Offer(action="redeliver_selected", label="Send again…")]

    @admin.action(description="Send selected deliveries again…", permissions=["act"])
    def redeliver_selected(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> HttpResponse | None:
        """Send the selected deliveries again."""
        return acting.act(self, request, rows, REDELIVER, "Put on its way", _redeliver)


def _set_enabled(row: WebhookSubscription, actor: str, *, is_enabled: bool) -> str | None:
    if row.is_enabled == is_enabled:
        return "was so already."
    changes: dict[str, Any] = {"is_enabled": is_enabled}
    services.update_subscription(row.pk, changes, actor=actor)
    return None


def _redeliver(row: WebhookDelivery, actor: str) -> str | None:
    if row.status == DeliveryStatus.PENDING and not row.attempts:
        return "is on its way."
    services.redeliver(row.subscription_id, row.pk, actor=actor)
    return None
