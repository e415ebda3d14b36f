"""Workflows whose branches are runs of their own: items of a map, and participants that are many."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from humantasks.models import HumanTask, TaskStatus
from humantasks.rules import Answer, Decision
from runs import awaiting, deadlines, executor, services, transitions
from runs.awaiting import Wait
from runs.errors import RunStateConflict
from runs.executor import Rest
from runs.models import Checkpoint, FanOut, Run, TraceEvent
from runs.redriving import ForkRun, continue_run, fork_run
from tests.integration.driving import human, start, step
from tests.integration.functions import CALLS, FAILING
from tests.integration.meeting import during
from tests.integration.test_agents import served
from tests.integration.test_shapes import among, paths, sequence
from tests.integration.test_shapes import spec_of as shaped
from tests.stubs.chat_server import ChatServer, completion, failure

pytestmark = pytest.mark.django_db(transaction=True)

FEW = {"max_parallel": 2}
LIST = '["x", "y", "z"]'


def over(work: str | dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a map of ``work``."""
    return {"type": "map", "step": step(work) if isinstance(work, str) else work, **fields}


def drive(run: Run) -> Run:
    """Let a worker do all that is due, and refresh ``run``."""
    while executor.advance(None).rest is not Rest.NOT_DUE:
        pass
    run.refresh_from_db()
    return run


def run_of(workflow: dict[str, Any], text: str = LIST, **workflows: dict[str, Any]) -> Run:
    """Return a run of the workflow, driven as far as it goes."""
    return drive(start(shaped(workflow, **workflows), text))


def begun(workflow: dict[str, Any], text: str = LIST, **workflows: dict[str, Any]) -> Run:
    """Return a run of the workflow that has fanned out, and whose branches nobody has looked at."""
    run = start(shaped(workflow, **workflows), text)
    executor.advance(run.pk)
    run.refresh_from_db()
    return run


def branches(run: Run) -> list[Run]:
    """Return the branches of the run in order."""
    return list(Run.objects.filter(branch_of__run=run).order_by("branch_of", "branch_index"))


def answer_all(run: Run, decision: Decision = Decision.APPROVED) -> None:
    """Answer every open question, and drive on."""
    for task in HumanTask.objects.open():
        services.resume_run(task.pk, Answer(request_id=str(task.request_id), decision=decision), actor="alice")
    drive(run)


def test_a_map_works_on_each_item_and_gives_a_list_in_their_order() -> None:
    run = run_of(over("a", name="each"))

    assert (run.status, run.error_message) == ("completed", None)
    assert json.loads(run.output_text or "") == ["x>a", "y>a", "z>a"]
    assert CALLS["a"] == 3
    assert [(branch.input_text, branch.status) for branch in branches(run)] == [(item, "completed") for item in "xyz"]
    assert paths(run) == ["a#1"]
    assert Checkpoint.objects.get(run=run, type="step_completed").details["items"] == 3
    told = TraceEvent.objects.filter(run=run).values_list("type", flat=True)
    assert list(told) == ["workflow_started", "workflow_completed"]


def test_items_that_are_no_strings_are_json_and_so_are_outputs_that_look_like_it() -> None:
    spec = shaped(over(step("judge")))
    spec["components"]["functions"]["judge"] = {"implementation": "tests.integration.functions.judge"}
    run = drive(start(spec, '["ö", {"k": 1}, 7, null]'))

    texts = [element["text"] for element in json.loads(run.output_text or "")]
    assert texts == ["ö", '{"k": 1}', "7", "null"]


def test_a_map_of_nothing_is_done_at_once() -> None:
    run = run_of(sequence(step("each", "loop", kind="workflow"), "b"), "[]", loop=over("a"))
    assert (run.output_text, FanOut.objects.count()) == ("[]>b", 0)


@pytest.mark.parametrize("text", ["hello", '{"a": 1}', "", '"x"', "[1", "[NaN]"])
def test_a_map_of_no_list_fails_and_says_what_it_needs(text: str) -> None:
    run = run_of(over("a"), text)
    assert (run.status, run.error_type) == ("failed", "MapInputInvalid")
    assert "JSON list" in (run.error_message or "")


def test_a_map_takes_no_more_items_than_the_service_can_bear() -> None:
    run = run_of(over("a"), json.dumps([1] * 10_001))
    assert (run.error_type, "10000" in (run.error_message or "")) == ("MapInputInvalid", True)


def test_what_goes_wrong_before_a_map_can_be_worked_around() -> None:
    tolerant = sequence(step("each", "loop", kind="workflow", on_error="continue"), "b")
    assert run_of(tolerant, "no list", loop=over("a")).output_text == "no list>b"


