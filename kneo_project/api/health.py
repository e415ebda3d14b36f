"""Whether the process lives, and whether it is ready to take requests."""

from typing import Any

from celery.exceptions import CeleryError
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema
from kombu.exceptions import KombuError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.permissions import principal_of
from kneo_project.api.views import ApiView
from kneo_project.celery import app
from kneo_project.errors import NotReady, StoreFull
from kneo_project.room import room
from kneo_project.schema import schema_difference
from kneo_project.version import version

SERVICE = "kneo-serv-platform"


class HealthSerializer(serializers.Serializer[Any]):
    """The answer of a probe."""

    ok = serializers.BooleanField()
    service = serializers.CharField()
    version = serializers.CharField()
    metadata = serializers.DictField()


class HealthView(ApiView):
    """A probe: public, and deaf to query parameters."""

    required_scope = None


@extend_schema(tags=["health"], responses=HealthSerializer)
class HealthzView(HealthView):
    """Answers as long as requests are answered at all."""

    def get(self, request: Request) -> Response:
        """Say so."""
        return Response(_health(status="healthy"))


@extend_schema(tags=["health"], responses=HealthSerializer)
class LivezView(HealthView):
    """Touches nothing, so that a slow database does not get the process restarted."""

    def get(self, request: Request) -> Response:
        """Say so."""
        return Response(_health(status="alive"))


@extend_schema(tags=["health"], responses=HealthSerializer)
class ReadyzView(HealthView):
    """Checks what a request needs: the database, with exactly the schema of this code, and the secrets it must have.

    A broker that is away delays runs and loses none, so it is reported and does not clear readiness; nor does a full
    disk, as what is stored can be read, and who orders is told. Details are for authenticated callers only.
    """

    def get(self, request: Request) -> Response:
        """Answer 200 when ready, else 503."""
        needed = _store_checks() | _app_checks()
        metadata: dict[str, Any] = {
            "ready": all(check["ok"] for check in needed.values()),
            "checks": needed | {"room": _room_check(), "queue": _broker_check()},
        }
        if principal_of(request) is None:
            metadata["checks"] = {name: {"name": name, "ok": each["ok"]} for name, each in metadata["checks"].items()}
        if not metadata["ready"]:
            raise NotReady(metadata=metadata)
        return Response(_health(**metadata))


def _health(**metadata: object) -> dict[str, Any]:
    return {"ok": True, "service": SERVICE, "version": version(), "metadata": metadata}


def _store_checks() -> dict[str, dict[str, Any]]:
    store = {"name": "run_state_store", "ok": True, "kind": connection.vendor}
    schema: dict[str, Any] = {"name": "schema", "ok": True}
    try:
        difference = schema_difference()
        schema |= {"ok": not difference, "missing": difference.missing, "unknown": difference.unknown}
    except InconsistentMigrationHistory:
        schema |= {"ok": False, "error": "inconsistent_history"}
    except DatabaseError:
        store |= {"ok": False, "error": "check_failed"}
        schema |= {"ok": False, "error": "check_failed"}
    return {"api": {"name": "api", "ok": True}, "run_state_store": store, "schema": schema}


def _app_checks() -> dict[str, dict[str, Any]]:
    """Return what the apps above this layer need."""
    checks: dict[str, dict[str, Any]] = {}
    for name in settings.READINESS_CHECKS:
        checks |= import_string(name)()
    return checks


def _room_check() -> dict[str, Any]:
    check: dict[str, Any] = {"name": "room", "ok": not room.is_lacking}
    return check if check["ok"] else check | {"error": StoreFull.code}


def _broker_check() -> dict[str, Any]:
    check: dict[str, Any] = {"name": "queue", "ok": True}
    try:
        with app.connection_for_write() as broker:
            check["kind"] = broker.transport_cls
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=1)
    except (KombuError, CeleryError, OSError):
        check |= {"ok": False, "error": "check_failed"}
    return check
