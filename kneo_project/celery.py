"""The Celery app: queues that work as doorbells, and a beat that asks for the sweep.

Losing, doubling or delaying a message costs time and never work, so publishing may fail: it does so within a second or
two instead of holding the web request that rings, and the sweep rings again.
"""

import logging
import os
from contextvars import copy_context
from typing import Any

from celery import Celery, Task
from celery.signals import worker_ready
from celery.utils import uuid
from django.conf import settings
from kombu import Queue
from kombu.exceptions import OperationalError
from kombu.transport import TRANSPORT_ALIASES

from kneo_project import queues, spans

logger = logging.getLogger(__name__)
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 0.5
STOP_LOOK_SECONDS = 0.5

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kneo_project.settings")
TRANSPORT_ALIASES["kneo-files"] = "kneo_project.broker:Transport"


def broker_settings(url: str) -> dict[str, Any]:
    """Return the Celery settings that make publishing to the broker ``url`` fail fast and lose little."""
    common = {
        "broker_connection_timeout": CONNECT_SECONDS,
        "task_routes": {"*": {"timeout": ANSWER_SECONDS, "confirm_timeout": ANSWER_SECONDS}},
        "task_publish_retry": False,
    }
    scheme = url.partition(":")[0]
    if scheme == "kneo-files":
        return common | {"broker_transport_options": {"folder": str(settings.BROKER_DIR)}}
    if scheme.startswith("redis"):
        # The client reconnects by itself. A worker waits a second for each message, so its timeout must be longer.
        options = {"max_retries": 0, "socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": 1.5}
        return common | {"broker_transport_options": options}
    timeouts = {"read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS}
    return common | {
        "broker_transport_options": {"max_retries": 0, "confirm_publish": True} | timeouts,
        # One more try at once: a kept connection may have been closed since it was used last.
        "task_publish_retry": True,
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0},
    }


app = Celery("kneo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    **broker_settings(settings.BROKER_URL),
    # What a worker listens to, unless its command line says otherwise.
    task_queues=[Queue(queues.at_broker(name)) for name in queues.of_workers()],
    # Nothing in a message is worth a disk write of the broker: the row is the truth.
    task_default_delivery_mode="transient",
    # Nobody commands workers through the broker; cancelling goes through the run's row.
    worker_enable_remote_control=False,
    # The schedule is static: there is no file to corrupt, and any number of beats may run.
    beat_scheduler="kneo_project.beat:SweepingScheduler",
    beat_schedule={
        "sweep": {
            "task": "runs.sweep",
            "schedule": settings.SWEEP_SECONDS,
            "options": {"run_here": True},
        },
        "schedules": {
            "task": "runs.fire_schedules",
            "schedule": settings.SWEEP_SECONDS,
            "options": {"run_here": True},
        },
        "bulk": {
            "task": "runs.work_off_bulk",
            "schedule": settings.SWEEP_SECONDS,
            "options": {"run_here": True},
        },
        "statistics": {
            "task": "runs.settle_statistics",
            "schedule": settings.STATISTICS_SECONDS,
            "options": {"run_here": True},
        },
        # It takes long, and has time: a worker does it.
        "retention": {
            "task": "runs.prune",
            "schedule": settings.RETENTION_SECONDS,
            "options": {"expires": settings.RETENTION_SECONDS},
        },
        "webhooks": {
            "task": "webhooks.look",
            "schedule": settings.SWEEP_SECONDS,
            "options": {"run_here": True},
        },
    },
)
app.autodiscover_tasks()


def publish(task: Task[..., None], *arguments: str, **options: Any) -> bool:
    """Send a message; return False when the broker cannot be reached, which a later sweep makes good."""
    message_id = uuid()
    try:
        # What listens to the sending of messages leaves its context behind when one cannot be sent.
        copy_context().run(task.apply_async, arguments, task_id=message_id, **options)
    except OperationalError:
        spans.forget_message(task, message_id)
        logger.warning("Broker not reachable; the sweep will look at what this message was about")
        return False
    return True


def bell_lifetime() -> float:
    """Return for how many seconds a bell is of use: after that the next sweep has rung again."""
    return max(settings.SWEEP_SECONDS * 2, 5.0)


@worker_ready.connect
def notice_stop_requests(**ready: Any) -> None:
    """Wake the worker's event loop now and then: told to stop while idle, it would look up only after ten seconds.

    Celery forgets the timer together with the connection, and is ready again once it has another one.
    """
    hub = ready["sender"].hub
    if hub is not None:
        hub.call_repeatedly(STOP_LOOK_SECONDS, bool)
