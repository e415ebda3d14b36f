"""GET /v1/runs/{run_id}/checkpoints and /trace."""

import pytest
from django.test import override_settings

from tests.api.conftest import Api
from tests.api.specs import agent, workflow
from tests.factories import CheckpointFactory, RunFactory, TraceEventFactory

CHECKPOINT_KEYS = {
    "id",
    "run_id",
    "type",
    "workflow_name",
    "step_id",
    "node_id",
    "sequence",
    "iteration",
    "state",
    "trace_events",
    "metadata",
    "created_at",
}
EVENT_KEYS = {
    "type",
    "run_id",
    "event_id",
    "timestamp",
    "parent_event_id",
    "span_id",
    "parent_span_id",
    "agent_name",
    "workflow_name",
    "step_id",
    "runtime_mode",
    "model_provider",
    "model_name",
    "tool_name",
    "guardrail_id",
    "memory_policy",
    "input_preview",
    "output_preview",
    "metadata",
    "error",
}


def test_the_checkpoints_tell_the_story_in_order(api: Api) -> None:
    run_id = api.run(workflow("a", "b"))["run_id"]
    page = api.get(f"/runs/{run_id}/checkpoints")
    assert page["run_id"] == run_id
    assert [(each["sequence"], each["type"], each["step_id"]) for each in page["checkpoints"]] == [
        (1, "run_started", None),
        (2, "step_completed", "a"),
        (3, "step_completed", "b"),
        (4, "run_completed", None),
    ]
    assert all(each.keys() == CHECKPOINT_KEYS for each in page["checkpoints"])


def test_a_step_tells_what_it_received_and_returned(api: Api) -> None:
    run_id = api.run(workflow("a"))["run_id"]
    (step,) = api.get(f"/runs/{run_id}/checkpoints", type="step_completed")["checkpoints"]
    facts = dict(step["metadata"])
    assert facts.pop("duration_ms") >= 0
    assert facts == {
        "workflow_type": "sequential",
        "input_text": "hi",
        "output_text": "hi>a",
        "error": None,
        "iteration": 1,
        "attempt": 1,
    }


def test_the_state_is_that_of_the_moment(api: Api) -> None:
    answer = api.run(workflow("a", "human", "b"), session_id="s-1")
    api.post(f"/runs/{answer['run_id']}/cancel")
    states = [each["state"] for each in api.get(f"/runs/{answer['run_id']}/checkpoints")["checkpoints"]]
    assert [state["status"] for state in states] == ["running", "running", "blocked", "cancelled"]
    assert [state["visited_steps"] for state in states] == [[], ["a"], ["a"], ["a"]]
    assert [state["continuation_id"] for state in states] == [None, None, answer["continuation_id"], None]
    assert states[3]["error"] == {"message": "Run cancellation requested.", "type": "cancelled"}
    assert states[0]["session_id"] == "s-1"


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("run_started", {"target": "workflow", "environment": None, "timeout_seconds": None, "deadline_at": None}),
        ("run_failed", {"error": {"message": "boom hi", "type": "RuntimeError"}}),
    ],
)
def test_each_type_has_metadata_of_its_own(api: Api, kind: str, facts: dict[str, object]) -> None:
    run_id = api.run(workflow("boom"), 500)["detail"]["run_id"]
    (checkpoint,) = api.get(f"/runs/{run_id}/checkpoints", type=kind)["checkpoints"]
    assert checkpoint["metadata"] == facts


def test_a_failed_step_tells_its_error(api: Api) -> None:
    run_id = api.run(workflow("boom"), 500)["detail"]["run_id"]
    (step,) = api.get(f"/runs/{run_id}/checkpoints", type="step_failed")["checkpoints"]
    assert (step["metadata"]["error"], step["metadata"]["output_text"]) == ("boom hi", None)


def test_a_pause_and_its_resumption_name_the_task(api: Api) -> None:
    answer = api.run(workflow("human"))
    request = answer["metadata"]["request"]
    decision = {"request_id": request["id"], "decision": "approved"}
    api.post(f"/human-tasks/{answer['continuation_id']}/resume", decision)
    rows = {each["type"]: each for each in api.get(f"/runs/{answer['run_id']}/checkpoints")["checkpoints"]}
    assert rows["human_pause"]["metadata"] == {"continuation_id": answer["continuation_id"], "request": request}
    assert rows["human_resume"]["metadata"]["continuation_id"] == answer["continuation_id"]


def test_trace_events_come_with_the_checkpoint_they_were_written_with(api: Api) -> None:
    run_id = api.run(workflow("a", "b"))["run_id"]
    page = api.get(f"/runs/{run_id}/checkpoints")["checkpoints"]
    assert [[event["type"] for event in each["trace_events"]] for each in page] == [
        [],
        ["workflow_started"],
        [],
        ["workflow_completed"],
    ]


def test_checkpoints_are_sorted_and_cut_in_either_direction(api: Api) -> None:
    run = RunFactory.create()
    for sequence in (2, 3, 4):
        CheckpointFactory.create(run=run, sequence=sequence)
    page = api.get(f"/runs/{run.pk}/checkpoints", sort_order="desc", limit=1, offset=1)
    assert [each["sequence"] for each in page["checkpoints"]] == [3]
    assert (page["count"], page["total"]) == (1, 3)


def test_checkpoints_are_redacted(api: Api) -> None:
    run_id = api.run(agent(), input="password=hunter2")["run_id"]
    assert "hunter2" not in str(api.get(f"/runs/{run_id}/checkpoints"))


def test_an_event_has_every_key(api: Api) -> None:
    run_id = api.run(agent())["run_id"]
    page = api.get(f"/runs/{run_id}/trace")
    assert [event["type"] for event in page["events"]] == ["run_started", "run_completed"]
    assert all(event.keys() == EVENT_KEYS for event in page["events"])
    assert page["events"][1]["model_provider"] == "dummy"
    assert (page["run_id"], page["dropped"], page["complete"]) == (run_id, 0, True)


def test_a_trace_with_gaps_says_so(api: Api) -> None:
    run = RunFactory.create(trace_count=8)
    with override_settings(TRACE_MAX_EVENTS=1):
        page = api.get(f"/runs/{run.pk}/trace")
    assert (page["dropped"], page["complete"]) == (7, False)


def test_the_trace_keeps_the_order_in_which_it_was_written(api: Api) -> None:
    run = RunFactory.create()
    second = TraceEventFactory.create(run=run, number=2, at=run.created_at)
    first = TraceEventFactory.create(run=run, number=1)
    page = api.get(f"/runs/{run.pk}/trace")
    assert [event["event_id"] for event in page["events"]] == [str(first.public_id), str(second.public_id)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"event_type": "run_completed"}, ["run_completed"]),
        ({"event_type": "unheard-of"}, []),
        ({"event_type": "", "limit": 1}, ["run_started"]),
        ({"sort_order": "desc"}, ["run_completed", "run_started"]),
        ({"sort_by": "type"}, ["run_completed", "run_started"]),
        ({"offset": 1}, ["run_completed"]),
    ],
)
def test_the_trace_is_filtered_sorted_and_cut(api: Api, query: dict[str, object], expected: list[str]) -> None:
    run_id = api.run(agent())["run_id"]
    assert [event["type"] for event in api.get(f"/runs/{run_id}/trace", **query)["events"]] == expected
