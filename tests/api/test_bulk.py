"""Doing something to many runs at once."""

from typing import Any

import pytest
from pytest_django import Settings

from kneo_project.audit.models import AuditEvent
from runs.bulk import work_off
from runs.engine.lifecycle import Status
from runs.models import BulkOperation, Run
from runs.tasks import work_off_bulk
from tests.api.conftest import Api
from tests.api.specs import workflow


def failed(api: Api, count: int) -> list[str]:
    """Return the ids of runs that failed."""
    for _ in range(count):
        api.post("/runs", {"input": "hi", "spec": workflow("a", "boom")}, 500)
    return [str(pk) for pk in Run.objects.filter(status=Status.FAILED).values_list("pk", flat=True)]


def blocked(api: Api, count: int, **order: Any) -> list[str]:
    """Return the ids of runs that wait for a person."""
    return [str(api.run(workflow("a", "human"), **order)["run_id"]) for _ in range(count)]


def order(api: Api, action: str, status: int = 202, key: str | None = None, **fields: Any) -> dict[str, Any]:
    return api.post("/runs/bulk", {"action": action, **fields}, status, key)


def test_every_run_that_matches_is_cancelled_and_no_other(api: Api) -> None:
    meant = blocked(api, 3, tags=["old"])
    blocked(api, 1, tags=["new"])
    ordered = order(api, "cancel", filter={"tag": "old", "status": "blocked"})
    assert (ordered["status"], ordered["matched"], ordered["done"]) == ("running", 3, 0)
    work_off_bulk()
    now = api.get(f"/runs/bulk/{ordered['bulk_id']}")
    assert (now["status"], now["done"], now["skipped"]) == ("completed", 3, 0)
    assert {str(run.pk) for run in Run.objects.filter(status=Status.CANCELLED)} == set(meant)
    assert AuditEvent.objects.filter(event_type="run.cancelled").count() == 3


def test_it_is_done_a_batch_at_a_time(api: Api) -> None:
    blocked(api, 3)
    bulk_id = order(api, "cancel", filter={"status": "blocked"}, batch_size=2)["bulk_id"]
    work_off()
    assert api.get(f"/runs/bulk/{bulk_id}")["done"] == 2
    work_off()
    assert api.get(f"/runs/bulk/{bulk_id}")["status"] == "completed"


def test_runs_that_failed_go_on(api: Api) -> None:
    meant = failed(api, 2)
    bulk_id = order(api, "continue", filter={"status": "failed"})["bulk_id"]
    work_off_bulk()
    assert api.get(f"/runs/bulk/{bulk_id}")["done"] == 2
    assert AuditEvent.objects.filter(event_type="run.continued", run_id__in=meant, actor="anonymous").count() == 2


def test_runs_begin_again_as_forks_and_the_forks_are_not_meant_too(api: Api) -> None:
    original = str(api.run(workflow("a"), tags=["again"])["run_id"])
    order(api, "restart", filter={"tag": "again"})
    work_off_bulk()
    work_off_bulk()
    (fork,) = Run.objects.filter(parent__id=original)
    assert (fork.status, fork.output_text, Run.objects.count()) == (Status.COMPLETED, "hi>a", 2)


def test_a_run_that_does_not_allow_it_is_skipped_and_said_why(api: Api) -> None:
    run_id = str(api.run(workflow("a"))["run_id"])
    bulk_id = order(api, "continue", filter={"workflow_kind": "workflow"})["bulk_id"]
    work_off_bulk()
    now = api.get(f"/runs/bulk/{bulk_id}")
    assert (now["done"], now["skipped"], now["status"]) == (0, 1, "completed")
    assert (now["refusals"][0]["run_id"], now["refusals"][0]["error"]) == (run_id, "run_state_conflict")


