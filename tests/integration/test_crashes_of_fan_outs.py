"""Dying at every moment of a fan-out, and processes that meet there: nothing is lost, nothing is done twice."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connections

from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision
from runs import executor, services
from runs.engine.lifecycle import TERMINAL
from runs.models import Checkpoint, FanOut, Run
from tests.integration.crashing import crashes, in_child
from tests.integration.driving import human, start, step
from tests.integration.questions import recover
from tests.integration.test_fan_outs import begun, branches, drive, over, run_of
from tests.integration.test_shapes import sequence, spec_of

pytestmark = pytest.mark.django_db(transaction=True)

PAIR = '["x", "y"]'
DONE = '["x>a", "y>a"]'


def map_of_two() -> Run:
    """Return a run that is about to fan out."""
    return start(spec_of(over("a", max_parallel=1)), PAIR)


def advance_branch(index: int, run: Run) -> None:
    """Let a worker advance one branch of ``run``."""
    executor.advance(branches(run)[index].pk)


def one_done() -> Run:
    """Return a run of which one branch of two has ended. Others did that: a child must not inherit their threads."""
    run = map_of_two()
    in_child(executor.advance, run.pk)
    in_child(advance_branch, 0, run)
    return run


def both_done() -> Run:
    """Return a run whose branches have ended, and that has not taken that up."""
    run = one_done()
    in_child(advance_branch, 1, run)
    return run


def assert_completed_once(run: Run, output: str = DONE) -> None:
    """Check that the run ended well, with every step of every branch recorded once."""
    in_child(_recovered, run)
    run.refresh_from_db()
    assert (run.status, run.output_text) == ("completed", output)
    assert {branch.status for branch in branches(run)} == {"completed"}
    for each in [run, *branches(run)]:
        assert Checkpoint.objects.filter(run=each, type="step_completed").count() == 1
    assert [fan_out.unfinished for fan_out in FanOut.objects.filter(run=run)] == [0]


def _recovered(run: Run) -> None:
    recover()
    drive(run)


@pytest.mark.parametrize(
    ("prepare", "act"),
    [
        pytest.param(map_of_two, lambda run: executor.advance(run.pk), id="while it fans out"),
        pytest.param(one_done, partial(advance_branch, 1), id="while the last branch ends"),
        pytest.param(both_done, lambda run: executor.advance(run.pk), id="while it joins"),
    ],
)
def test_a_worker_that_dies_at_any_moment_costs_nothing(
    prepare: Callable[[], Run], act: Callable[[Run], object]
) -> None:
    moments = 0
    for run in crashes(prepare, act):
        assert_completed_once(run)
        moments += 1
    assert moments > 3


def at_once(*acts: Callable[[], object]) -> None:
    """Do all ``acts`` at the same time."""
    gate = threading.Barrier(len(acts))

    def act(what: Callable[[], object]) -> None:
        try:
            gate.wait(timeout=10)
            what()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(act, acts))


def test_branches_that_end_at_the_same_moment_are_all_counted() -> None:
    for _ in range(10):
        run = begun(over("a"), json.dumps(["x"] * 6))
        at_once(*(partial(executor.advance, branch.pk) for branch in branches(run)))
        assert [fan_out.unfinished for fan_out in FanOut.objects.filter(run=run)] == [0]
        assert drive(run).output_text == json.dumps(["x>a"] * 6)


def test_cancelling_while_branches_begin_and_end_leaves_none_behind() -> None:
    for _ in range(10):
        run = begun(
            over(step("s", "rows", kind="workflow"), max_parallel=3), '[["x"],["x"],["x"],["x"]]', rows=over("a")
        )
        due = [branch.pk for branch in branches(run)[:3]]
        at_once(*(partial(executor.advance, pk) for pk in due), partial(services.cancel_run, run.pk, actor="alice"))
        drive(run)
        assert run.status == "cancelled"
        assert not Run.objects.filter(within=run).exclude(status__in=TERMINAL).exists()


def test_the_last_answers_of_two_branches_may_come_at_the_same_moment() -> None:
    for _ in range(5):
        run = run_of(over(human()), PAIR)
        tasks = HumanTask.objects.filter(run__within=run)
        answers = [(task.pk, Answer(request_id=str(task.request_id), decision=Decision.APPROVED)) for task in tasks]
        at_once(*(partial(services.resume_run, pk, answer, actor="alice") for pk, answer in answers))
        assert drive(run).output_text == PAIR


def test_a_run_that_rests_while_its_last_branch_ends_is_woken() -> None:
    for _ in range(10):
        run = begun(sequence(step("m", "loop", kind="workflow"), "b"), '["x"]', loop=over("a"))
        at_once(partial(advance_branch, 0, run), partial(executor.advance, run.pk))
        assert drive(run).output_text == '["x>a"]>b'
