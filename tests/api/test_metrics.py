"""GET /metrics: what happened, counted once, and what is the case now."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from runs import statistics
from runs.engine.lifecycle import Status
from runs.models import HourlyTally, Run
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.factories import HumanTaskFactory, RunFactory

PUBLISHED = [
    "kneo_runs_started_total",
    "kneo_runs_completed_total",
    "kneo_runs_failed_total",
    "kneo_runs_dead_lettered_total",
    "kneo_runs_rejected_total",
    "kneo_tokens_input_total",
    "kneo_tokens_output_total",
    "kneo_tokens_total",
    "kneo_runs_queued",
    "kneo_runs_running",
    "kneo_worker_count",
]


def metrics() -> dict[str, float]:
    """Return every sample; a bucket of a histogram by its bound."""
    answer = Client().get("/metrics")
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(answer.content.decode())
    samples = (sample for family in families for sample in family.samples)
    return {sample.name + sample.labels.get("le", ""): sample.value for sample in samples}


def settle() -> None:
    while statistics.settle(settled_after=timedelta(0)):
        pass


def test_the_published_names_come_first_in_their_order_and_without_labels(api: Api) -> None:
    lines = Client().get("/metrics").content.decode().splitlines()
    samples = [line.split(" ")[0] for line in lines if not line.startswith("#")]
    assert samples[: len(PUBLISHED)] == PUBLISHED


def test_runs_and_their_steps_are_counted_once_however_often_they_are_added_up(api: Api) -> None:
    api.run(workflow("a", "b"))
    for _ in range(3):
        settle()
    now = metrics()
    assert (now["kneo_runs_started_total"], now["kneo_runs_completed_total"]) == (1, 1)
    assert (now["kneo_steps_completed_total"], now["kneo_step_duration_seconds_count"]) == (2, 2)
    assert (now["kneo_run_duration_seconds_count"], now["kneo_queue_wait_seconds_count"]) == (1, 1)


def test_counters_do_not_go_back_when_runs_are_pruned(api: Api) -> None:
    api.run(workflow("a"))
    settle()
    Run.objects.all().delete()
    api.run(workflow("a"))
    settle()
    assert metrics()["kneo_runs_completed_total"] == 2


def test_the_history_that_a_fork_begins_with_is_not_counted_again(api: Api) -> None:
    run_id = api.run(workflow("a", "b"))["run_id"]
    api.post(f"/runs/{run_id}/fork", {"checkpoint": 2})
    settle()
    now = metrics()
    assert (now["kneo_steps_completed_total"], now["kneo_runs_completed_total"]) == (3, 2)


def test_what_is_not_settled_yet_is_counted_later(api: Api) -> None:
    api.run(workflow("a"))
    statistics.settle(settled_after=timedelta(hours=1))
    assert metrics()["kneo_runs_completed_total"] == 0
    settle()
    assert metrics()["kneo_runs_completed_total"] == 1


def test_the_answers_of_people_are_counted_with_their_delay(api: Api) -> None:
    paused = api.run(workflow("a", "human"))
    task = api.get(f"/human-tasks/{paused['continuation_id']}")
    order = {"request_id": task["request"]["id"], "decision": "approved"}
    api.post(f"/human-tasks/{paused['continuation_id']}/resume", order)
    settle()
    settle()
    now = metrics()
    assert (now["kneo_human_tasks_answered_total"], now["kneo_human_answer_seconds_bucket+Inf"]) == (1, 1)


def test_a_refused_order_is_counted(api: Api, settings: Settings, broken_bell: None) -> None:
    settings.MAX_QUEUE_DEPTH = 1
    order = {"input": "hi", "spec": workflow("a"), "async_mode": True}
    api.post("/runs", order, 202)
    before = metrics()["kneo_runs_rejected_total"]
    for _ in range(3):
        api.post("/runs", order, 503)
    assert metrics()["kneo_runs_rejected_total"] == before + 3


def test_gauges_show_what_waits_and_for_how_long(api: Api) -> None:
    now = timezone.now()
    RunFactory.create(status=Status.CREATED, output_text=None, wake_at=now - timedelta(minutes=10))
    RunFactory.create(status=Status.RUNNING, lease_owner="w", wake_at=None)
    HumanTaskFactory.create(created_at=now - timedelta(days=1), expires_at=now - timedelta(hours=1))
    seen = metrics()
    assert (seen["kneo_runs_queued"], seen["kneo_runs_running"], seen["kneo_runs_blocked"]) == (1, 1, 1)
    assert (seen["kneo_human_tasks_open"], seen["kneo_human_tasks_overdue"]) == (1, 1)
    assert 600 <= seen["kneo_queue_oldest_seconds"] < 700
    assert 86_400 <= seen["kneo_human_task_oldest_seconds"] < 86_500


def test_the_operators_charts_know_hours_and_workflows(api: Api) -> None:
    api.run(workflow("a"))
    settle()
    (tally,) = HourlyTally.objects.filter(kind="completed")
    assert (tally.count, tally.hour.minute, bool(tally.workflow_name)) == (1, 0, True)


def test_metrics_can_be_switched_off_and_are_not_under_the_version(settings: Settings, client: Client) -> None:
    assert client.get("/v1/metrics").status_code == 404
    settings.METRICS_ENABLED = False
    assert client.get("/metrics").status_code == 404
