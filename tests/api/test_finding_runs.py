"""Finding runs again: labels, times, lengths, pages without end, and how many there are."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from runs.engine.lifecycle import Status
from runs.models import Run
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.factories import EPOCH, RunFactory, TraceEventFactory

MINUTE = timedelta(minutes=1)


def started(api: Api, **order: object) -> str:
    """Return the id of a run that the caller described by ``order``."""
    return str(api.run(workflow("a"), **order)["run_id"])


def found(api: Api, **query: object) -> list[str]:
    return [run["id"] for run in api.get("/runs", **query)["runs"]]


def pages(api: Api, path: str, **query: object) -> Iterator[dict[str, Any]]:
    """Walk a list by its cursors."""
    page = api.get(path, **query)
    yield page
    while page["next_cursor"]:
        page = api.get(path, **query, cursor=page["next_cursor"])
        yield page


def test_a_run_is_found_by_all_its_tags(api: Api) -> None:
    both = started(api, tags=["billing", "eu"])
    started(api, tags=["billing"])
    listed = api.client.get("/v1/runs?tag=billing&tag=eu").json()["runs"]
    assert [(run["id"], run["tags"]) for run in listed] == [(both, ["billing", "eu"])]
    assert api.get(f"/runs/{both}")["tags"] == ["billing", "eu"]


def test_a_run_is_found_by_what_its_caller_noted(api: Api) -> None:
    run_id = started(api, metadata={"team": "billing", "ticket": 17, "urgent": True, "deep": {"team": "x"}})
    started(api, metadata={"team": "sales"})
    for pair in ("team:billing", "ticket:17", "urgent:true"):
        assert found(api, metadata=pair) == [run_id]
    assert found(api, metadata="deep:x") == []


def test_a_secret_among_the_metadata_cannot_be_guessed(api: Api) -> None:
    started(api, metadata={"password": "hunter2", "note": "Bearer abcdefghijklmnopqrstuvwx"})
    assert found(api, metadata="password:hunter2") == []
    assert found(api, metadata="note:Bearer abcdefghijklmnopqrstuvwx") == []


@pytest.mark.parametrize("tag", ["", "two words", "-dash", "x" * 65, "a,b"])
def test_a_tag_is_a_word(api: Api, tag: str) -> None:
    refused = api.post("/runs", {"input": "hi", "spec": workflow("a"), "tags": [tag]}, 422)
    assert refused["detail"][0]["loc"][:2] == ["body", "tags"]
    assert not Run.objects.exists()


@pytest.mark.parametrize("query", ["metadata=team", "metadata=:x", "min_duration_seconds=soon", "cursor=W10"])
def test_a_filter_that_says_nothing_is_refused(api: Api, query: str) -> None:
    answer = api.client.get(f"/v1/runs?{query}")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", query.partition("=")[0]])


def test_a_fork_keeps_the_tags_of_its_parent(api: Api) -> None:
    parent = started(api, tags=["billing"])
    fork = api.post(f"/runs/{parent}/fork", {})["run_id"]
    assert set(found(api, tag="billing")) == {parent, fork}
    assert found(api, parent_run_id=parent) == [fork]


def test_runs_are_found_by_when_they_ended_and_how_long_they_took(api: Api) -> None:
    for minutes in (1, 5, 60):
        RunFactory.create(
            agent_name=str(minutes), created_at=EPOCH, started_at=EPOCH, completed_at=EPOCH + minutes * MINUTE
        )
    RunFactory.create(agent_name="unfinished", status=Status.RUNNING, created_at=EPOCH, started_at=EPOCH)

    def agents(**query: object) -> set[str]:
        return {run["agent_name"] for run in api.get("/runs", **query)["runs"]}

    assert agents(min_duration_seconds=300) == {"5", "60"}
    assert agents(max_duration_seconds="300.0") == {"1", "5"}
    assert agents(completed_after=(EPOCH + 2 * MINUTE).isoformat()) == {"5", "60"}
    assert agents(completed_before=(EPOCH + 2 * MINUTE).isoformat()) == {"1"}
    assert agents(started_before=(EPOCH - MINUTE).isoformat()) == set()


@pytest.mark.parametrize("sort_order", ["asc", "desc"])
@pytest.mark.parametrize("sort_by", ["created_at", "updated_at", "completed_at", "status", "session_id", "id", ""])
def test_cursors_walk_through_every_run_once(api: Api, sort_by: str, sort_order: str) -> None:
    statuses = [Status.COMPLETED, Status.CREATED, Status.RUNNING, Status.FAILED, Status.COMPLETED, Status.BLOCKED]
    for number, status in enumerate(statuses):
        RunFactory.create(
            status=status,
            session_id=None if number % 2 else "s",
            created_at=EPOCH + MINUTE * (number // 2),  # some are as old as others
            completed_at=EPOCH if status is Status.COMPLETED else None,
        )
    query = {"sort_by": sort_by, "sort_order": sort_order}
    whole = [run["id"] for run in api.get("/runs", **query)["runs"]]
    walked = [run["id"] for page in pages(api, "/runs", limit=2, **query) for run in page["runs"]]
    assert walked == whole
    assert len(set(walked)) == len(statuses)


def test_runs_that_begin_meanwhile_do_not_move_the_next_page(api: Api) -> None:
    RunFactory.create_batch(4)
    query = {"sort_by": "created_at", "sort_order": "desc", "limit": 2}
    first = api.get("/runs", **query)
    RunFactory.create_batch(3)
    second = api.get("/runs", **query, cursor=first["next_cursor"])
    assert not {run["id"] for run in first["runs"]} & {run["id"] for run in second["runs"]}
    assert (second["count"], second["total"], second["next_cursor"]) == (2, 7, None)


def test_a_cursor_belongs_to_its_order(api: Api) -> None:
    RunFactory.create_batch(3)
    cursor = api.get("/runs", limit=1, sort_by="created_at")["next_cursor"]
    refused = api.get("/runs", 422, limit=1, sort_by="updated_at", cursor=cursor)
    assert refused["detail"][0]["loc"] == ["query", "cursor"]


@pytest.mark.parametrize(
    ("sort_by", "value"),
    [
        ("status", '"\\u0000"'),
        ("workflow_name", '"\\ud800"'),
        ("timeout_seconds", "Infinity"),
        ("attempts", "1e999"),
        ("deadline_at", '"0001-01-01T00:00:00+14:00"'),
        ("deadline_at", '"9999-12-31T23:59:59-14:00"'),
    ],
)
def test_a_cursor_that_somebody_made_up_is_refused(api: Api, sort_by: str, value: str) -> None:
    RunFactory.create_batch(2)
    place = f'["{sort_by} asc", {value}, "2026-01-01T00:00:00+00:00", "{Run.objects.all()[0].pk}"]'
    cursor = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
    refused = api.get("/runs", 422, sort_by=sort_by, sort_order="asc", cursor=cursor)
    assert refused["detail"][0]["loc"] == ["query", "cursor"]


def test_a_list_sorted_by_free_texts_has_no_cursor_that_could_tell_them(api: Api) -> None:
    RunFactory.create_batch(3, output_text="password=hunter2")
    assert api.get("/runs", limit=1, sort_by="output_text")["next_cursor"] is None


def test_a_trace_is_walked_by_cursors_too(api: Api) -> None:
    run = RunFactory.create()
    for number in range(5):
        TraceEventFactory.create(run=run, number=number + 1)
    walked = [len(page["events"]) for page in pages(api, f"/runs/{run.pk}/trace", limit=2)]
    assert walked == [2, 2, 1]


def test_skills_are_walked_by_cursors_too(api: Api) -> None:
    page = api.get("/skills", limit=1)
    assert page["next_cursor"] is None or api.get("/skills", limit=1, cursor=page["next_cursor"])["count"] == 1


def test_runs_are_counted_by_status(api: Api) -> None:
    RunFactory.create_batch(2)
    RunFactory.create(status=Status.CREATED, output_text=None)
    RunFactory.create(status=Status.RUNNING, agent_name="other")
    answer = api.get("/runs/counts")
    assert (answer["counts"]["completed"], answer["counts"]["running"], answer["counts"]["failed"]) == (2, 2, 0)
    assert (answer["queued"], answer["total"]) == (1, 4)
    assert api.get("/runs/counts", agent_name="other")["total"] == 1


def test_a_word_that_is_no_filter_does_not_count(api: Api) -> None:
    assert api.get("/runs/counts", 422, limit=1)["detail"]["unknown"] == ["limit"]
