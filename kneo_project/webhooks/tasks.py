"""Celery tasks: the beat looks whether there is anything to send, and a worker sends it."""

import logging

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from kneo_project.webhooks import deliveries

logger = logging.getLogger(__name__)


@shared_task(name="webhooks.look")
def look() -> None:
    """Ring for what is due. Runs in the beat's own process, which must never wait for an endpoint."""
    if not deliveries.is_any_due():
        return
    try:
        deliver.apply_async(expires=max(settings.SWEEP_SECONDS * 2, 5.0))
    except OperationalError:
        logger.warning("Broker not reachable; deliveries wait until it is")


@shared_task(name="webhooks.deliver")
def deliver() -> None:
    """Make the deliveries that are due."""
    deliveries.deliver_due()