def test_participants_that_are_many_come_out_as_if_one_worker_had_done_them() -> None:
    here = run_of(among("concurrent", "a", "b", "c", name="all"), "hi")
    apart = run_of(among("concurrent", "a", "b", "c", name="all", **FEW), "hi")

    def shown(run: Run) -> list[tuple[Any, ...]]:
        return sorted(
            Checkpoint.objects.filter(run=run).values_list(
                "path", "type", "input_text", "output_text", "attempt", "details__workflow_type"
            )
        )

    assert shown(apart) == shown(here)
    assert (apart.output_text, len(branches(apart)), len(branches(here))) == ("hi>c", 3, 0)


def test_more_participants_than_the_operator_wants_in_one_worker_become_runs() -> None:
    names = [step(f"s{number}", "a") for number in range(17)]
    run = run_of(among("concurrent", *names), "hi")
    assert (run.output_text, len(branches(run)), CALLS["a"]) == ("hi>a", 17, 17)


def test_no_more_branches_begin_than_may_be_under_way() -> None:
    run = begun(over("a", **FEW), json.dumps([str(number) for number in range(5)]))

    seen = set()
    while Run.objects.due().filter(within=run).exists():
        seen.add(Run.objects.due().filter(within=run).count())
        executor.advance(Run.objects.due().filter(within=run).order_by("branch_index").values_list("pk", flat=True)[0])
    assert seen == {1, 2}
    assert drive(run).output_text == json.dumps([f"{number}>a" for number in range(5)])


def test_going_on_lets_no_more_branches_begin_than_may_be_under_way() -> None:
    FAILING.add("a")
    run = run_of(over("a", max_parallel=1))
    FAILING.clear()
    continue_run(run.pk, actor="alice")
    assert Run.objects.due().filter(within=run).count() == 1
    assert drive(run).status == "completed"


def test_a_map_within_a_map_within_a_sequence() -> None:
    run = run_of(
        sequence(step("outer", "rows", kind="workflow"), "b"),
        '[["1", "2"], [], ["3"]]',
        rows=over(step("row", "cells", kind="workflow")),
        cells=over("a"),
    )
    assert (run.status, run.output_text) == ("completed", '[["1>a", "2>a"], [], ["3>a"]]>b')
    assert {branch.within_id for branch in Run.objects.exclude(pk=run.pk)} == {run.pk}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="writers of SQLite do not meet")
def test_a_branch_that_goes_to_rest_as_its_last_branch_ends_goes_on() -> None:
    run = begun(over(step("row", "cells", kind="workflow")), '[["1"]]', cells=over("a"))
    [row] = branches(run)
    executor.advance(row.pk)
    [cell] = branches(row)
    transitions.wake(row)
    lease = transitions.claim(row.pk, "resting")
    assert lease is not None
    wait = Wait(signals=frozenset(), fan_outs=frozenset([cell.branch_of_id or 0]), until=None)

    during(lambda: awaiting.rest(lease, wait), lambda: executor.advance(cell.pk))

    assert drive(run).output_text == '[["1>a"]]'


def test_a_branch_that_fails_fails_the_run_once_the_others_are_done() -> None:
    FAILING.add("b")
    run = run_of(among("concurrent", "a", "b", "c", **FEW), "hi")

    assert (run.status, run.error_type, run.error_message) == (
        "failed",
        "ConnectionResetError",
        "b is not to be reached",
    )
    assert [branch.status for branch in branches(run)] == ["completed", "failed", "completed"]


@pytest.mark.parametrize(
    ("workflow", "calls"),
    [
        (among("concurrent", "a", "b", "c", **FEW), Counter(a=1, b=1, c=1)),
        (over(step("s", "inner", kind="workflow")), Counter(b=3, c=3)),
        (
            sequence("a", among("concurrent", "b")["participants"][0], step("m", "many", kind="workflow")),
            Counter(a=1, b=2, c=1),
        ),
    ],
)
def test_going_on_repeats_no_branch_that_is_done(workflow: dict[str, Any], calls: Counter[str]) -> None:
    FAILING.add("c")
    run = run_of(
        workflow, LIST if workflow["type"] == "map" else "hi", many=among("concurrent", "b", "c", max_parallel=1)
    )
    assert run.status == "failed"
    FAILING.clear()

    continue_run(run.pk, actor="alice")
    drive(run)

    assert (run.status, run.error_type, dict(CALLS)) == ("completed", None, dict(calls))
    assert {branch.status for branch in Run.objects.filter(within=run)} == {"completed"}
    assert set(FanOut.objects.values_list("unfinished", flat=True)) == {0}


