"""When a process begins to record spans: before it serves or works, and after any fork. Off, it costs nothing."""

import os
from importlib import import_module
from typing import Any

from celery.signals import beat_init, worker_init
from django.conf import settings


def begin_telemetry(role: str) -> None:
    """Record the spans of this process, which is one of ``role``, if the operator wants that.

    Raises:
        ImproperlyConfigured: the standard variables ask for what is not here.
    """
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if settings.OTEL_ENABLED and not is_disabled:
        import_module("kneo_project.telemetry.providing").begin(role)


def begin_in_celery() -> None:
    """Have every worker and beat begin, before they open a connection."""
    worker_init.connect(_begin_worker)
    beat_init.connect(_begin_beat)


def _begin_worker(**_: Any) -> None:
    begin_telemetry("worker")


def _begin_beat(**_: Any) -> None:
    begin_telemetry("beat")
