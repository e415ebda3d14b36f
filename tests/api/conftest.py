"""The API as a caller meets it, with a bell that advances runs in the process that rings it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from kombu import Producer
from kombu.exceptions import OperationalError

from kneo_project.apikeys.services import usage
from kneo_project.celery import app
from runs import heartbeat

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as TestResponse


@pytest.fixture(autouse=True)
def bell() -> Iterator[None]:
    """Let every message be handled where it is sent: before a request is answered, its run has come to rest."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture(autouse=True)
def database(db: None) -> None:
    """Whoever calls is looked for among the keys of the database: there are none, and no test counts that query."""
    usage.forget()
    usage.is_in_use()


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

    def get(self, path: str, code: int = 200, /, **query: object) -> dict[str, Any]:
        """Return the body of the answer, which must have the given status."""
        return _body(self.client.get(f"/v1{path}?{urlencode(query)}"), code)

    def post(self, path: str, body: object = None, status: int = 200, key: str | None = None) -> dict[str, Any]:
        """Return the body of the answer, which must have the given status."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return _body(self.client.post(f"/v1{path}", body, "application/json", headers=headers), status)

    def run(self, spec: dict[str, Any], status: int = 200, /, **order: object) -> dict[str, Any]:
        """Start a run of ``spec`` on "hi" unless ``order`` says otherwise, wait for it, and return the answer."""
        return self.post("/runs", {"input": "hi", "spec": spec, **order}, status)

    def errors_of(self, body: dict[str, Any], status: int) -> list[tuple[str, str]]:
        """Return the type and the field of every problem of an order with ``body``."""
        problems = self.post("/runs", body, status)["detail"]
        return [(problem["type"], ".".join(map(str, problem["loc"]))) for problem in problems]


def _body(response: "TestResponse", status: int) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert response.status_code == status, body
    return body


@pytest.fixture
def engine(transactional_db: None) -> Iterator[None]:
    """Runs that really run: what is written is committed, and the heartbeat ends with the test."""
    yield
    heartbeat.retire()


@pytest.fixture
def api(engine: None) -> Api:
    """The API."""
    return Api()
