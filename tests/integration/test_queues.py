"""In which order waiting runs are taken: by queue, by priority, what was begun before what is new, callers in turns."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs import executor, services, tasks, transitions
from runs.executor import Rest
from runs.models import Priority, Run
from runs.redriving import ForkRun, fork_run
from runs.services import StartRun
from specs.services import SpecSource
from tests.integration.driving import spec_of, start, step

ONE = spec_of(step("a"))
LOW, NORMAL, HIGH = Priority.LOW, Priority.NORMAL, Priority.HIGH


def order(caller: str, **fields: object) -> Run:
    """Let ``caller`` order a run of one step."""
    request = StartRun(source=SpecSource(spec=ONE), input_text="hi", **fields)  # type: ignore[arg-type]
    return services.start_run(request, actor=caller)


def taken(queue: str = "default") -> Iterator[Run]:
    """Yield the runs that a worker of ``queue`` advances, in the order in which it takes them."""
    while (advanced := executor.advance(None, queue=queue)).rest is not Rest.NOT_DUE:
        yield Run.objects.get(pk=advanced.run_id or uuid.UUID(int=0))


def callers(runs: Iterator[Run]) -> str:
    """Return who ordered ``runs``, by the first letters."""
    return "".join((run.ordered_by or "?")[0] for run in runs)


@pytest.mark.django_db(transaction=True)
def test_callers_take_turns_however_much_one_of_them_ordered_first() -> None:
    for caller in ["alice"] * 5 + ["bob"] * 2 + ["carol"]:
        order(caller)
    assert callers(taken()) == "abcabaaa"


@pytest.mark.django_db(transaction=True)
def test_who_comes_to_a_long_line_is_in_the_round_that_is_under_way() -> None:
    for _ in range(6):
        order("alice")
    line = taken()
    assert callers(next(line) for _ in range(3)) == "aaa"
    order("bob")
    order("bob")
    assert callers(line) == "ababa"


@pytest.mark.django_db(transaction=True)
def test_one_caller_is_served_in_the_order_of_asking() -> None:
    ordered = [order("alice").pk for _ in range(5)]
    assert [run.pk for run in taken()] == ordered


@pytest.mark.django_db(transaction=True)
def test_a_higher_priority_goes_first_whoever_waited_longer() -> None:
    ordered = [order("alice", priority=priority) for priority in (LOW, NORMAL, HIGH, NORMAL)]
    assert [run.pk for run in taken()] == [ordered[index].pk for index in (2, 1, 3, 0)]


@pytest.mark.django_db(transaction=True)
def test_a_run_that_was_begun_goes_before_new_ones_of_its_priority_and_not_of_a_higher() -> None:
    begun, new, urgent = order("alice"), order("bob"), order("carol", priority=HIGH)
    lease = transitions.claim(begun.pk, "handing-over")
    assert lease is not None
    transitions.release(begun.pk, lease.fence)
    assert [run.pk for run in taken()] == [urgent.pk, begun.pk, new.pk]


@pytest.mark.django_db(transaction=True)
def test_each_queue_has_a_line_of_its_own() -> None:
    usual, special = order("alice"), order("alice", queue="gpu")
    assert [run.pk for run in taken("gpu")] == [special.pk]
    assert [run.pk for run in taken()] == [usual.pk]


@pytest.mark.django_db(transaction=True)
def test_a_fork_waits_where_its_run_did() -> None:
    run = order("alice", queue="gpu", priority=LOW)
    executor.advance(run.pk)
    fork = fork_run(run.pk, ForkRun(checkpoint=1), actor="bob")
    assert (fork.queue, fork.priority) == ("gpu", LOW)


@pytest.mark.django_db(transaction=True)
def test_a_bell_for_a_run_does_not_let_it_jump_the_line() -> None:
    first, rung_for = order("alice"), order("alice")
    tasks.advance_run(str(rung_for.pk))
    begun = Run.objects.order_by("started_at").values_list("pk", flat=True)
    assert list(begun) == [first.pk, rung_for.pk]


@pytest.mark.django_db(transaction=True)
def test_branches_take_turns_with_the_runs_of_others() -> None:
    workflow = {"type": "map", "name": "flow", "step": step("a"), "max_parallel": 2}
    run = start(spec_of() | {"workflow": workflow}, json.dumps(list("pqrstu")), queue="gpu", priority=LOW)
    executor.advance(run.pk)
    services.start_run(StartRun(source=SpecSource(spec=ONE), input_text="hi", queue="gpu", priority=LOW), actor="bob")
    line = [each.ordered_by for each in taken("gpu")]
    assert line.index("bob") <= 2
    assert set(run.branches.values_list("queue", "priority", "status")) == {("gpu", LOW, "completed")}


@pytest.mark.django_db(transaction=True)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Priority)), max_size=12))
def test_nobody_has_two_runs_taken_while_another_of_the_same_priority_waits_for_the_first(
    asked: list[tuple[str, Priority]],
) -> None:
    Run.objects.all().delete()
    for caller, priority in asked:
        order(caller, priority=priority)
    seen = [(run.ordered_by, Priority(run.priority)) for run in taken()]
    assert [priority for _, priority in seen] == sorted(priority for _, priority in asked)
    for priority in Priority:
        line = [caller for caller, its in seen if its is priority]
        rounds = [line[:index].count(caller) for index, caller in enumerate(line)]
        assert rounds == sorted(rounds)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="writers of SQLite do not meet")
@pytest.mark.django_db(transaction=True)
def test_workers_that_meet_at_the_head_of_the_line_take_different_runs_and_leave_none() -> None:
    ordered = {order(f"caller-{number % 7}", priority=Priority(number % 3)).pk for number in range(60)}

    def work() -> list[uuid.UUID]:
        got = []
        while lease := transitions.claim(None, "meeting"):
            got.append(lease.run_id)
        connections.close_all()
        return got

    with ThreadPoolExecutor(max_workers=6) as pool:
        shares = [future.result() for future in [pool.submit(work) for _ in range(6)]]
    everything = [run_id for share in shares for run_id in share]
    assert len(everything) == len(ordered)
    assert set(everything) == ordered
