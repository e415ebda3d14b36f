"""Several people at one question at the same moment: each answer counts once, and one of them is the last."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from humantasks.assigning import assign_task, claim_task, release_task
from humantasks.errors import (
    AlreadyApproved,
    HumanTaskClaimed,
    HumanTaskNotClaimed,
    HumanTaskNotFound,
    HumanTaskReassigned,
)
from humantasks.models import AssigneeKind, HumanTask, TaskApproval, TaskStatus
from humantasks.rules import Answer, Decision
from kneo_project.errors import KneoError
from runs import deadlines, services
from runs.engine.lifecycle import Status
from tests.integration.meeting import during, refusal_of
from tests.integration.questions import advance, answer, answered, audited, blocked, overdue
from tests.settings import DATABASE

pytestmark = pytest.mark.django_db(transaction=True)
meeting = pytest.mark.skipif(DATABASE != "postgres", reason="on SQLite one writes after another")


def at_once[T](*acts: Callable[[], T]) -> list[T | KneoError]:
    """Do all of ``acts`` at the same moment, and return what came of each."""
    together = threading.Barrier(len(acts))

    def attempt(act: Callable[[], T]) -> T | KneoError:
        together.wait()
        try:
            return act()
        except KneoError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(attempt, acts))


def say(task: HumanTask, name: str, decision: Decision = Decision.APPROVED) -> Callable[[], object]:
    """Return what ``name`` does to answer ``task``."""
    answer = Answer(
        request_id=str(task.request_id), decision=decision, content="edited" if decision == "edited" else None
    )
    return lambda: services.resume_run(task.pk, answer, actor=name)


def approvers() -> list[str]:
    return list(TaskApproval.objects.order_by("pk").values_list("decided_by", flat=True))


@pytest.mark.parametrize("names", [("bob", "carol"), ("carol", "bob")])
def test_two_who_approve_at_once_are_two(names: tuple[str, str]) -> None:
    run = blocked(approvals=2)
    task = HumanTask.objects.get()
    came_of_it = at_once(*(say(task, name) for name in names))

    assert not [each for each in came_of_it if isinstance(each, KneoError)]
    assert sorted(approvers()) == ["bob", "carol"]
    task.refresh_from_db()
    assert (task.status, task.decided_by) == (TaskStatus.ANSWERED, approvers()[-1])
    assert (audited(run.pk, "human.approval"), audited(run.pk, "human.decision")) == (1, 1)
    advance(run)
    run.refresh_from_db()
    assert run.status == Status.COMPLETED


def test_one_who_approves_twice_at_once_is_one() -> None:
    run = blocked(approvals=2)
    task = HumanTask.objects.get()
    came_of_it = at_once(say(task, "bob"), say(task, "bob"))

    assert sorted(type(each) is AlreadyApproved for each in came_of_it) == [False, True]
    assert approvers() == ["bob"]
    run.refresh_from_db()
    assert run.status == Status.BLOCKED


def test_of_three_at_once_only_two_are_needed() -> None:
    run = blocked(approvals=2)
    task = HumanTask.objects.get()
    came_of_it = at_once(*(say(task, name) for name in ("bob", "carol", "dave")))

    assert sorted(type(each) is HumanTaskNotFound for each in came_of_it) == [False, False, True]
    assert len(approvers()) == 2
    assert audited(run.pk, "human.decision") == 1


def test_an_edit_and_an_approval_at_once_never_both_count_for_different_texts() -> None:
    run = blocked(approvals=2)
    task = HumanTask.objects.get()
    at_once(say(task, "bob", Decision.EDITED), say(task, "carol"))

    if approvers()[0] == "bob":  # carol has approved what he wrote
        task.refresh_from_db()
        assert (approvers(), task.decision, task.content) == (["bob", "carol"], "edited", "edited")
    else:  # he was refused: she has approved another text
        run.refresh_from_db()
        assert (approvers(), run.status) == (["carol"], Status.BLOCKED)


@pytest.mark.parametrize("names", [("bob", "carol"), ("carol", "bob")])
def test_a_rejection_and_an_approval_at_once_end_it_rejected(names: tuple[str, str]) -> None:
    blocked(approvals=2)
    task = HumanTask.objects.get()
    decisions = {"bob": Decision.REJECTED, "carol": Decision.APPROVED}
    at_once(*(say(task, name, decisions[name]) for name in names))

    task.refresh_from_db()
    assert (task.decision, task.decided_by) == ("rejected", "bob")


def test_two_who_claim_at_once_have_one_winner() -> None:
    blocked()
    task = HumanTask.objects.get()
    came_of_it = at_once(lambda: claim_task(task.pk, by="bob"), lambda: claim_task(task.pk, by="carol"))

    assert sorted(type(each) is HumanTaskClaimed for each in came_of_it) == [False, True]
    task.refresh_from_db()
    assert [each.claimed_by for each in came_of_it if isinstance(each, HumanTask)] == [task.claimed_by]


@meeting
def test_who_claims_while_another_does_waits_and_learns_who_it_was() -> None:
    run, task = blocked(), HumanTask.objects.get()
    refused = during(lambda: claim_task(task.pk, by="bob"), lambda: refusal_of(lambda: claim_task(task.pk, by="carol")))
    assert isinstance(refused, HumanTaskClaimed)
    assert refused.data["claimed_by"] == "bob"
    assert audited(run.pk, "human.claimed") == 1


@meeting
def test_who_claims_while_the_claim_is_released_gets_it() -> None:
    blocked()
    task = claim_task(HumanTask.objects.get().pk, by="bob")
    claimed = during(lambda: release_task(task.pk, by="bob"), lambda: claim_task(task.pk, by="carol"))
    assert claimed.claimed_by == "carol"


@meeting
def test_who_claims_while_the_task_is_answered_is_told_that_it_is_gone() -> None:
    run, task = blocked(), HumanTask.objects.get()
    refused = during(lambda: answer(run), lambda: refusal_of(lambda: claim_task(task.pk, by="carol")))
    assert isinstance(refused, HumanTaskNotFound)


@meeting
def test_a_claim_is_released_once() -> None:
    run = blocked()
    task = claim_task(HumanTask.objects.get().pk, by="bob")
    refused = during(
        lambda: release_task(task.pk, by="bob"), lambda: refusal_of(lambda: release_task(task.pk, by="bob"))
    )
    assert isinstance(refused, HumanTaskNotClaimed)
    assert audited(run.pk, "human.released") == 1


@meeting
def test_of_two_who_assign_what_they_saw_unassigned_the_second_is_told_to_whom_it_is() -> None:
    blocked()
    task = HumanTask.objects.get()

    def assign(name: str) -> HumanTask:
        return assign_task(task.pk, name, AssigneeKind.USER, by="olivia", expected="")

    refused = during(lambda: assign("bob"), lambda: refusal_of(lambda: assign("carol")))
    assert isinstance(refused, HumanTaskReassigned)
    assert refused.data["assignee"] == "bob"


def test_an_answer_given_once_is_no_business_of_approvals() -> None:
    answered()
    assert approvers() == []


def test_time_that_passes_does_not_wait_for_a_claim() -> None:
    run = overdue("continue")
    claim_task(HumanTask.objects.get().pk, by="bob")
    assert deadlines.expire_overdue_tasks() == [run.pk]
    assert HumanTask.objects.get().decided_by is None


def test_an_overdue_question_of_several_people_ends_without_the_missing_ones() -> None:
    run = overdue("continue")
    HumanTask.objects.update(approvals_needed=2)
    deadlines.expire_overdue_tasks()
    advance(run)
    run.refresh_from_db()
    assert run.status == Status.COMPLETED
