"""The queues that runs wait in, by name, and what each is called at the broker."""

import re

from django.conf import settings

DEFAULT_QUEUE = "default"
QUEUE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def names() -> tuple[str, ...]:
    """Return the queues that there are; runs that name none wait in the first."""
    return tuple(dict.fromkeys((DEFAULT_QUEUE, *settings.QUEUES)))


def of_workers() -> list[str]:
    """Return the queues that a worker with these settings takes runs from."""
    return list(dict.fromkeys(settings.WORKER_QUEUES or names()))


def at_broker(queue: str) -> str:
    """Return what the broker calls ``queue``. That of the default queue is also where all other work is ordered."""
    return str(settings.QUEUE) if queue == DEFAULT_QUEUE else f"{settings.QUEUE}.{queue}"
