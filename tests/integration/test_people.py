"""People asked anywhere: several at once, inside workflows, while other branches work."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from humantasks.errors import HumanTaskNotFound, InvalidDecision
from humantasks.models import HumanTask, TaskApproval
from humantasks.rules import Answer, Decision
from runs import deadlines, services
from runs.models import Checkpoint, Run
from runs.redriving import continue_run
from tests.integration.driving import advance, start, step
from tests.integration.functions import CALLS, HOOKS
from tests.integration.test_shapes import among, graph, sequence
from tests.integration.test_shapes import spec_of as shaped

pytestmark = pytest.mark.django_db(transaction=True)

BOARD = among("concurrent", step("x", "boss", "human"), step("y", "chief", "human"), "a")


def run_of(workflow: dict[str, Any], humans: dict[str, Any] | None = None, **workflows: dict[str, Any]) -> Run:
    """Return a run of the workflow, advanced until it rests."""
    run = start(spec(workflow, humans, **workflows))
    advance(run)
    return run


def spec(workflow: dict[str, Any], humans: dict[str, Any] | None = None, **workflows: dict[str, Any]) -> dict[str, Any]:
    """Return a spec of the workflow with the people ``boss`` and ``chief``, or those given."""
    document = shaped(workflow, **workflows)
    document["components"]["humans"] = {"boss": {}, "chief": {}} | (humans or {})
    if "asking" in workflows:
        document["components"]["agents"]["board"] = {"name": "board", "as_agent": "asking"}
    return document


def task_of(run: Run, step_id: str) -> HumanTask:
    """Return the open question of a step."""
    return HumanTask.objects.open().get(run=run, step_id=step_id)


def say(run: Run, step_id: str, decision: Decision = Decision.PROVIDED, content: str | None = None) -> None:
    """Answer the open question of a step; the run is not advanced."""
    task = task_of(run, step_id)
    given = Answer(request_id=str(task.request_id), decision=decision, content=content)
    services.resume_run(task.pk, given, actor="alice")


def outputs(run: Run) -> dict[str | None, str | None]:
    """Return what each step gave."""
    done = Checkpoint.objects.filter(run=run, type="step_completed")
    return dict(done.values_list("step_id", "output_text"))


def test_a_board_is_asked_at_once_and_each_answer_counts() -> None:
    run = run_of(BOARD)
    assert (run.status, HumanTask.objects.open().filter(run=run).count()) == ("blocked", 2)

    say(run, "y", content="no objection")
    run.refresh_from_db()
    assert run.status == "blocked"
    say(run, "x", content="fine")
    advance(run)

    assert (run.status, run.output_text) == ("completed", "hi>a")
    assert outputs(run) == {"x": "fine", "y": "no objection", "a": "hi>a"}
    assert CALLS["a"] == 1


def test_answers_at_the_same_moment_both_count() -> None:
    run = run_of(BOARD)
    together = threading.Barrier(2)

    def answer(step_id: str) -> None:
        together.wait()
        try:
            say(run, step_id, content=step_id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(answer, ["x", "y"]))
    advance(run)

    assert (run.status, outputs(run)["x"], outputs(run)["y"]) == ("completed", "x", "y")


def test_a_question_is_open_while_others_work_and_its_answer_is_taken_up() -> None:
    run = start(spec(BOARD))
    HOOKS["a"] = lambda: say(run, "x", content="quick")
    advance(run)

    assert run.status == "blocked"
    assert outputs(run)["x"] == "quick"
    assert list(HumanTask.objects.open().filter(run=run).values_list("step_id", flat=True)) == ["y"]


def test_an_answer_that_comes_while_the_last_work_is_done_is_not_lost() -> None:
    run = start(spec(among("concurrent", step("x", "boss", "human"), "a")))
    HOOKS["a"] = lambda: say(run, "x", content="quick")
    advance(run)

    assert (run.status, outputs(run)["x"]) == ("completed", "quick")
    assert not HumanTask.objects.filter(run=run, awaits_run=True).exists()


def test_a_final_rejection_ends_the_run_and_closes_the_other_questions() -> None:
    run = run_of(BOARD, {"boss": {"on_reject": "fail"}})
    say(run, "x", Decision.REJECTED, "no")
    run.refresh_from_db()

    assert (run.status, run.error_type) == ("failed", "human_rejected")
    assert set(HumanTask.objects.filter(run=run).values_list("step_id", "status")) == {
        ("x", "answered"),
        ("y", "cancelled"),
    }


def test_a_final_rejection_while_others_work_ends_the_run_too() -> None:
    run = start(spec(BOARD, {"boss": {"on_reject": "fail"}}))
    HOOKS["a"] = lambda: say(run, "x", Decision.REJECTED, "no")
    advance(run)

    assert (run.status, run.error_type) == ("failed", "human_rejected")
    assert not HumanTask.objects.open().filter(run=run).exists()


def test_a_branch_that_fails_leaves_no_question_open() -> None:
    run = run_of(among("concurrent", step("x", "boss", "human"), step("bad", "boom")))
    say(run, "x")
    advance(run)

    assert (run.status, run.error_type) == ("failed", "RuntimeError")
    assert not HumanTask.objects.open().filter(run=run).exists()


def test_cancelling_closes_all_questions() -> None:
    run = run_of(BOARD)
    services.cancel_run(run.pk, actor="bob")

    assert not HumanTask.objects.open().filter(run=run).exists()
    with pytest.raises(HumanTask.DoesNotExist):
        say(run, "x")


def test_an_answer_to_a_run_that_has_ended_is_refused() -> None:
    run = run_of(BOARD)
    task = task_of(run, "x")
    services.cancel_run(run.pk, actor="bob")

    with pytest.raises(HumanTaskNotFound):
        services.resume_run(task.pk, Answer(request_id=str(task.request_id), decision=Decision.APPROVED), actor="a")


@pytest.mark.parametrize(("on_timeout", "status"), [("fail", "expired"), ("continue", "blocked")])
def test_one_missed_deadline_of_several(on_timeout: str, status: str) -> None:
    run = run_of(BOARD, {"boss": {"timeout_seconds": 60, "on_timeout": on_timeout}})
    HumanTask.objects.filter(run=run, step_id="x").update(expires_at=timezone.now() - timedelta(seconds=1))
    deadlines.expire_overdue_tasks()
    run.refresh_from_db()

    assert run.status == status
    still_open = list(HumanTask.objects.open().filter(run=run).values_list("step_id", flat=True))
    assert still_open == (["y"] if on_timeout == "continue" else [])


INNER = sequence("a", step("ask", "boss", "human"), "b")
PLACES: dict[str, tuple[dict[str, Any], Callable[[], dict[str, dict[str, Any]]]]] = {
    "nested": (sequence(step("in", "asking", "workflow"), "c"), lambda: {"asking": INNER}),
    "agent": (sequence(step("in", "board", "agent"), "c"), lambda: {"asking": INNER}),
    "deep": (
        sequence(step("in", "middle", "workflow"), "c"),
        lambda: {"asking": INNER, "middle": sequence(step("in", "asking", "workflow"))},
    ),
    "graph": (graph([step("in", "asking", "workflow"), step("c")], ("in", "c")), lambda: {"asking": INNER}),
    "branch": (
        sequence(step("in", "fan", "workflow"), "c"),
        lambda: {"asking": INNER, "fan": among("concurrent", step("in", "asking", "workflow"))},
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_person_is_asked_inside_and_the_rest_goes_on(place: str) -> None:
    workflow, inner = PLACES[place]
    run = run_of(workflow, **inner())
    assert run.status == "blocked"
    say(run, "ask", Decision.EDITED, "new words")
    advance(run)

    assert (run.status, run.output_text) == ("completed", "new words>b>c")
    assert (CALLS["a"], CALLS["b"], CALLS["c"]) == (1, 1, 1)


@pytest.mark.parametrize("place", PLACES)
def test_nothing_bypasses_a_rejection_inside(place: str) -> None:
    workflow, inner = PLACES[place]
    for each in workflow.get("steps", workflow.get("nodes", {}).values()):
        each["on_error"] = "continue"
    run = run_of(workflow, {"boss": {"on_reject": "fail"}}, **inner())
    say(run, "ask", Decision.REJECTED, "no")
    run.refresh_from_db()

    assert (run.status, run.error_type, CALLS["c"]) == ("failed", "human_rejected", 0)


def test_a_run_that_was_gone_on_with_asks_only_what_is_open() -> None:
    run = run_of(BOARD, {"boss": {"on_reject": "fail"}})
    say(run, "y", content="yes")
    say(run, "x", Decision.REJECTED, "no")
    continue_run(run.pk, actor="alice")
    advance(run)

    assert list(HumanTask.objects.open().filter(run=run).values_list("step_id", flat=True)) == ["x"]
    say(run, "x", content="now yes")
    advance(run)
    assert (run.status, outputs(run)["y"]) == ("completed", "yes")


NOTE = {"form": {"type": "object", "properties": {"note": {"type": "string"}}}, "sets": {"note": "note"}}


def fill(run: Run, note: str, *, actor: str = "alice") -> None:
    """Fill in the form of the open question of the step x."""
    task = task_of(run, "x")
    given = Answer(request_id=str(task.request_id), decision=Decision.PROVIDED, form={"note": note})
    services.resume_run(task.pk, given, actor=actor)


def test_a_form_whose_variables_cannot_be_set_is_refused_while_others_work_and_fails_no_run() -> None:
    run = start(spec(among("concurrent", step("x", "boss", "human"), "a"), {"boss": NOTE}))
    refused: list[InvalidDecision] = []

    def answer() -> None:
        try:
            fill(run, "long" * 1_000)
        except InvalidDecision as error:
            refused.append(error)
        fill(run, "short")

    HOOKS["a"] = answer
    advance(run)

    assert [error.data["field"] for error in refused] == ["form"]
    assert (run.status, outputs(run)["x"]) == ("completed", '{"note": "short"}')


def test_nobody_has_to_agree_with_a_form_whose_variables_cannot_be_set() -> None:
    run = run_of(among("concurrent", step("x", "boss", "human")), {"boss": {**NOTE, "approvals": 2}})
    with pytest.raises(InvalidDecision):
        fill(run, "long" * 1_000)
    assert not TaskApproval.objects.exists()

    fill(run, "short")
    fill(run, "short", actor="olga")
    advance(run)

    assert (run.status, outputs(run)["x"]) == ("completed", '{"note": "short"}')