def test_work_that_is_cancelled_goes_no_further(api: Api) -> None:
    blocked(api, 2)
    bulk_id = order(api, "cancel", filter={"status": "blocked"}, batch_size=1)["bulk_id"]
    work_off()
    assert api.post(f"/runs/bulk/{bulk_id}/cancel")["status"] == "cancelled"
    work_off()
    assert api.get(f"/runs/bulk/{bulk_id}")["done"] == 1
    assert Run.objects.filter(status=Status.BLOCKED).count() == 1


def test_a_full_queue_stops_the_work_until_there_is_room(api: Api, settings: Settings, broken_bell: None) -> None:
    waiting = api.post("/runs", {"input": "hi", "spec": workflow("a"), "async_mode": True}, 202)["run_id"]
    bulk_id = order(api, "restart", filter={"status": "running"})["bulk_id"]
    settings.MAX_QUEUE_DEPTH = 1
    work_off()
    assert api.get(f"/runs/bulk/{bulk_id}")["done"] == 0
    settings.MAX_QUEUE_DEPTH = 5
    work_off()
    assert api.get(f"/runs/bulk/{bulk_id}")["done"] == 1
    assert Run.objects.filter(parent=waiting).exists()


def test_a_dry_run_only_counts(api: Api) -> None:
    blocked(api, 2)
    counted = order(api, "cancel", 200, filter={"status": "blocked"}, dry_run=True)
    assert counted == {"action": "cancel", "filter": {"status": ["blocked"]}, "matched": 2}
    assert not BulkOperation.objects.exists()


def test_the_same_key_orders_it_once(api: Api) -> None:
    blocked(api, 1)
    first, again = (order(api, "cancel", filter={"status": "blocked"}, key="k") for _ in range(2))
    assert first["bulk_id"] == again["bulk_id"]
    refused = order(api, "cancel", 409, filter={"status": "failed"}, key="k")
    assert refused["detail"]["error"] == "idempotency_key_conflict"


@pytest.mark.parametrize(
    ("wrong", "loc"),
    [
        ({"filter": {}}, ["body", "filter"]),
        ({}, ["body", "filter"]),
        ({"filter": {"colour": "red"}}, ["body", "filter", "colour"]),
        ({"filter": {"has_error": "maybe"}}, ["body", "filter", "has_error"]),
        ({"filter": {"status": {"a": 1}}}, ["body", "filter", "status"]),
        ({"filter": {"status": ""}}, ["body", "filter", "status"]),
        ({"filter": {"status": "blocked", "tag": []}}, ["body", "filter", "tag"]),
        ({"filter": {"q": ""}, "dry_run": True}, ["body", "filter", "q"]),
        ({"filter": {"status": "failed"}, "batch_size": 501}, ["body", "batch_size"]),
        ({"filter": {"status": "failed"}, "action": "explode"}, ["body", "action"]),
    ],
)
def test_an_order_that_could_mean_too_much_is_refused(api: Api, wrong: dict[str, Any], loc: list[str]) -> None:
    refused = api.post("/runs/bulk", {"action": "cancel", **wrong}, 422)
    assert refused["detail"][0]["loc"] == loc
    assert not BulkOperation.objects.exists()


def test_work_is_listed_and_unknown_work_is_not_found(api: Api) -> None:
    blocked(api, 1)
    order(api, "cancel", filter={"status": "blocked"})
    assert [each["action"] for each in api.get("/runs/bulk")["operations"]] == ["cancel"]
    assert api.get("/runs/bulk", status="completed")["operations"] == []
    assert api.get("/runs/bulk/00000000-0000-4000-8000-000000000000", 404)["detail"]["error"] == "not_found"


def test_what_runs_were_looked_for_by_is_shown_redacted(api: Api) -> None:
    told = order(api, "cancel", filter={"q": "password=hunter2"})
    for shown in (told, api.get(f"/runs/bulk/{told['bulk_id']}"), *api.get("/runs/bulk")["operations"]):
        assert shown["filter"] == {"q": ["password=[REDACTED]"]}
