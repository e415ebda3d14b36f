"""Ringing the bell never holds a request: a broker that is down or silent is given up on within seconds."""

import socket
import time
from collections.abc import Iterator

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from kneo_project.celery import app, broker_settings

LONGEST_SECONDS = 4.0  # half of it is measured; the rest is for a busy machine


def bell(url: str) -> Celery:
    """Return an app that rings at the broker ``url`` as ours would."""
    ringing = Celery("bell", broker=url, set_as_current=False)
    ringing.conf.update(broker_settings(url))
    return ringing


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
@pytest.mark.parametrize("port", ["closed_port", "silent_port"])
def test_a_broker_that_does_not_answer_is_given_up_on(scheme: str, port: str, request: pytest.FixtureRequest) -> None:
    url = f"{scheme}://127.0.0.1:{request.getfixturevalue(port)}/0"
    started_at = time.monotonic()
    with pytest.raises(OperationalError):
        bell(url).send_task("runs.advance_run", ("some-id",))
    assert time.monotonic() - started_at < LONGEST_SECONDS


def test_the_embedded_broker_takes_the_bell_without_any_server() -> None:
    app.send_task("runs.advance_run", ("some-id",))
    assert app.control.purge() >= 1


@pytest.mark.django_db  # loading the tasks has Celery check the models, which asks the database what it can do
def test_the_beat_does_what_is_on_its_schedule_in_its_own_process_but_for_what_takes_long() -> None:
    app.loader.import_default_modules()
    entries = app.conf.beat_schedule.values()
    assert {entry["task"] for entry in entries} == {
        "runs.sweep",
        "runs.fire_schedules",
        "runs.work_off_bulk",
        "runs.settle_statistics",
        "runs.prune",
        "webhooks.look",
    }
    assert all(entry["task"] in app.tasks for entry in entries)
    elsewhere = {entry["task"] for entry in entries if not entry["options"].get("run_here")}
    assert elsewhere == {"runs.prune"}
