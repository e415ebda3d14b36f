"""Queues and priorities, as callers and operators see them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from kneo_project.audit.models import AuditEvent
from runs.engine.lifecycle import Status
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.factories import RunFactory


@pytest.fixture
def gpu(settings: Settings) -> None:
    settings.QUEUES = ("gpu",)


def samples(name: str) -> dict[str, float]:
    """Return the samples of the metric ``name`` by queue."""
    families = text_string_to_metric_families(Client().get("/metrics").content.decode())
    found = [sample for family in families for sample in family.samples if sample.name == name]
    return {sample.labels["queue"]: sample.value for sample in found}


@pytest.mark.usefixtures("gpu")
def test_a_run_tells_where_it_was_asked_to_wait_and_is_found_by_it(api: Api) -> None:
    usual = api.run(workflow("a"), 202, async_mode=True)["run_id"]
    special = api.run(workflow("a"), 202, async_mode=True, queue="gpu", priority="high")["run_id"]
    shown = [api.get(f"/runs/{run_id}") for run_id in (usual, special)]
    assert [(run["queue"], run["priority"]) for run in shown] == [("default", "normal"), ("gpu", "high")]
    assert [run["id"] for run in api.get("/runs", queue="gpu")["runs"]] == [special]
    told = AuditEvent.objects.get(event_type="run.created", run_id=special).metadata
    assert (told["queue"], told["priority"]) == ("gpu", "high")


@pytest.mark.usefixtures("gpu")
def test_a_queue_that_is_not_set_up_is_refused_with_those_that_are(api: Api) -> None:
    [problem] = api.run(workflow("a"), 422, queue="gpus")["detail"]
    assert (problem["loc"], problem["type"]) == (["body", "queue"], "queue")
    assert problem["msg"].endswith("default, gpu")


def test_a_priority_is_one_of_three_words(api: Api) -> None:
    assert api.errors_of({"input": "hi", "spec": workflow("a"), "priority": 1}, 422) == [("enum", "body.priority")]


@pytest.mark.usefixtures("gpu")
def test_a_schedule_orders_its_runs_where_it_is_told(api: Api) -> None:
    order = {"name": "nightly", "cron": "@daily", "input": "hi", "spec": workflow("a"), "queue": "gpu"}
    made = api.post("/schedules", {**order, "priority": "low"}, 201)
    assert (made["queue"], made["priority"]) == ("gpu", "low")
    changed = api.client.patch("/v1/schedules/nightly", {"priority": "high"}, "application/json").json()
    assert (changed["queue"], changed["priority"]) == ("gpu", "high")
    run = api.get(f"/runs/{api.post('/schedules/nightly/trigger', status=202)['run_id']}")
    assert (run["queue"], run["priority"]) == ("gpu", "high")


@pytest.mark.usefixtures("gpu", "db")
def test_each_queue_tells_how_many_wait_in_it_and_for_how_long() -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    for minutes in (0, 1):
        RunFactory.create(status=Status.CREATED, queue="gpu", wake_at=long_ago + timedelta(minutes=minutes))
    RunFactory.create(status=Status.CREATED, queue="taken-away", wake_at=long_ago)
    assert samples("kneo_queue_length") == {"gpu": 2, "taken-away": 1, "default": 0}
    ages = samples("kneo_queue_age_seconds")
    assert 300 <= ages["gpu"] < 400
    assert ages["default"] == 0
