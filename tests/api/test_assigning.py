"""POST /v1/human-tasks/{continuation_id}/claim, …/release and …/assign, and questions that several people answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from humantasks.models import HumanTask, TaskApproval
from kneo_project.audit.models import AuditEvent
from runs.models import Run, Schedule
from runs.tasks import fire_schedules
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.factories import HumanTaskFactory

NAMES = ("alice", "bob", "carol")
KEYS = ";".join(f"{name}:{name}-key:reviewer,runs:write,schedules:write" for name in NAMES)
FORM = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}


@pytest.fixture
def people(engine: None) -> Iterator[dict[str, Api]]:
    """People with a key each."""
    cast = {}
    for name in NAMES:
        cast[name] = Api()
        cast[name].client = Client(headers={"X-Kneo-Api-Key": f"{name}-key"})
    with override_settings(API_KEYS=KEYS):
        yield cast


@pytest.fixture
def alice(people: dict[str, Api]) -> Api:
    return people["alice"]


@pytest.fixture
def bob(people: dict[str, Api]) -> Api:
    return people["bob"]


@pytest.fixture
def carol(people: dict[str, Api]) -> Api:
    return people["carol"]


@pytest.fixture
def task(people: dict[str, Api]) -> str:
    """Return the path of an open question to the finance team."""
    return f"/human-tasks/{HumanTaskFactory.create(assignee='finance').pk}"


def ask(api: Api, *steps: str, **human: Any) -> str:
    """Start a run that asks, and return the path of its question."""
    answer = api.run(workflow(*(steps or ("a", "human", "b")), **human))
    return f"/human-tasks/{answer['continuation_id']}"


def decide(api: Api, path: str, decision: str, status: int = 200, /, **more: Any) -> dict[str, Any]:
    """Answer the question at ``path``."""
    request_id = str(HumanTask.objects.get(pk=path.rpartition("/")[2]).request_id)
    return api.post(f"{path}/resume", {"request_id": request_id, "decision": decision, **more}, status)


def refusal(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["detail"]["error"], answer["detail"]["message"]


def audited(event_type: str) -> list[tuple[str | None, dict[str, Any]]]:
    events = AuditEvent.objects.filter(event_type=event_type).order_by("pk")
    return list(events.values_list("actor", "metadata"))


def test_one_of_two_has_the_claim(alice: Api, bob: Api, task: str) -> None:
    claimed = alice.post(f"{task}/claim")
    assert claimed["claimed_by"] == "alice"
    assert claimed["claimed_at"] is not None
    code, sentence = refusal(bob.post(f"{task}/claim", status=409))
    assert code == "human_task_claimed"
    assert sentence.startswith("alice has claimed this human task")
    assert alice.post(f"{task}/claim") == claimed
    assert audited("human.claimed") == [("alice", {})]


def test_only_who_has_claimed_it_answers(alice: Api, bob: Api) -> None:
    path = ask(alice)
    alice.post(f"{path}/claim")
    assert decide(bob, path, "approved", 409)["detail"]["claimed_by"] == "alice"
    assert decide(alice, path, "approved")["status"] == "completed"


def test_a_claim_is_released_by_its_owner_or_by_force(alice: Api, bob: Api, task: str) -> None:
    assert refusal(bob.post(f"{task}/release", status=409))[0] == "human_task_not_claimed"
    alice.post(f"{task}/claim")
    assert refusal(bob.post(f"{task}/release", status=409))[0] == "human_task_claimed"
    assert bob.post(f"{task}/release", {"force": True})["claimed_by"] is None
    alice.post(f"{task}/claim")
    assert alice.post(f"{task}/release", {})["claimed_by"] is None
    assert audited("human.released") == [("bob", {"claimed_by": "alice"}), ("alice", {"claimed_by": "alice"})]


def test_a_task_is_assigned_and_the_claim_of_another_ends(alice: Api, bob: Api, task: str) -> None:
    alice.post(f"{task}/claim")
    shown = bob.post(f"{task}/assign", {"assignee": "legal", "assignee_kind": "group"})
    assert (shown["request"]["assignee"], shown["assignee_kind"], shown["claimed_by"]) == ("legal", "group", None)
    bob.post(f"{task}/claim")
    assert bob.post(f"{task}/assign", {"assignee": "bob"})["claimed_by"] == "bob"
    assert bob.post(f"{task}/assign", {"assignee": None})["request"]["assignee"] is None
    assert [facts["to"] for _, facts in audited("human.assigned")] == ["legal", "bob", None]


def test_a_task_is_not_assigned_behind_the_back_of_another(alice: Api, task: str) -> None:
    alice.post(f"{task}/assign", {"assignee": "bob", "expected_assignee": "finance"})
    refused = alice.post(f"{task}/assign", {"assignee": "carol", "expected_assignee": "finance"}, 409)
    assert refusal(refused)[0] == "human_task_reassigned"
    assert refused["detail"]["assignee"] == "bob"


@pytest.mark.parametrize("way", ["claim", "release", "assign"])
def test_a_task_that_is_not_open_is_not_found(alice: Api, task: str, way: str) -> None:
    HumanTask.objects.update(status="answered")
    body = {"assignee": "bob"} if way == "assign" else {}
    assert refusal(alice.post(f"{task}/{way}", body, 404))[0] == "not_found"


def test_tasks_are_found_by_who_is_to_answer_them(alice: Api, task: str) -> None:
    HumanTaskFactory.create()
    alice.post(f"{task}/claim")
    assert alice.get("/human-tasks", assignee="finance")["total"] == 1
    assert alice.get("/human-tasks", assignee="fin")["total"] == 0
    assert alice.get("/human-tasks", claimed_by="alice")["total"] == 1


def test_one_of_two_approvals_keeps_the_task_open(alice: Api, bob: Api) -> None:
    path = ask(alice, approvals=2)
    alice.post(f"{path}/claim")
    first = decide(alice, path, "approved", content="looks right")
    assert (first["status"], first["metadata"]["continuation_id"]) == ("blocked", path.rpartition("/")[2])
    shown = bob.get(path)
    assert shown["claimed_by"] is None
    assert (shown["approvals"]["needed"], shown["approvals"]["exclude_requester"]) == (2, False)
    (given,) = shown["approvals"]["given"]
    assert (given["decided_by"], given["decision"], given["content"]) == ("alice", "approved", "looks right")
    (item,) = bob.get("/human-tasks")["tasks"]
    assert item["approvals"] == shown["approvals"]

    second = decide(bob, path, "approved")
    assert (second["status"], second["output_text"]) == ("completed", "hi>a>b")
    assert TaskApproval.objects.count() == 2
    assert [actor for actor, _ in audited("human.approval")] == ["alice"]
    assert [actor for actor, _ in audited("human.decision")] == ["bob"]


def test_nobody_counts_twice(alice: Api) -> None:
    path = ask(alice, approvals=2)
    decide(alice, path, "approved")
    code, sentence = refusal(decide(alice, path, "approved", 409))
    assert code == "already_approved"
    assert "somebody else" in sentence
    assert TaskApproval.objects.count() == 1


def test_an_answer_that_is_sent_again_counts_once(alice: Api, bob: Api) -> None:
    path = ask(alice, approvals=2)
    body = {"request_id": str(HumanTask.objects.get().request_id), "decision": "approved"}
    answers = [alice.post(f"{path}/resume", body, key="k") for _ in range(2)]
    assert answers[0] == answers[1]
    assert TaskApproval.objects.count() == 1


def test_a_rejection_by_anyone_ends_it(alice: Api, bob: Api) -> None:
    path = ask(alice, approvals=3, exclude_requester=True)
    decide(bob, path, "approved")
    outcome = decide(alice, path, "rejected", content="no")
    assert (outcome["status"], outcome["output_text"]) == ("completed", "Rejected by human reviewer: no>b")
    alice.get(path, 404)


def test_who_approved_may_reject_after_all(alice: Api, bob: Api) -> None:
    path = ask(alice, approvals=2)
    decide(bob, path, "approved")
    assert "Rejected" in decide(bob, path, "rejected")["output_text"]


@pytest.mark.parametrize("approvals", [1, 2])
def test_who_started_the_run_does_not_approve_it(alice: Api, bob: Api, approvals: int) -> None:
    path = ask(alice, approvals=approvals, exclude_requester=True)
    code, sentence = refusal(decide(alice, path, "approved", 403))
    assert code == "requester_excluded"
    assert "somebody else" in sentence
    assert decide(bob, path, "approved")["status"] == ("completed" if approvals == 1 else "blocked")


def test_nor_does_who_forked_it(alice: Api, bob: Api, carol: Api) -> None:
    ask(alice, exclude_requester=True)
    run_id = HumanTask.objects.get().run_id
    fork = bob.post(f"/runs/{run_id}/fork", {"checkpoint": 1})
    path = f"/human-tasks/{HumanTask.objects.get(run_id=fork['run_id']).pk}"
    for refused in (alice, bob):
        assert refusal(decide(refused, path, "approved", 403))[0] == "requester_excluded"
    assert decide(carol, path, "approved")["status"] == "completed"


def test_nor_does_who_had_a_schedule_start_it(alice: Api, bob: Api, carol: Api) -> None:
    spec = workflow("a", "human", "b", exclude_requester=True)
    alice.post("/schedules", {"name": "nightly", "cron": "@daily", "input": "q", "spec": spec}, 201)
    run_id = bob.post("/schedules/nightly/trigger", None, 202)["run_id"]
    assert Run.objects.get(pk=run_id).ordered_by == "schedule:nightly"
    assert bob.client.delete("/v1/schedules/nightly").status_code == 204
    fork = carol.post(f"/runs/{run_id}/fork", {"checkpoint": 1})

    path, forked = (f"/human-tasks/{HumanTask.objects.get(run_id=each).pk}" for each in (run_id, fork["run_id"]))
    assert refusal(decide(bob, path, "approved", 403))[0] == "requester_excluded"
    assert decide(carol, path, "approved")["status"] == "completed"
    for refused in (bob, carol):
        assert refusal(decide(refused, forked, "approved", 403))[0] == "requester_excluded"
    assert decide(alice, forked, "approved")["status"] == "completed"


def test_nor_do_those_who_wrote_what_the_clock_started(alice: Api, bob: Api, carol: Api) -> None:
    spec = workflow("a", "human", "b", exclude_requester=True)
    alice.post("/schedules", {"name": "nightly", "cron": "@daily", "input": "q", "spec": spec}, 201)
    body = {"input": "pay more"}
    assert bob.client.patch("/v1/schedules/nightly", body, "application/json").status_code == 200
    Schedule.objects.update(next_at=timezone.now())
    fire_schedules()

    path = f"/human-tasks/{HumanTask.objects.get().pk}"
    for refused in (alice, bob):
        assert refusal(decide(refused, path, "approved", 403))[0] == "requester_excluded"
    assert decide(carol, path, "approved")["output_text"] == "pay more>a>b"


def test_the_others_approve_what_the_first_has_written(alice: Api, bob: Api) -> None:
    path = ask(alice, approvals=2)
    decide(alice, path, "edited", content="better")
    code, sentence = refusal(decide(bob, path, "edited", 422, content="best"))
    assert code == "invalid_decision"
    assert sentence.startswith("The first person to answer has edited")
    assert decide(bob, path, "approved")["output_text"] == "better>b"


def test_what_was_approved_is_not_edited_behind_its_back(alice: Api, bob: Api) -> None:
    path = ask(alice, approvals=2)
    decide(alice, path, "approved")
    assert refusal(decide(bob, path, "edited", 422, content="other"))[0] == "invalid_decision"


def test_a_form_is_filled_in_once_and_approved(alice: Api, bob: Api) -> None:
    path = ask(alice, approvals=2, form=FORM)
    assert decide(alice, path, "approved", 422)["detail"]["field"] == "form"
    decide(alice, path, "approved", form={"amount": 3})
    assert bob.get(path)["approvals"]["given"][0]["form"] == {"amount": 3}
    assert refusal(decide(bob, path, "approved", 422, form={"amount": 4}))[0] == "invalid_decision"
    assert decide(bob, path, "approved")["status"] == "completed"
    assert HumanTask.objects.get().filled_form == {"amount": 3}


def test_a_selection_takes_two(alice: Api, bob: Api) -> None:
    path = ask(alice, approvals=2, request_type="selection", options=["x", "y"])
    decide(alice, path, "selected", selected_option="x")
    decide(bob, path, "selected", 422, selected_option="y")
    assert decide(bob, path, "selected", selected_option="x")["output_text"] == "x>b"


def test_where_one_answer_is_enough_no_approvals_are_kept(alice: Api) -> None:
    path = ask(alice)
    assert alice.get(path)["approvals"] == {"needed": 1, "exclude_requester": False, "given": []}
    decide(alice, path, "approved")
    assert not TaskApproval.objects.exists()
