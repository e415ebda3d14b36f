"""The API as a caller meets it, with a bell that advances runs in the process that rings it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from kombu import Producer
from kombu.exceptions import OperationalError
from pytest_django import DjangoDbBlocker

from kneo_project.celery import app


@pytest.fixture(scope="session", autouse=True)
def _heartbeat_may_beat(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let the thread that renews this process's leases do so between two tests as well."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(autouse=True)
def bell() -> Iterator[None]:
    """Let every message be handled where it is sent: before a request is answered, its run has come to rest."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def broken_bell(bell: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every message be refused, as by a broker that is gone."""

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError

    app.conf.task_always_eager = False
    monkeypatch.setattr(Producer, "publish", refuse)


class Api:
    """Sends JSON and reads JSON."""

    def __init__(self) -> None:
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, code: int = 200, **query: object) -> dict[str, Any]:
        """Return the body of the answer, which must have the given status."""
        return self._body(self.client.get(f"/v1{path}", query), code)

    def post(self, path: str, body: object = None, status: int = 200, key: str | None = None) -> dict[str, Any]:
        """Return the body of the answer, which must have the given status."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._body(self.client.post(f"/v1{path}", body, "application/json", headers=headers), status)

    def run(self, spec: dict[str, Any], status: int = 200, **order: object) -> dict[str, Any]:
        """Start a run of ``spec`` on "hi" unless ``order`` says otherwise, wait for it, and return the answer."""
        return self.post("/runs", {"input": "hi", "spec": spec, **order}, status)

    def errors_of(self, body: dict[str, Any], status: int) -> list[tuple[str, str]]:
        """Return the type and the field of every problem of an order with ``body``."""
        problems = self.post("/runs", body, status)["detail"]
        return [(problem["type"], ".".join(map(str, problem["loc"]))) for problem in problems]

    def _body(self, response: HttpResponse, status: int) -> dict[str, Any]:
        body: dict[str, Any] = response.json()  # type: ignore[attr-defined] # the test client adds it
        assert response.status_code == status, body
        return body


@pytest.fixture
def api(transactional_db: None) -> Api:
    """The API. Committed for real: the threads that run steps must see what a request wrote."""
    return Api()
