"""GET /v1/runs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.engine.lifecycle import Status
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.factories import EPOCH, CheckpointFactory, HumanTaskFactory, RunFactory

ITEM_KEYS = {
    "id",
    "status",
    "agent_name",
    "workflow_name",
    "workflow_kind",
    "input_text",
    "output_text",
    "current_step_index",
    "current_step_id",
    "current_node_id",
    "visited_steps",
    "visited_nodes",
    "messages",
    "pending_human_request",
    "continuation_id",
    "trace_dropped",
    "metadata",
    "error",
    "parent_run_id",
    "session_id",
    "tags",
    "created_at",
    "updated_at",
    "started_at",
    "completed_at",
    "deadline_at",
    "trace_event_count",
}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def cast(api: Api) -> Api:
    """Four runs, named by their agents, each a minute younger than the one before."""
    RunFactory.create(agent_name="done", session_id="s-1", created_at=EPOCH)
    RunFactory.create(agent_name="queued", status=Status.CREATED, output_text=None, created_at=EPOCH + MINUTE)
    RunFactory.create(agent_name="going", status=Status.RUNNING, workflow_name=None, created_at=EPOCH + 2 * MINUTE)
    RunFactory.create(
        agent_name="broken",
        status=Status.FAILED,
        workflow_name="other",
        output_text=None,
        error_type="ValueError",
        error_message="100% Wrong",
        deadline_at=EPOCH,
        created_at=EPOCH + 3 * MINUTE,
    )
    return api


def names(api: Api, **query: object) -> list[str]:
    """Return the agents of the listed runs, oldest first unless the query says otherwise."""
    listed = api.get("/runs", **{"sort_by": "created_at", "sort_order": "asc", **query})
    return [run["agent_name"] for run in listed["runs"]]


def test_an_empty_list_has_the_whole_envelope(api: Api) -> None:
    assert api.get("/runs") == {
        "runs": [],
        "count": 0,
        "total": 0,
        "window": 10000,
        "limit": 100,
        "offset": 0,
        "sort_by": "updated_at",
        "sort_order": "desc",
        "next_cursor": None,
    }


def test_an_item_has_every_documented_key(api: Api) -> None:
    run_id = api.run(workflow("a", "human"), session_id="s-1", overrides={"agent": {"name": "x"}})["run_id"]
    (item,) = api.get("/runs")["runs"]
    assert item.keys() >= ITEM_KEYS
    assert (item["id"], item["session_id"], item["visited_steps"]) == (run_id, "s-1", ["a"])
    assert [message["content"] for message in item["messages"]] == ["hi", "hi>a"]


def test_an_item_has_the_overrides_but_no_copy_of_the_spec(api: Api) -> None:
    api.run(workflow("a"), overrides={"agent": {"name": "x"}})
    (item,) = api.get("/runs")["runs"]
    assert item["metadata"]["overrides"] == {"agent": {"name": "x"}}
    assert item["metadata"].keys().isdisjoint({"spec", "frozen_spec", "trace"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "completed"}, ["done"]),
        ({"status": "running"}, ["queued", "going"]),
        ({"status": "created"}, []),
        ({"status": "unheard-of"}, []),
        ({"status": ""}, ["done", "queued", "going", "broken"]),
        ({"workflow_kind": "workflow"}, ["done", "queued", "broken"]),
        ({"workflow_kind": "agent"}, ["going"]),
        ({"workflow_kind": "sequential"}, []),
        ({"workflow_kind": ""}, []),
        ({"workflow_name": "other"}, ["broken"]),
        ({"workflow_name": ""}, []),
        ({"session_id": "s-1"}, ["done"]),
        ({"session_id": ""}, []),
        ({"has_error": "true"}, ["broken"]),
        ({"has_error": "NO"}, ["done", "queued", "going"]),
        ({"created_after": "2026-01-01T00:02:00Z"}, ["going", "broken"]),
        ({"created_before": "2026-01-01T01:01:00+01:00"}, ["done", "queued"]),
        ({"created_after": "2026-01-01", "created_before": "2026-01-01"}, ["done"]),
        ({"q": "HI>A"}, ["done", "going"]),
        ({"q": "100% wrong"}, ["broken"]),
        ({"q": "_"}, []),
        ({"q": "0%w"}, []),
        ({"q": ""}, ["done", "queued", "going", "broken"]),
        ({"status": "running", "workflow_kind": "agent"}, ["going"]),
    ],
)
def test_a_filter_keeps_what_matches(cast: Api, query: dict[str, str], expected: list[str]) -> None:
    assert names(cast, **query) == expected
    assert cast.get("/runs", **query)["total"] == len(expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sort_by": "agent_name", "sort_order": "asc"}, ["broken", "done", "going", "queued"]),
        ({"sort_by": "agent_name", "sort_order": "desc"}, ["queued", "going", "done", "broken"]),
        ({"sort_by": "updated_at", "sort_order": "desc"}, ["broken", "going", "queued", "done"]),
        ({"sort_by": "status", "sort_order": "asc"}, ["done", "broken", "going", "queued"]),
        ({"sort_by": "session_id", "sort_order": "asc"}, ["done", "broken", "going", "queued"]),
        ({"sort_by": "session_id", "sort_order": "desc"}, ["done", "broken", "going", "queued"]),
        ({"sort_by": "error.type", "sort_order": "asc"}, ["broken", "going", "queued", "done"]),
        ({"sort_by": "deadline_at", "sort_order": "desc"}, ["broken", "going", "queued", "done"]),
        ({"sort_by": "unheard.of", "sort_order": "asc"}, ["broken", "going", "queued", "done"]),
        ({"sort_by": "", "sort_order": "asc"}, ["broken", "going", "queued", "done"]),
    ],
)
def test_missing_values_come_last_and_unknown_keys_change_nothing(
    cast: Api, query: dict[str, str], expected: list[str]
) -> None:
    assert names(cast, **query) == expected


@pytest.mark.parametrize(
    ("query", "expected", "count"),
    [
        ({"limit": 2}, ["done", "queued"], 2),
        ({"limit": 2, "offset": 3}, ["broken"], 1),
        ({"offset": 10_000}, [], 0),
        ({"limit": "1.0", "offset": "+1"}, ["queued"], 1),
    ],
)
def test_pages_are_cut_and_the_total_stays(cast: Api, query: dict[str, Any], expected: list[str], count: int) -> None:
    page = cast.get("/runs", sort_by="created_at", sort_order="asc", **query)
    assert [run["agent_name"] for run in page["runs"]] == expected
    assert (page["count"], page["total"]) == (count, 4)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"limit": 0}, "greater_than_equal"),
        ({"limit": 1001}, "less_than_equal"),
        ({"limit": ""}, "int_parsing"),
        ({"offset": -1}, "greater_than_equal"),
        ({"offset": 10_001}, "less_than_equal"),
        ({"sort_order": "ASC"}, "enum"),
        ({"has_error": ""}, "bool_parsing"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(api: Api, query: dict[str, object], kind: str) -> None:
    (problem,) = api.get("/runs", 422, **query)["detail"]
    assert (problem["type"], problem["loc"]) == (kind, ["query", next(iter(query))])


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-01-01T00:00:00 01:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_is_none_is_refused(api: Api, moment: str) -> None:
    detail = api.get("/runs", 422, created_after=moment)["detail"]
    assert (detail["error"], detail["param"]) == ("invalid_timestamp", "created_after")


def test_unknown_parameters_are_refused(api: Api) -> None:
    detail = api.get("/runs", 422, colour="red", limit=0)["detail"]
    assert (detail["error"], detail["unknown"]) == ("unknown_query_parameters", ["colour"])


def test_a_longer_page_takes_no_more_queries(api: Api) -> None:
    def queries_for(limit: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert api.get("/runs", limit=limit)["count"] == limit
        return len(captured)

    for _ in range(5):
        CheckpointFactory.create(run=HumanTaskFactory.create().run)
    assert queries_for(1) == queries_for(5) <= 6
