"""Going on with runs that failed, and forking runs: nothing that is finished is done again."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from humantasks.rules import Decision
from kneo_project.audit.models import AuditEvent
from runs import services
from runs.errors import ForkNotPossible, RunStateConflict
from runs.models import Checkpoint, Run
from runs.redriving import ForkRun, continue_run, fork_run
from specs.services import SpecSource
from tests.integration.driving import advance, human, spec_of, start, step
from tests.integration.functions import CALLS, FAILING
from tests.integration.test_shapes import among, answer, graph, paths, sequence
from tests.integration.test_shapes import spec_of as shaped

pytestmark = pytest.mark.django_db(transaction=True)

LOOP = graph([step("a"), step("b")], ("a", "b"), ("b", "a"), max_steps=4)
SHAPES: dict[str, tuple[dict[str, Any], Counter[str]]] = {
    "sequential": (sequence("a", "b", "c"), Counter(a=1, b=1, c=1)),
    "graph": (graph([step("a"), step("b"), step("c")], ("a", "b"), ("b", "c")), Counter(a=1, b=1, c=1)),
    "concurrent": (among("concurrent", "a", "b", "c"), Counter(a=1, b=1, c=1)),
    "handoff": (among("handoff", "a", "b", "c"), Counter(a=1, b=1, c=1)),
    "group-chat": (among("group-chat", "a", "b", "c", rounds=2), Counter(a=2, b=2, c=2)),
    "nested": (sequence("a", step("in", "inner", kind="workflow"), "a2"), Counter(a=2, b=1, c=1)),
    "nested in a branch": (
        among("concurrent", "a", step("in", "inner", kind="workflow")),
        Counter(a=1, b=1, c=1),
    ),
    "as agent": (sequence("a", step("in", "crew", kind="agent")), Counter(a=1, b=1, c=1)),
}


def failed(workflow: dict[str, Any], *names: str) -> Run:
    """Return a run of ``workflow`` in which the functions ``names`` failed."""
    spec = shaped(workflow)
    spec["components"]["functions"]["a2"] = {"implementation": "tests.integration.functions.a"}
    FAILING.update(names)
    run = start(spec)
    advance(run)
    FAILING.clear()
    assert (run.status, run.error_type) == ("failed", "ConnectionResetError")
    return run


def gone_on(run: Run) -> Run:
    """Go on with ``run`` until it rests."""
    continue_run(run.pk, actor="alice")
    advance(run)
    return run


def output_of(workflow: dict[str, Any]) -> str | None:
    """Return the output of an undisturbed run of ``workflow``."""
    spec = shaped(workflow)
    spec["components"]["functions"]["a2"] = {"implementation": "tests.integration.functions.a"}
    run = start(spec)
    advance(run)
    CALLS.clear()
    return run.output_text


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_run_goes_on_where_it_failed_in_every_shape(shape: str, name: str) -> None:
    workflow, calls = SHAPES[shape]
    undisturbed = output_of(workflow)
    run = gone_on(failed(workflow, name))

    assert (run.status, run.output_text, run.error_type) == ("completed", undisturbed, None)
    assert calls == CALLS


def test_two_branches_that_failed_are_both_gone_on_with() -> None:
    run = gone_on(failed(among("concurrent", "a", "b", "c"), "a", "c"))

    assert (run.status, Counter(a=1, b=1, c=1)) == ("completed", CALLS)


def test_a_run_may_fail_and_go_on_again_and_again() -> None:
    run = failed(sequence("a", step("in", "inner", kind="workflow")), "c")
    for _ in range(2):
        FAILING.add("c")
        assert gone_on(run).status == "failed"
    FAILING.clear()

    assert gone_on(run).status == "completed"
    assert Counter(a=1, b=1, c=1) == CALLS


def test_a_step_has_all_its_attempts_again() -> None:
    run = failed(sequence("a", step("b", max_retries=0, on_error="fallback", fallback_ref="c"), "c"), "b", "c")

    assert (gone_on(run).status, CALLS["b"], CALLS["c"]) == ("completed", 0, 2)


def test_a_graph_that_ran_too_far_goes_on_with_new_visits() -> None:
    run = start(shaped(LOOP))
    advance(run)
    assert run.error_type == "max_iterations"

    assert gone_on(run).error_type == "max_iterations"
    assert Counter(a=4, b=4) == CALLS
    assert paths(run)[-1] == "b#4"


def test_a_rejected_run_asks_again() -> None:
    run = start(spec_of(step("a"), human(), step("b"), humans={"boss": {"on_reject": "fail"}}))
    advance(run)
    answer(run, Decision.REJECTED, "no")
    run.refresh_from_db()
    assert run.error_type == "human_rejected"

    assert gone_on(run).status == "blocked"
    answer(run, Decision.APPROVED)
    assert (run.status, run.output_text) == ("completed", "hi>a>b")


def test_going_on_is_recorded_and_a_deadline_begins_anew() -> None:
    FAILING.add("b")
    run = start(spec_of(step("a"), step("b")), timeout_seconds=3600)
    advance(run)
    before = run.deadline_at
    gone_on(run)

    assert run.deadline_at != before
    replay = Checkpoint.objects.get(run=run, type="replay_context")
    assert replay.details["error"]["type"] == "ConnectionResetError"
    event = AuditEvent.objects.get(event_type="run.continued")
    assert (event.actor, event.metadata["error_type"]) == ("alice", "ConnectionResetError")


def test_only_a_run_that_failed_can_be_gone_on_with() -> None:
    run = start(spec_of(step("a")))
    for _ in ("created", "completed"):
        with pytest.raises(RunStateConflict):
            continue_run(run.pk, actor="alice")
        advance(run)


def test_of_many_who_go_on_with_a_run_one_does() -> None:
    run = failed(sequence("a", "b"), "b")
    together = threading.Barrier(4)

    def attempt(_: int) -> bool:
        together.wait()
        try:
            continue_run(run.pk, actor="alice")
        except RunStateConflict:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1
    advance(run)
    assert (run.status, Checkpoint.objects.filter(run=run, type="replay_context").count()) == ("completed", 1)


def test_a_run_that_goes_on_can_be_cancelled() -> None:
    run = failed(sequence("a", "b"), "b")
    continue_run(run.pk, actor="alice")
    services.cancel_run(run.pk, actor="bob")
    advance(run)

    assert (run.status, CALLS["b"]) == ("cancelled", 0)


def forked(run: Run, **fork: Any) -> Run:
    """Fork ``run`` and advance the fork until it rests."""
    new = fork_run(run.pk, ForkRun(**fork), actor="alice")
    advance(new)
    return new


def completed(*names: str) -> Run:
    """Return a run of these functions that has completed."""
    run = start(spec_of(*(step(name) for name in names)))
    advance(run)
    CALLS.clear()
    return run


@pytest.mark.parametrize(("checkpoint", "calls"), [(1, "abc"), (2, "bc"), (3, "c")])
def test_a_fork_begins_at_a_checkpoint_and_does_only_the_rest(checkpoint: int, calls: str) -> None:
    run = completed("a", "b", "c")
    fork = forked(run, checkpoint=checkpoint)

    assert (fork.status, fork.output_text, fork.parent_id, fork.forked_at) == (
        "completed",
        "hi>a>b>c",
        run.pk,
        checkpoint,
    )
    assert Counter(calls) == CALLS
    assert paths(fork) == ["a#1", "b#1", "c#1"]
    run.refresh_from_db()
    assert (run.status, run.sequence) == ("completed", 5)


def test_a_fork_may_be_given_another_text() -> None:
    fork = forked(completed("a", "b", "c"), checkpoint=3, input_text="other")

    assert fork.output_text == "other>c"


def test_a_fork_may_have_another_spec_that_goes_on_with_the_same_steps() -> None:
    run = completed("a", "b", "c")
    better = spec_of(step("a"), step("b"), step("c", "a"))
    assert forked(run, checkpoint=3, source=SpecSource(spec=better)).output_text == "hi>a>b>a"

    with pytest.raises(ForkNotPossible, match="does not have the steps"):
        fork_run(run.pk, ForkRun(checkpoint=3, source=SpecSource(spec=spec_of(step("a")))), actor="alice")


def test_a_fork_outlives_its_parent() -> None:
    run = completed("a", "b", "c")
    fork = fork_run(run.pk, ForkRun(checkpoint=3), actor="alice")
    run.delete()
    advance(fork)

    assert (fork.status, fork.output_text, fork.parent_id) == ("completed", "hi>a>b>c", None)


def test_a_run_that_failed_is_forked_from_where_it_failed() -> None:
    run = failed(among("concurrent", "a", "b", "c"), "c")
    fork = forked(run)

    assert (fork.status, fork.output_text) == ("completed", "hi>c")
    assert Counter(a=1, b=1, c=1) == CALLS
    with pytest.raises(ForkNotPossible, match="Branches are under way"):
        fork_run(run.pk, ForkRun(input_text="other"), actor="alice")


def test_a_question_is_asked_again_in_a_fork() -> None:
    run = start(spec_of(step("a"), human(), step("b"), humans={"boss": {}}))
    advance(run)
    fork = forked(run)

    assert (fork.status, run.status) == ("blocked", "blocked")
    answer(fork, Decision.APPROVED)
    assert (fork.status, Run.objects.get(pk=run.pk).status) == ("completed", "blocked")


@pytest.mark.parametrize(("checkpoint", "nearest"), [(5, 3), (99, 3)])
def test_from_the_end_nothing_goes_on(checkpoint: int, nearest: int) -> None:
    with pytest.raises(ForkNotPossible, match=f"the nearest before it is {nearest}") as refused:
        fork_run(completed("a", "b", "c").pk, ForkRun(checkpoint=checkpoint), actor="alice")
    assert refused.value.data["checkpoint"] == nearest
