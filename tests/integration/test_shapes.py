"""Workflow shapes, driven as a worker drives them: order, outputs, checkpoints, people, failures, resumption."""

import time
from typing import Any

import pytest

from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision
from runs import deadlines, heartbeat, services
from runs.executor import Rest
from runs.models import Checkpoint, Run
from tests.integration.driving import FUNCTIONS, advance, human, start, step
from tests.integration.functions import HOOKS

pytestmark = pytest.mark.django_db(transaction=True)


def spec_of(workflow: dict[str, Any], **workflows: dict[str, Any]) -> dict[str, Any]:
    """Return a spec with this root workflow and these component workflows."""
    return {
        "version": "v1",
        "agent": {"name": "root"},
        "workflow": {"name": "flow", **workflow},
        "components": {
            "agents": {"writer": {"name": "writer"}, "crew": {"name": "crew", "as_agent": "inner"}},
            "functions": {name: {"implementation": f"tests.integration.functions.{name}"} for name in FUNCTIONS},
            "humans": {"boss": {}},
            "workflows": {"inner": sequence("b", "c"), **workflows},
        },
    }


def sequence(*steps: str | dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a sequential workflow."""
    return {"type": "sequential", "steps": [step(each) if isinstance(each, str) else each for each in steps], **fields}


def among(shape: str, *steps: str | dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a workflow of participants."""
    return {"type": shape, "participants": sequence(*steps)["steps"], **fields}


def graph(nodes: list[dict[str, Any]], *edges: tuple[Any, ...], **fields: Any) -> dict[str, Any]:
    """Return a graph that starts at its first node; an edge is (from, to) or (from, to, condition)."""
    ways = [dict(zip(("from", "to", "condition"), edge, strict=False)) for edge in edges]
    return {"type": "graph", "start": nodes[0]["id"], "nodes": {n["id"]: n for n in nodes}, "edges": ways, **fields}


def run_of(workflow: dict[str, Any], **workflows: dict[str, Any]) -> Run:
    """Return a run of the workflow, advanced until it rests."""
    run = start(spec_of(workflow, **workflows))
    advance(run)
    return run


def answer(run: Run, decision: Decision, content: str | None = None) -> None:
    """Answer the open question of ``run``, and advance it."""
    task = HumanTask.objects.open().get(run=run)
    answered = Answer(request_id=str(task.request_id), decision=decision, content=content)
    services.resume_run(task.pk, answered, actor="alice")
    advance(run)


def paths(run: Run) -> list[str]:
    """Return the completed steps, with their iterations, in the order of their checkpoints."""
    done = Checkpoint.objects.filter(run=run, type="step_completed").order_by("sequence")
    return [f"{row.path}#{row.iteration}" for row in done]


def test_a_graph_follows_the_first_edge_that_matches() -> None:
    contains = {"type": "output_contains", "value": "HI"}
    run = run_of(graph([step("a"), step("b"), step("c")], ("a", "b", contains), ("a", "c"), ("b", "c")))
    assert (run.status, run.output_text) == ("completed", "hi>a>b>c")


def test_a_graph_that_runs_too_far_fails_and_keeps_what_it_did() -> None:
    run = run_of(graph([step("a"), step("b")], ("a", "b"), ("b", "a"), max_steps=5))
    assert (run.status, run.error_type) == ("failed", "max_iterations")
    assert paths(run) == ["a#1", "b#1", "a#2", "b#2", "a#3"]


def test_a_tolerated_failure_chooses_the_way() -> None:
    nodes = [step("boom", on_error="continue"), step("b"), step("c")]
    failed = {"type": "status_is", "value": "failed"}
    run = run_of(graph(nodes, ("boom", "c", {"type": "not", "condition": failed}), ("boom", "b", failed)))
    assert (run.status, run.output_text, run.error_type) == ("completed", "hi>b", None)


@pytest.mark.parametrize(
    ("decision", "output"), [(Decision.APPROVED, "hi>a>b"), (Decision.REJECTED, "Rejected by human reviewer: no>c")]
)
def test_a_decision_chooses_the_way(decision: Decision, output: str) -> None:
    approved = {"type": "decision_is", "value": "approved"}
    nodes = [step("a"), human(), step("b"), step("c")]
    run = run_of(graph(nodes, ("a", "boss"), ("boss", "b", approved), ("boss", "c")))
    assert run.status == "blocked"
    answer(run, decision, "no")
    assert (run.status, run.output_text) == ("completed", output)


@pytest.mark.parametrize(("text", "output"), [("hi", "b"), ("hello there", "c")])
def test_a_variable_that_a_function_sets_chooses_the_way_later(text: str, output: str) -> None:
    is_long = {"type": "variable_equals", "key": "long", "value": True}
    nodes = [step("judge"), step("a"), step("b"), step("c")]
    spec = spec_of(graph(nodes, ("judge", "a"), ("a", "c", is_long), ("a", "b")))
    judge = {"implementation": "tests.integration.functions.judge", "sets": {"long": "is_long"}}
    spec["components"]["functions"]["judge"] = judge
    run = start(spec, text)
    advance(run)
    assert (run.status, paths(run)[-1]) == ("completed", f"{output}#1")


def test_a_function_that_does_not_set_its_variables_fails() -> None:
    spec = spec_of(sequence("a"))
    spec["components"]["functions"]["a"]["sets"] = {"long": "is_long"}
    run = start(spec)
    advance(run)
    assert (run.status, run.error_type) == ("failed", "VariableInvalid")


def test_a_result_without_its_variables_is_tried_again_if_the_step_says_so() -> None:
    spec = spec_of(sequence(step("a", max_retries=1)))
    spec["components"]["functions"]["a"]["sets"] = {"long": "is_long"}
    run = start(spec)
    assert advance(run).rest is Rest.RETRY_LATER


def test_a_question_in_a_loop_is_a_new_task_each_time() -> None:
    edited = {"type": "decision_is", "value": "edited"}
    run = run_of(graph([step("a"), human()], ("a", "boss"), ("boss", "a", edited)))
    answer(run, Decision.EDITED, "again")
    assert run.status == "blocked"
    answer(run, Decision.APPROVED)
    assert (run.status, run.output_text) == ("completed", "again>a")
    assert list(HumanTask.objects.filter(run=run).order_by("created_at").values_list("iteration", flat=True)) == [1, 2]


def test_a_handoff_goes_by_its_sequence() -> None:
    selector = {"type": "sequence", "sequence": ["a", "b", "a"]}
    run = run_of(among("handoff", "a", "b", selector=selector))
    assert (run.output_text, paths(run)) == ("hi>a>b>a", ["a#1", "b#1", "a#2"])


def test_a_handoff_is_cut_short_by_its_limit_and_completes() -> None:
    run = run_of(among("handoff", "a", "b", "c", max_iterations=2))
    assert (run.status, run.output_text) == ("completed", "hi>a>b")


def test_a_group_chat_gives_everyone_a_turn_in_each_round() -> None:
    run = run_of(among("group-chat", "a", "b", rounds=2))
    assert (run.output_text, paths(run)) == ("hi>a>b>a>b", ["a#1", "b#1", "a#2", "b#2"])


def test_a_person_in_a_group_chat_is_asked_in_each_round() -> None:
    run = run_of(among("group_chat", "a", human(), rounds=2))
    answer(run, Decision.EDITED, "E1")
    answer(run, Decision.EDITED, "E2")
    assert (run.status, run.output_text) == ("completed", "E2")
    assert paths(run) == ["a#1", "boss#1", "a#2", "boss#2"]


def test_concurrent_steps_get_the_same_input_and_the_last_declared_output_counts() -> None:
    run = run_of(among("concurrent", "a", "b", "c"))
    assert (run.status, run.output_text) == ("completed", "hi>c")
    assert sorted(paths(run)) == ["a#1", "b#1", "c#1"]


def test_concurrent_steps_run_at_the_same_time() -> None:
    naps = [step(f"nap{number}", ref="nap") for number in range(4)]
    run = start(spec_of(among("concurrent", *naps)))
    before = time.monotonic()
    advance(run)
    took = time.monotonic() - before
    each = Checkpoint.objects.filter(run=run, step_id="nap0", type="step_completed").get()
    alone = (each.created_at - (each.started_at or each.created_at)).total_seconds()
    assert run.status == "completed"
    assert took < 3 * alone


def test_a_branch_that_fails_lets_the_others_finish_and_then_fails_the_run() -> None:
    run = run_of(among("concurrent", "a", "boom", "c"))
    assert (run.status, run.error_type) == ("failed", "RuntimeError")
    assert sorted(paths(run)) == ["a#1", "c#1"]


def test_a_person_among_branches_is_asked_when_the_others_are_done() -> None:
    run = run_of(among("concurrent", "a", human(), "c"))
    assert (run.status, sorted(paths(run))) == ("blocked", ["a#1", "c#1"])
    answer(run, Decision.APPROVED)
    assert (run.status, run.output_text) == ("completed", "hi>c")


def test_steps_inside_a_workflow_are_recorded_under_its_step() -> None:
    run = run_of(sequence("a", step("sub", ref="inner", kind="workflow"), "c"))
    assert run.output_text == "hi>a>b>c>c"
    assert paths(run) == ["a#1", "sub/b#1", "sub/c#1", "sub#1", "c#1"]


def test_an_agent_may_be_a_workflow() -> None:
    run = run_of(sequence(step("crew", kind="agent")))
    assert (run.output_text, paths(run)) == ("hi>b>c", ["crew/b#1", "crew/c#1", "crew#1"])


def test_a_workflow_inside_that_runs_too_far_fails_its_step() -> None:
    endless = graph([step("a"), step("b")], ("a", "b"), ("b", "a"), max_steps=2)
    sub = step("sub", ref="endless", kind="workflow")
    assert run_of(sequence(sub), endless=endless).error_type == "max_iterations"
    tolerated = run_of(sequence({**sub, "on_error": "continue"}, "c"), endless=endless)
    assert (tolerated.status, tolerated.output_text) == ("completed", "hi>c")


def test_a_workflow_inside_that_is_tried_again_starts_over() -> None:
    broken = sequence("a", "boom")
    run = run_of(sequence(step("sub", ref="broken", kind="workflow", max_retries=1)), broken=broken)
    Run.objects.filter(pk=run.pk).update(wake_at=run.created_at)
    advance(run)
    assert (run.status, paths(run)) == ("failed", ["sub/a#1", "sub@2/a#1"])


def test_a_concurrent_workflow_inside_a_sequence_hands_its_last_output_on() -> None:
    run = run_of(sequence(step("sub", ref="both", kind="workflow"), "c"), both=among("concurrent", "a", "b"))
    assert (run.status, run.output_text) == ("completed", "hi>b>c")


def test_a_workflow_may_be_a_branch() -> None:
    run = run_of(among("concurrent", "a", step("sub", ref="inner", kind="workflow")))
    assert (run.status, run.output_text) == ("completed", "hi>b>c")
    assert sorted(paths(run)) == ["a#1", "sub#1", "sub/b#1", "sub/c#1"]


def test_branches_that_are_done_are_not_repeated_after_a_crash() -> None:
    run = start(spec_of(among("concurrent", "a", step("flaky", max_retries=1), "c")))
    advance(run)
    assert sorted(paths(run)) == ["a#1", "c#1"]
    Run.objects.filter(pk=run.pk).update(wake_at=run.created_at)
    advance(run)
    assert (run.status, run.output_text) == ("completed", "hi>c")
    assert sorted(paths(run)) == ["a#1", "c#1", "flaky#1"]


def test_a_deadline_stops_every_branch_and_keeps_what_was_done() -> None:
    run = start(spec_of(among("concurrent", "a", "slow", step("slow2", ref="slow"))), timeout_seconds=1)
    before = time.monotonic()
    advance(run)
    assert (run.status, paths(run)) == ("timed_out", ["a#1"])
    assert time.monotonic() - before < 30


def test_a_branch_that_takes_too_long_leaves_the_others_alone() -> None:
    run = run_of(among("concurrent", step("slow", timeout_seconds=1, on_error="continue"), "nap"))
    assert (run.status, run.output_text) == ("completed", "hi>nap")


def test_branches_of_a_worker_that_stops_are_handed_over(request: pytest.FixtureRequest) -> None:
    request.addfinalizer(heartbeat.retire)
    HOOKS["a"] = lambda: heartbeat.of_this_process().stop(0)
    request.addfinalizer(HOOKS.clear)
    run = start(spec_of(among("concurrent", "a", "slow")))
    assert advance(run).rest is Rest.HANDED_OVER
    HOOKS.clear()
    assert (run.status, run.lease_owner) == ("running", None)


@pytest.mark.parametrize(("form", "way"), [({"large": True}, "b"), ({"large": False}, "c"), ({}, "c")])
def test_a_field_of_a_form_chooses_the_way(form: dict[str, Any], way: str) -> None:
    large = {"type": "variable_equals", "key": "is_large", "value": True}
    spec = spec_of(graph([human(), step("b"), step("c")], ("boss", "b", large), ("boss", "c")))
    properties = {"large": {"type": "boolean"}}
    spec["components"]["humans"] = {
        "boss": {"form": {"type": "object", "properties": properties}, "sets": {"is_large": "large"}}
    }
    run = start(spec)
    advance(run)
    task = HumanTask.objects.open().get(run=run)
    given = Answer(request_id=str(task.request_id), decision=Decision.APPROVED, form=form)
    services.resume_run(task.pk, given, actor="alice")
    advance(run)

    assert paths(run) == ["boss#1", f"{way}#1"]


@pytest.mark.parametrize("decision", [Decision.REJECTED, None])
def test_whoever_rejects_or_lets_the_time_pass_sets_no_variable(decision: Decision | None) -> None:
    large = {"type": "variable_equals", "key": "is_large", "value": True}
    spec = spec_of(graph([human(), step("b"), step("c")], ("boss", "b", large), ("boss", "c")))
    form = {"type": "object", "properties": {"large": {"type": "boolean"}}, "required": ["large"]}
    sets = {"is_large": "large"}
    boss = {"form": form, "sets": sets, "timeout_seconds": 60, "on_timeout": "continue"}
    spec["components"]["humans"] = {"boss": boss}
    run = start(spec)
    advance(run)
    task = HumanTask.objects.open().get(run=run)
    if decision is None:
        HumanTask.objects.filter(pk=task.pk).update(expires_at=task.created_at)
        deadlines.expire_overdue_tasks()
    else:
        given = Answer(request_id=str(task.request_id), decision=decision, form={"large": True})
        services.resume_run(task.pk, given, actor="alice")
    advance(run)

    assert paths(run) == ["boss#1", "c#1"]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"input_schema": {"type": "string", "maxLength": 1}}, "FunctionInputInvalid"),
        ({"output_schema": {"type": "object"}}, "FunctionOutputInvalid"),
    ],
)
def test_a_function_outside_its_schemas_fails_its_step(schema: dict[str, Any], kind: str) -> None:
    spec = spec_of(sequence("a"))
    spec["components"]["functions"]["a"] |= schema
    run = start(spec)
    advance(run)

    assert (run.status, run.error_type) == ("failed", kind)
