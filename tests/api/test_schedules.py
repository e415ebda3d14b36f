"""Schedules over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from kneo_project.audit.models import AuditEvent
from runs import tasks
from runs.models import Run, Schedule
from runs.schedules.timetable import timetable
from tests.api.conftest import Api
from tests.api.specs import workflow

NIGHTLY: dict[str, Any] = {"name": "nightly", "cron": "30 2 * * *", "time_zone": "Europe/Vienna", "input": "hi"}


def make(api: Api, status: int = 201, /, **fields: Any) -> dict[str, Any]:
    """Make a schedule of a workflow of one step unless ``fields`` say otherwise."""
    return api.post("/schedules", {**NIGHTLY, "spec": workflow("a"), **fields}, status)


def change(api: Api, status: int = 200, /, **fields: object) -> dict[str, Any]:
    response = api.client.patch("/v1/schedules/nightly", fields, "application/json")
    body: dict[str, Any] = response.json()
    assert response.status_code == status, body
    return body


def problem_of(body: dict[str, Any]) -> tuple[str, list[str]]:
    (problem,) = body["detail"]
    return problem["type"], problem["loc"]


def audited() -> list[str]:
    events = AuditEvent.objects.filter(event_type__startswith="schedule.").order_by("pk")
    return list(events.values_list("event_type", flat=True))


def test_a_schedule_is_made_shown_and_listed(api: Api) -> None:
    made = make(api, tags=["t", "t"], metadata={"team": "x", "password": "hidden"}, overlap="queue")
    assert (made["name"], made["overlap"], made["is_paused"], made["created_by"]) == (
        "nightly", "queue", False, "anonymous",
    )  # fmt: skip
    due = timetable("30 2 * * *", "Europe/Vienna").next_after(timezone.now())
    assert datetime.fromisoformat(made["next_at"]) == due
    assert (made["tags"], made["metadata"]) == (["t"], {"team": "x", "password": "[REDACTED]"})
    assert (made["last_outcome"], made["last_run_id"], len(made["spec_digest"])) == (None, None, 64)
    assert api.get("/schedules/nightly") == made
    assert api.get("/schedules")["schedules"] == [made]
    assert audited() == ["schedule.created"]


def test_a_run_is_started_when_it_is_due_and_found_by_its_schedule(api: Api) -> None:
    make(api)
    Schedule.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    tasks.fire_schedules()
    shown = api.get("/schedules/nightly")
    assert shown["last_outcome"] == "started"
    run = api.get(f"/runs/{shown['last_run_id']}")
    assert (run["status"], run["output_text"]) == ("completed", "hi>a")
    assert [each["run_id"] for each in api.get("/runs", metadata="schedule:nightly")["runs"]] == [run["run_id"]]


@pytest.mark.parametrize(
    ("fields", "kind", "field"),
    [
        ({"cron": "61 * * * *"}, "value_error", "cron"),
        ({"cron": "0 0 31 4 *"}, "value_error", "cron"),
        ({"time_zone": "Mars"}, "value_error", "time_zone"),
        ({"name": "a b"}, "name", "name"),
        ({"name": ""}, "blank", "name"),
        ({"overlap": "maybe"}, "enum", "overlap"),
        ({"misfire_grace_seconds": -1}, "greater_than_equal", "misfire_grace_seconds"),
        ({"misfire_grace_seconds": True}, "int_type", "misfire_grace_seconds"),
        ({"async_mode": True}, "extra_forbidden", "async_mode"),
        ({"next_at": None}, "extra_forbidden", "next_at"),
    ],
)
def test_what_makes_no_sense_makes_nothing(api: Api, fields: dict[str, object], kind: str, field: str) -> None:
    assert problem_of(make(api, 422, **fields)) == (kind, ["body", field])
    assert not Schedule.objects.exists()


def test_a_spec_that_cannot_run_makes_nothing(api: Api) -> None:
    refused = make(api, 400, spec={"version": "v1", "agent": {}})
    assert refused["detail"]["error"] == "spec_invalid"
    assert make(api, 400, spec=None)["detail"]["error"] == "invalid_request"
    assert make(api, 400, spec=None, environment="prod")["detail"]["error"] == "invalid_request"
    assert not Schedule.objects.exists()


def test_a_name_is_taken_once(api: Api) -> None:
    make(api)
    assert make(api, 409, cron="0 0 * * *")["detail"]["error"] == "schedule_exists"
    assert Schedule.objects.get().cron == NIGHTLY["cron"]


def test_only_what_is_named_changes(api: Api) -> None:
    made = make(api, tags=["t"])
    assert change(api) == made
    later = change(api, cron="30 3 * * *", input="ho")
    assert (later["cron"], later["input"], later["tags"], later["spec_digest"]) == (
        "30 3 * * *", "ho", ["t"], made["spec_digest"],
    )  # fmt: skip
    assert later["next_at"] != made["next_at"]
    assert change(api, spec=workflow("a", "b"))["spec_digest"] != made["spec_digest"]
    assert audited() == ["schedule.created", "schedule.updated", "schedule.updated"]
    event = AuditEvent.objects.filter(event_type="schedule.updated").earliest("pk")
    assert event.metadata["changed"] == ["cron", "input_text"]


def test_a_change_that_makes_no_sense_changes_nothing(api: Api) -> None:
    made = make(api)
    assert problem_of(change(api, 422, cron="no")) == ("value_error", ["body", "cron"])
    assert problem_of(change(api, 422, name="other")) == ("extra_forbidden", ["body", "name"])
    assert change(api, 400, environment="prod")["detail"]["error"] == "invalid_request"
    assert change(api, 400, spec={"version": "v1"})["detail"]["error"] == "spec_invalid"
    assert api.get("/schedules/nightly") == made


def test_a_paused_schedule_starts_nothing_until_it_is_resumed(api: Api) -> None:
    make(api)
    paused = api.post("/schedules/nightly/pause")
    assert (paused["is_paused"], paused["next_at"]) == (True, None)
    assert api.post("/schedules/nightly/pause") == paused
    assert change(api, cron="* * * * *")["next_at"] is None
    tasks.fire_schedules()
    resumed = api.post("/schedules/nightly/resume")
    assert datetime.fromisoformat(resumed["next_at"]) > datetime.now(UTC)
    assert not Run.objects.exists()
    assert audited() == ["schedule.created", "schedule.paused", "schedule.updated", "schedule.resumed"]


def test_it_may_be_made_paused(api: Api) -> None:
    assert make(api, is_paused=True)["next_at"] is None
    assert [each["name"] for each in api.get("/schedules", is_paused="true")["schedules"]] == ["nightly"]
    assert api.get("/schedules", is_paused="false")["schedules"] == []


def test_a_run_is_started_now_whatever_the_clock_says(api: Api) -> None:
    make(api, is_paused=True)
    accepted = api.post("/schedules/nightly/trigger", None, 202, "once")
    assert api.post("/schedules/nightly/trigger", None, 202, "once")["run_id"] == accepted["run_id"]
    (run,) = Run.objects.all()
    assert (str(run.pk), run.status, run.ordered_by) == (accepted["run_id"], "completed", "schedule:nightly")
    assert api.get("/schedules/nightly")["last_run_id"] == accepted["run_id"]
    event = AuditEvent.objects.get(event_type="schedule.triggered")
    assert (event.actor, event.run_id) == ("anonymous", run.pk)
    make(api, name="other")
    refused = api.post("/schedules/other/trigger", None, 409, "once")
    assert refused["detail"]["error"] == "idempotency_key_conflict"


def test_a_schedule_ends_and_its_runs_stay(api: Api) -> None:
    make(api)
    api.post("/schedules/nightly/trigger", None, 202)
    assert api.client.delete("/v1/schedules/nightly").status_code == 204
    assert (Schedule.objects.count(), Run.objects.count()) == (0, 1)
    assert api.get("/schedules/nightly", 404)["detail"]["error"] == "not_found"
    for verb in ("pause", "resume", "trigger"):
        assert api.post(f"/schedules/nightly/{verb}", None, 404)["detail"]["error"] == "not_found"


def test_the_list_is_paged_by_a_cursor(api: Api) -> None:
    names = [f"s{number}" for number in range(5)]
    for name in names:
        make(api, name=name)
    found: list[str] = []
    page: dict[str, Any] = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        page = api.get("/schedules", limit=2, **({"cursor": page["next_cursor"]} if page["next_cursor"] else {}))
        found += [each["name"] for each in page["schedules"]]
    assert found == names
