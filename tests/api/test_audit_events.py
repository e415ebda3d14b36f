"""GET /v1/audit-events."""

import uuid
from collections.abc import Iterator

import pytest
from django.core.cache import cache

from kneo_project.audit.models import AuditEvent
from kneo_project.audit.services import record
from tests.api.conftest import Api
from tests.api.specs import workflow


def kinds(api: Api, **asked: object) -> list[str]:
    """Return the types of the events that match."""
    return [event["event_type"] for event in api.get("/audit-events", **asked)["events"]]


def test_events_are_listed_the_newest_first_with_every_key(api: Api) -> None:
    run_id = api.run(workflow("human"))["run_id"]
    api.post(f"/runs/{run_id}/cancel")
    answer = api.get("/audit-events")
    assert [event["event_type"] for event in answer["events"]] == ["run.cancelled", "run.created"]
    created = answer["events"][1]
    assert created.keys() == {"id", "event_type", "run_id", "continuation_id", "actor", "metadata", "created_at"}
    assert (created["run_id"], created["actor"]) == (run_id, "anonymous")
    assert (answer["count"], answer["total"], answer["sort_by"], answer["sort_order"]) == (2, 2, "created_at", "desc")


def test_events_are_filtered_by_type_and_run(api: Api) -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    for kind, run_id in (("a.one", first), ("a.two", first), ("a.one", second)):
        record(kind, actor="op", run_id=run_id)
    assert kinds(api, run_id=first, sort_order="asc") == ["a.one", "a.two"]
    assert kinds(api, event_type="a.one") == ["a.one", "a.one"]
    assert kinds(api, event_type="a.two", run_id=second) == []
    assert kinds(api, run_id="no-uuid") == []
    assert len(kinds(api, event_type="", run_id="")) == 3


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """Leave no count behind for the next test."""
    yield
    cache.clear()


@pytest.mark.usefixtures("nothing_remembered")
@pytest.mark.parametrize("count", [10_000, 10_002])
def test_the_total_counts_beyond_what_offsets_reach(api: Api, count: int) -> None:
    AuditEvent.objects.bulk_create(AuditEvent(event_type="a") for _ in range(count))
    assert api.get("/audit-events", limit=1)["total"] == count
    assert api.get("/audit-events", limit=1, event_type="b")["total"] == 0


def test_events_are_sorted_and_paged(api: Api) -> None:
    for kind in ("b", "c", "a"):
        record(kind, actor=None)
    assert kinds(api, sort_by="event_type", sort_order="asc") == ["a", "b", "c"]
    page = api.get("/audit-events", limit=1, offset=1)
    assert ([event["event_type"] for event in page["events"]], page["total"]) == (["c"], 3)


@pytest.mark.parametrize("asked", [{"limit": 0}, {"offset": -1}, {"sort_order": "up"}, {"colour": "red"}])
def test_what_is_asked_wrongly_is_told(api: Api, asked: dict[str, object]) -> None:
    api.get("/audit-events", 422, **asked)