def test_a_fork_from_before_the_join_has_branches_of_its_own() -> None:
    FAILING.add("c")
    run = run_of(among("concurrent", "a", "b", "c", **FEW), "hi")
    FAILING.clear()

    fork = drive(fork_run(run.pk, ForkRun(), actor="alice"))

    assert (fork.status, fork.output_text, dict(CALLS)) == ("completed", "hi>c", {"a": 2, "b": 2, "c": 1})
    assert len(branches(fork)) == 3
    run.refresh_from_db()
    assert run.status == "failed"


def test_a_failed_fan_out_can_be_tried_again_and_be_worked_around() -> None:
    many = among("concurrent", "a", step("flop", "boom"), max_parallel=1)
    again = step("m", "many", kind="workflow", on_error="continue", max_retries=1)
    run = run_of(sequence(again, "b"), "hi", many=many)
    while run.status == "running":
        Run.objects.filter(pk=run.pk).update(wake_at=timezone.now() - timedelta(minutes=1))
        drive(run)

    assert (run.status, run.output_text, CALLS["a"]) == ("completed", "hi>b", 2)
    assert FanOut.objects.filter(run=run).count() == 2


def test_cancelling_a_run_ends_its_branches_and_closes_their_questions() -> None:
    run = run_of(over(human(), **FEW))
    assert (run.status, HumanTask.objects.open().count()) == ("running", 2)

    services.cancel_run(run.pk, actor="alice")

    assert [(branch.status, branch.error_type) for branch in branches(run)] == [("cancelled", "cancelled")] * 3
    assert set(HumanTask.objects.values_list("status", flat=True)) == {TaskStatus.CANCELLED}
    assert not Run.objects.due().exists()
    ends = Checkpoint.objects.filter(run__within=run, type="run_cancelled")
    assert ends.count() == 3


def test_people_may_be_asked_in_branches() -> None:
    run = run_of(over(step("s", "ask", kind="workflow"), **FEW), ask=sequence(human(), "a"))
    assert not Run.objects.due().exists()

    answer_all(run)
    assert (run.status, HumanTask.objects.open().count()) == ("running", 1)
    answer_all(run)

    assert (run.status, run.output_text) == ("completed", '["x>a", "y>a", "z>a"]')


def test_a_rejection_that_ends_the_run_ends_it_from_a_branch() -> None:
    spec = shaped(over(step("boss", kind="human")))
    spec["components"]["humans"]["boss"] = {"on_reject": "fail"}
    run = drive(start(spec, LIST))
    first = HumanTask.objects.open().order_by("created_at")[0]

    rejected = Answer(request_id=str(first.request_id), decision=Decision.REJECTED, content="no")
    services.resume_run(first.pk, rejected, actor="alice")
    run.refresh_from_db()

    assert (run.status, run.error_type) == ("failed", "human_rejected")
    assert sorted(branch.status for branch in branches(run)) == ["cancelled", "cancelled", "failed"]
    assert not HumanTask.objects.open().exists()
    continue_run(run.pk, actor="alice")
    drive(run)
    answer_all(run)
    assert (run.status, run.output_text) == ("completed", LIST)


def test_a_question_that_nobody_answers_in_a_branch_expires_the_run() -> None:
    run = run_of(over(human()))
    HumanTask.objects.filter(run=branches(run)[1]).update(expires_at=timezone.now() - timedelta(minutes=1))

    deadlines.expire_overdue_tasks()
    run.refresh_from_db()

    assert (run.status, run.error_type) == ("expired", "human_task_expired")
    assert {branch.status for branch in branches(run)} == {"cancelled"}
    assert not HumanTask.objects.open().exists()


def test_a_deadline_ends_the_run_with_its_branches() -> None:
    run = drive(start(shaped(over(human())), LIST, timeout_seconds=60))
    assert {branch.deadline_at for branch in branches(run)} == {run.deadline_at}
    Run.objects.update(deadline_at=timezone.now() - timedelta(minutes=1))

    assert deadlines.time_out_overdue_runs() == [run.pk]
    run.refresh_from_db()

    assert run.status == "timed_out"
    assert {branch.status for branch in branches(run)} == {"cancelled"}


def test_a_branch_at_work_when_the_deadline_passes_ends_the_run() -> None:
    run = drive(start(shaped(over("slow")), '["x"]', timeout_seconds=1))
    run.refresh_from_db()
    assert (run.status, [branch.status for branch in branches(run)]) == ("timed_out", ["cancelled"])


