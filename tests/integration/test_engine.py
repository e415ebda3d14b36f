"""Runs, driven in this process on a real database: what they leave behind."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from humantasks.errors import HumanTaskNotFound
from humantasks.models import HumanTask, TaskStatus
from humantasks.rules import Answer, Decision
from kneo_project.audit.models import AuditEvent
from runs import deadlines, executor, heartbeat, leases, services, transitions
from runs.errors import QueueFull
from runs.executor import Rest
from runs.models import LeaseOwner, Run, TraceEvent
from specs.errors import SpecInvalid
from specs.models import SpecSnapshot
from tests.integration import functions
from tests.integration.driving import advance, human, left, outputs, spec_of, start, step

THREE = spec_of(step("a"), step("b"), step("c"))


def answer_to(task: HumanTask, decision: Decision, **fields: str) -> Answer:
    """Return an answer to ``task``."""
    return Answer(request_id=str(task.request_id), decision=decision, **fields)  # type: ignore[arg-type]


def blocked(spec: dict[str, object] | None = None, **fields: object) -> tuple[Run, HumanTask]:
    """Return a run that waits for a person after step ``a``, and its task."""
    run = start(spec or spec_of(step("a"), human(), step("c"), humans={"boss": fields}))
    advance(run)
    return run, HumanTask.objects.open().get(run=run)


def test_a_run_goes_through_its_steps_and_leaves_one_checkpoint_each() -> None:
    run = start(THREE)
    assert advance(run).rest is Rest.SETTLED
    assert (run.status, run.output_text) == ("completed", "hi>a>b>c")
    assert left(run) == [
        (1, "run_started", None),
        (2, "step_completed", "a"),
        (3, "step_completed", "b"),
        (4, "step_completed", "c"),
        (5, "run_completed", None),
    ]
    assert (run.lease_owner, run.wake_at, run.error_type) == (None, None, None)


def test_the_trace_starts_and_ends_with_the_workflow() -> None:
    run = start(spec_of(step("a"), step("w", "writer", kind="agent")))
    advance(run)
    types = list(TraceEvent.objects.filter(run=run).values_list("type", flat=True))
    assert types == ["workflow_started", "run_started", "run_completed", "workflow_completed"]


def test_the_root_agent_alone_leaves_no_steps() -> None:
    run = start(THREE, target="agent")
    advance(run)
    assert (run.output_text, left(run)) == ("Final answer: hi", [(1, "run_started", None), (2, "run_completed", None)])


def test_a_failing_step_ends_the_run_with_its_error() -> None:
    run = start(spec_of(step("a"), step("boom"), step("c")))
    advance(run)
    assert (run.status, run.error_type, run.error_message) == ("failed", "RuntimeError", "boom hi>a")
    assert left(run)[-2:] == [(3, "step_failed", "boom"), (4, "run_failed", None)]


def test_a_tolerated_failure_leaves_no_error_on_the_run() -> None:
    run = start(spec_of(step("a"), step("boom", on_error="continue"), step("c")))
    advance(run)
    assert (run.status, run.output_text, run.error_type) == ("completed", "hi>a>c", None)


def test_a_fallback_stands_in_and_still_runs_in_its_own_turn() -> None:
    run = start(spec_of(step("a"), step("boom", on_error="fallback", fallback_ref="c"), step("c")))
    advance(run)
    assert (run.status, run.output_text) == ("completed", "hi>a>c>c")


def test_a_retry_waits_for_its_time_and_holds_no_lease() -> None:
    run = start(spec_of(step("flaky", max_retries=1)))
    advanced = advance(run)
    assert advanced.rest is Rest.RETRY_LATER
    assert (run.status, run.lease_owner) == ("running", None)
    assert run.wake_at is not None
    assert run.wake_at > timezone.now()
    assert advance(run).rest is Rest.NOT_DUE
    Run.objects.filter(pk=run.pk).update(wake_at=timezone.now() - timedelta(seconds=1))
    advance(run)
    assert (run.status, run.output_text) == ("completed", "hi>flaky")


def test_a_step_that_takes_too_long_is_left() -> None:
    run = start(spec_of(step("slow", timeout_seconds=1)))
    advance(run)
    assert (run.error_type, run.error_message) == ("RetryTimeoutError", "Operation timed out after 1 seconds.")


def test_output_that_no_database_can_store_is_made_storable() -> None:
    run = start(spec_of(step("odd")))
    advance(run)
    assert (run.status, run.output_text) == ("completed", "x\ufffdy?z")


def lose_the_lease() -> None:
    """Make this process look dead, in the middle of a step, and let a sweep take its runs back."""
    LeaseOwner.objects.all().delete()
    assert len(deadlines.recover_lapsed()) == 1
    connection.close()


def test_finished_steps_are_not_repeated_when_a_run_is_taken_over() -> None:
    functions.CALLS.clear()
    functions.HOOKS["b"] = lose_the_lease
    run = start(THREE)
    assert advance(run).rest is Rest.LOST
    advance(run)
    assert (run.status, run.output_text, run.attempts) == ("completed", "hi>a>b>c", 1)
    assert functions.CALLS == {"a": 1, "b": 2, "c": 1}
    assert outputs(run) == ["hi>a", "hi>a>b", "hi>a>b>c"]


def test_an_owner_that_was_replaced_writes_nothing() -> None:
    def be_replaced() -> None:
        lose_the_lease()
        executor.advance(run.pk)

    functions.HOOKS["b"] = be_replaced
    run = start(THREE)
    assert advance(run).rest is Rest.LOST
    assert (run.status, outputs(run)) == ("completed", ["hi>a", "hi>a>b", "hi>a>b>c"])


def test_many_owners_at_once_run_every_step_once() -> None:
    runs = [start(THREE) for _ in range(5)]
    before = functions.CALLS["b"]

    def look(run_id: uuid.UUID) -> None:
        executor.advance(run_id)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, [run.pk for run in runs] * 6))
    assert set(Run.objects.values_list("status", flat=True)) == {"completed"}
    assert functions.CALLS["b"] - before == 5


def test_a_paused_run_and_its_task_are_written_together() -> None:
    run, task = blocked(description="May it go out?", assignee="boss@example.org")
    assert (run.status, run.lease_owner, run.wake_at) == ("blocked", None, None)
    assert (task.step_id, task.input_text, task.prompt) == ("boss", "hi>a", "May it go out?")
    assert left(run)[-1] == (3, "human_pause", "boss")


@pytest.mark.parametrize(
    ("decision", "fields", "output"),
    [
        (Decision.APPROVED, {"content": "ignored"}, "hi>a>c"),
        (Decision.REJECTED, {"content": "too dear"}, "Rejected by human reviewer: too dear>c"),
        (Decision.EDITED, {"content": "better"}, "better>c"),
        (Decision.EDITED, {}, "hi>a>c"),
        (Decision.PROVIDED, {"content": "given"}, "given>c"),
        (Decision.SELECTED, {"selected_option": "x"}, "x>c"),
    ],
)
def test_each_decision_has_its_effect_on_the_text(decision: Decision, fields: dict[str, str], output: str) -> None:
    run, task = blocked()
    services.resume_run(task.pk, answer_to(task, decision, **fields), actor="bob")
    advance(run)
    assert (run.status, run.output_text) == ("completed", output)
    assert [kind for _, kind, _ in left(run)][3:] == [
        "human_resume",
        "step_completed",
        "step_completed",
        "run_completed",
    ]


def test_an_answer_is_kept_and_spent_once() -> None:
    _, task = blocked()
    services.resume_run(task.pk, answer_to(task, Decision.APPROVED), actor="bob")
    task.refresh_from_db()
    assert (task.status, task.decision, task.decided_by) == (TaskStatus.ANSWERED, "approved", "bob")
    with pytest.raises(Exception, match="no open human task"):
        services.resume_run(task.pk, answer_to(task, Decision.REJECTED), actor="carol")


def test_two_answers_at_once_count_as_one() -> None:
    run, task = blocked()
    start_line = threading.Barrier(4)

    def decide(name: str) -> bool:
        start_line.wait()
        try:
            services.resume_run(task.pk, answer_to(task, Decision.EDITED, content=name), actor=name)
        except HumanTaskNotFound:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(decide, ["p", "q", "r", "s"])) == [False, False, False, True]
    advance(run)
    task.refresh_from_db()
    assert run.output_text == f"{task.content}>c"


def test_a_rejection_ends_the_run_when_the_spec_says_so() -> None:
    run, task = blocked(on_reject="fail")
    services.resume_run(task.pk, answer_to(task, Decision.REJECTED, content="no"), actor="bob")
    run.refresh_from_db()
    assert (run.status, run.error_type) == ("failed", "human_rejected")
    assert advance(run).rest is Rest.NOT_DUE


def test_a_human_step_may_be_the_last() -> None:
    run, task = blocked(spec_of(step("a"), human(), humans={"boss": {}}))
    services.resume_run(task.pk, answer_to(task, Decision.APPROVED), actor="bob")
    advance(run)
    assert (run.status, run.output_text) == ("completed", "hi>a")


def test_cancel_ends_a_waiting_run_and_its_question() -> None:
    run, task = blocked()
    services.cancel_run(run.pk, actor="bob")
    services.cancel_run(run.pk, actor="bob")
    run.refresh_from_db()
    task.refresh_from_db()
    assert (run.status, run.error_type, task.status) == ("cancelled", "cancelled", TaskStatus.CANCELLED)
    assert AuditEvent.objects.filter(event_type="run.cancelled").count() == 1


@pytest.mark.parametrize(
    ("on_timeout", "status", "event"),
    [
        ("fail", "expired", "human.expired"),
        ("continue", "completed", "human.continued"),
        ("escalate", "blocked", "human.escalated"),
    ],
)
def test_a_missed_deadline_does_what_the_spec_says(on_timeout: str, status: str, event: str) -> None:
    run, task = blocked(timeout_seconds=60, on_timeout=on_timeout)
    HumanTask.objects.filter(pk=task.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert (len(deadlines.expire_overdue_tasks()), len(deadlines.expire_overdue_tasks())) == (1, 0)
    advance(run)
    assert run.status == status
    assert AuditEvent.objects.filter(event_type=event, run_id=run.pk).count() == 1


def test_an_escalated_task_can_still_be_answered() -> None:
    run, task = blocked(timeout_seconds=60, on_timeout="escalate")
    HumanTask.objects.filter(pk=task.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    deadlines.expire_overdue_tasks()
    services.resume_run(task.pk, answer_to(task, Decision.APPROVED), actor="bob")
    advance(run)
    assert run.status == "completed"


def test_a_run_past_its_deadline_is_ended_wherever_it_is() -> None:
    run, task = blocked()
    Run.objects.filter(pk=run.pk).update(deadline_at=timezone.now() - timedelta(seconds=1), timeout_seconds=1)
    assert (len(deadlines.time_out_overdue_runs()), len(deadlines.time_out_overdue_runs())) == (1, 0)
    run.refresh_from_db()
    task.refresh_from_db()
    assert (run.status, run.error_type, task.status) == ("timed_out", "run_timed_out", TaskStatus.CANCELLED)


def test_a_deadline_stops_a_running_step() -> None:
    run = start(spec_of(step("slow")), timeout_seconds=1)
    advance(run)
    assert (run.status, run.error_type) == ("timed_out", "run_timed_out")


def test_a_run_that_keeps_dying_is_isolated_and_then_given_up() -> None:
    run = start(THREE)
    history = []
    for _ in range(5):
        alone = transitions.claim(run.pk, "doomed", alone=True)
        shared = transitions.claim(run.pk, "doomed")
        history.append("alone" if alone else "shared" if shared else "none")
        deadlines.recover_lapsed()
    run.refresh_from_db()
    assert history == ["shared", "shared", "alone", "alone", "alone"]
    assert (run.status, run.error_type) == ("failed", "dead_letter")
    assert AuditEvent.objects.get(event_type="run.dead_lettered").metadata == {"attempts": 5, "limit": 5}


def test_a_living_owner_keeps_its_runs() -> None:
    run = start(THREE)
    leases.renew("alive")
    transitions.claim(run.pk, "alive")
    assert len(deadlines.recover_lapsed()) == 0
    LeaseOwner.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert len(deadlines.recover_lapsed()) == 1


def test_a_run_that_no_thread_advances_is_given_back_by_its_owner() -> None:
    run = start(THREE)
    pulse = heartbeat.of_this_process()
    transitions.claim(run.pk, pulse.owner_id)
    pulse.beat()
    pulse.beat()
    run.refresh_from_db()
    assert (run.lease_owner, run.attempts) == (None, 0)
    advance(run)
    assert run.status == "completed"


def test_a_full_queue_refuses_a_run_before_it_exists(settings: Settings) -> None:
    settings.MAX_QUEUE_DEPTH = 1
    start(THREE)
    with pytest.raises(QueueFull) as refusal:
        start(THREE)
    assert (refusal.value.data, Run.objects.count()) == ({"queue_depth": 1, "limit": 1}, 1)


def test_a_spec_that_cannot_run_leaves_nothing() -> None:
    with pytest.raises(SpecInvalid):
        start(spec_of(step("a", "nobody")))
    assert (Run.objects.count(), SpecSnapshot.objects.count(), AuditEvent.objects.count()) == (0, 0, 0)


def test_many_runs_of_one_spec_share_its_snapshot() -> None:
    assert len({start(THREE).snapshot_id for _ in range(3)}) == 1
    assert SpecSnapshot.objects.count() == 1


def test_the_trace_is_capped_and_says_how_much_is_missing(settings: Settings) -> None:
    settings.TRACE_MAX_EVENTS = 1
    run = start(THREE)
    advance(run)
    assert (TraceEvent.objects.filter(run=run).count(), run.trace_event_count, run.trace_dropped) == (1, 1, 1)
