"""Celery tasks: the beat looks whether there is anything to send, and a worker sends it."""

from celery import shared_task

from kneo_project.beatjobs.services import noted
from kneo_project.celery import bell_lifetime, publish
from kneo_project.webhooks import deliveries


@shared_task(name="webhooks.look")
@noted("webhooks")
def look() -> None:
    """Ring for what is due. Runs in the beat's own process, which must never wait for an endpoint."""
    if deliveries.is_any_due():
        publish(deliver, expires=bell_lifetime())


@shared_task(name="webhooks.deliver")
def deliver() -> None:
    """Make the deliveries that are due."""
    deliveries.deliver_due()