def test_a_branch_whose_worker_keeps_dying_ends_the_run() -> None:
    run = begun(over("a"))
    [first, *others] = branches(run)
    executor.advance(others[0].pk)
    Run.objects.filter(pk=first.pk).update(status="running", lease_owner="dead", attempts=99, wake_at=None)

    deadlines.recover_lapsed()
    run.refresh_from_db()

    assert (run.status, run.error_type) == ("failed", "dead_letter")
    assert [branch.status for branch in branches(run)] == ["failed", "completed", "cancelled"]
    continue_run(run.pk, actor="alice")
    assert drive(run).output_text == '["x>a", "y>a", "z>a"]'
    assert CALLS["a"] == 3


def test_a_branch_is_not_to_be_had_apart_from_its_run() -> None:
    FAILING.add("a")
    run = run_of(over("a"))
    branch = branches(run)[0]

    attempts: list[Callable[[], Run]] = [
        lambda: services.cancel_run(branch.pk, actor="alice"),
        lambda: continue_run(branch.pk, actor="alice"),
        lambda: fork_run(branch.pk, ForkRun(), actor="alice"),
    ]
    for attempt in attempts:
        with pytest.raises(RunStateConflict) as refused:
            attempt()
        assert refused.value.data["branch_of"] == str(run.pk)


def test_other_branches_of_a_run_go_on_beside_a_fan_out() -> None:
    many = step("m", "many", kind="workflow")
    run = run_of(among("concurrent", many, "b", human()), "hi", many=among("concurrent", "a", "c", max_parallel=1))
    assert (run.status, CALLS["b"], CALLS["a"]) == ("blocked", 1, 1)

    answer_all(run)

    assert (run.status, run.output_text) == ("completed", "hi")
    assert sorted(paths(run)) == ["b#1", "boss#1", "m#1", "m/a#1", "m/c#1"]


def test_variables_that_branches_set_are_those_of_the_run_afterwards() -> None:
    sets = {"implementation": "tests.integration.functions.judge", "sets": {"length": "length"}}
    spec = shaped(among("concurrent", step("judge"), "a", **FEW))
    spec["components"]["functions"]["judge"] = sets
    run = drive(start(spec, "hello"))
    assert (run.status, run.cursor["variables"]) == ("completed", {"length": 5})


def asking(chat: ChatServer, text: str = LIST, **order: Any) -> Run:
    """Return a run that asks a model about each item, one after the other."""
    spec = shaped(over(step("write", "writer", kind="agent"), max_parallel=1))
    spec["components"]["agents"]["writer"] = served(chat)
    return drive(start(spec, text, **order))


def test_what_branches_cost_is_what_the_run_costs() -> None:
    with ChatServer() as chat:
        run = asking(chat)
    assert (run.status, run.input_tokens, run.output_tokens, run.total_tokens) == ("completed", 33, 21, 54)


def test_a_budget_of_the_run_is_shared_by_its_branches() -> None:
    with ChatServer() as chat:
        run = asking(chat, token_budget=20)
        assert len(chat.requests) == 2
    assert (run.status, run.error_type, run.total_tokens) == ("failed", "TokenBudgetExceeded", 36)
    assert [branch.status for branch in branches(run)] == ["completed", "completed", "failed"]


def test_what_a_branch_cost_is_counted_once_however_often_the_run_is_gone_on_with() -> None:
    with ChatServer() as chat:
        chat.queue(completion("one"), failure(400), completion("three"), completion("two"))
        run = asking(chat)
        assert (run.status, run.total_tokens) == ("failed", 36)
        continue_run(run.pk, actor="alice")
        drive(run)
    assert (run.status, run.output_text, run.total_tokens) == ("completed", '["one", "two", "three"]', 54)


def test_an_agent_remembers_in_a_branch_what_it_said_before_the_run_fanned_out() -> None:
    with ChatServer() as chat:
        spec = shaped(sequence(step("first", "writer", kind="agent"), step("m", "many", kind="workflow")))
        spec["components"]["agents"]["writer"] = served(chat)
        twice = [step("left", "writer", kind="agent"), step("right", "writer", kind="agent")]
        spec["components"]["workflows"]["many"] = among("concurrent", *twice, max_parallel=1)
        run = drive(start(spec, "hello"))
        told = [[message["content"] for message in request.body["messages"]] for request in chat.requests]
    assert run.status == "completed"
    assert told[1] == told[2] == ["hello", "echo: hello", "echo: hello"]
