"""Waits and signals: what a run waits for without holding a worker."""

import json
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision
from kneo_project.audit.models import AuditEvent
from runs import deadlines, services
from runs.errors import IdempotencyKeyConflict, InvalidSignal, RunNotFound, RunStateConflict, SignalNotFound
from runs.executor import Rest
from runs.models import Checkpoint, Run, Signal
from runs.signalling import send_signal
from tests.integration.driving import advance, start, step
from tests.integration.functions import CALLS, HOOKS
from tests.integration.test_shapes import among, graph, sequence
from tests.integration.test_shapes import spec_of as shaped

pytestmark = pytest.mark.django_db(transaction=True)

PAID = step("paid", "payment", "signal")


def spec_of(workflow: dict[str, Any], **signal: Any) -> dict[str, Any]:
    """Return a spec with an hour to wait and a signal to wait for."""
    spec = shaped(workflow)
    spec["components"]["waits"] = {"hour": {"seconds": 3600}, "past": {"until": "2020-01-01T00:00:00Z"}}
    spec["components"]["signals"] = {"payment": signal, "other": {}}
    return spec


def run_of(workflow: dict[str, Any], **signal: Any) -> Run:
    """Return a run of the workflow, advanced until it rests."""
    run = start(spec_of(workflow, **signal))
    advance(run)
    return run


def tell(run: Run, name: str = "payment", **payload: Any) -> Signal:
    """Tell the run something."""
    return send_signal(run.pk, name, payload, actor="bank")


def is_held(run: Run) -> bool:
    """Return whether a worker holds the run, or somebody must look at it now."""
    return run.lease_owner is not None or Run.objects.due().filter(pk=run.pk).exists()


def outputs(run: Run) -> dict[str | None, str | None]:
    """Return what each step gave."""
    done = Checkpoint.objects.filter(run=run, type="step_completed")
    return dict(done.values_list("step_id", "output_text"))


def test_a_wait_holds_no_worker_and_ends_on_time() -> None:
    run = start(spec_of(sequence("a", step("pause", "hour", "wait"), "b")))
    rested = advance(run)

    assert (rested.rest, run.status, is_held(run)) == (Rest.RETRY_LATER, "running", False)
    assert run.wake_at is not None
    assert timedelta(minutes=59) < run.wake_at - timezone.now() <= timedelta(hours=1)
    early = run.wake_at
    Run.objects.filter(pk=run.pk).update(wake_at=timezone.now() - timedelta(seconds=1))
    advance(run)
    assert run.status == "running"
    assert abs(run.wake_at - early) < timedelta(seconds=1)

    with_time_gone_by(run)
    advance(run)
    assert (run.status, run.output_text, CALLS["a"]) == ("completed", "hi>a>b", 1)


def with_time_gone_by(run: Run) -> None:
    """Let everything that the run waits for be an hour ago."""
    past = timezone.now() - timedelta(hours=1)

    run.refresh_from_db()
    cursor = re.sub(r'"retry_at": [0-9.]+', f'"retry_at": {past.timestamp()}', json.dumps(run.cursor))
    Run.objects.filter(pk=run.pk).update(wake_at=past, cursor=json.loads(cursor))


def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    assert run_of(sequence("a", step("pause", "past", "wait"), "b")).status == "completed"


def test_a_signal_ends_the_step_that_waits_for_it() -> None:
    run = run_of(sequence("a", PAID, "b"))
    assert (run.status, is_held(run), run.wake_at) == ("running", False, None)

    tell(run, amount=5)
    advance(run)

    assert (run.status, run.output_text) == ("completed", '{"amount": 5}>b')
    assert Signal.objects.get(run=run).taken_at is not None
    event = AuditEvent.objects.get(event_type="run.signalled")
    assert (event.actor, event.metadata["signal"]) == ("bank", "payment")


def test_an_early_signal_is_kept_and_each_is_taken_once_in_order() -> None:
    run = start(spec_of(sequence("a", PAID, step("again", "payment", "signal"))))
    tell(run, number=1)
    tell(run, number=2)
    tell(run, number=3)
    advance(run)

    assert (outputs(run)["paid"], outputs(run)["again"]) == ('{"number": 1}', '{"number": 2}')
    assert Signal.objects.filter(run=run, taken_at=None).count() == 1


def test_another_signal_ends_nothing() -> None:
    run = run_of(sequence("a", PAID))
    tell(run, "other")
    advance(run)

    assert run.status == "running"


def test_a_signal_that_comes_while_the_run_goes_to_rest_is_not_missed() -> None:
    run = start(spec_of(sequence("a", PAID)))
    HOOKS["a"] = partial(tell, run, amount=1)
    advance(run)

    assert run.status == "completed"


def test_signals_and_rests_at_the_same_moment_lose_nothing() -> None:
    for _ in range(10):
        run = start(spec_of(among("concurrent", PAID, "a")))
        together = threading.Barrier(2)
        HOOKS["a"] = together.wait

        def send(run: Run = run, together: threading.Barrier = together) -> None:
            together.wait()
            try:
                tell(run, amount=1)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(send)
            advance(run)
            sending.result()
        advance(run)
        assert run.status == "completed"


def test_what_a_signal_tells_chooses_the_way() -> None:
    much = {"type": "variable_equals", "key": "paid_amount", "value": 100}
    workflow = graph([PAID, step("b"), step("c")], ("paid", "b", much), ("paid", "c"))
    run = run_of(workflow, sets={"paid_amount": "amount"})
    tell(run, amount=100)
    advance(run)

    assert "b" in outputs(run)


@pytest.mark.parametrize(("on_error", "status"), [("fail", "failed"), ("continue", "completed")])
def test_a_signal_that_does_not_come_in_time_fails_its_step(on_error: str, status: str) -> None:
    run = run_of(sequence("a", PAID | {"timeout_seconds": 60, "on_error": on_error}, "b"))
    assert run.wake_at is not None
    with_time_gone_by(run)
    advance(run)

    assert (run.status, run.error_type) == (status, "SignalTimeout" if status == "failed" else None)


def test_branches_go_on_while_others_wait_for_time_people_and_signals() -> None:
    workflow = among(
        "concurrent", "a", PAID, step("pause", "hour", "wait"), step("boss", kind="human"), step("b", max_retries=1)
    )
    run = run_of(workflow)
    assert (run.status, is_held(run), CALLS["a"], CALLS["b"]) == ("running", False, 1, 1)

    task = HumanTask.objects.open().get(run=run)
    given = Answer(request_id=str(task.request_id), decision=Decision.PROVIDED, content="fine")
    services.resume_run(task.pk, given, actor="alice")
    advance(run)
    assert outputs(run)["boss"] == "fine"
    tell(run, amount=1)
    advance(run)
    assert (outputs(run)["paid"], run.status) == ('{"amount": 1}', "running")
    with_time_gone_by(run)
    advance(run)

    assert (run.status, set(outputs(run))) == ("completed", {"a", "paid", "pause", "boss", "b"})
    assert (CALLS["a"], CALLS["b"]) == (1, 1)


def test_a_run_that_waits_can_be_cancelled_and_has_a_deadline() -> None:
    waiting = run_of(sequence(PAID))
    services.cancel_run(waiting.pk, actor="bob")
    with pytest.raises(RunStateConflict):
        tell(waiting)

    late = start(spec_of(sequence(PAID)), timeout_seconds=60)
    advance(late)
    Run.objects.filter(pk=late.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    deadlines.time_out_overdue_runs()
    late.refresh_from_db()
    assert late.status == "timed_out"


def test_a_signal_that_fits_nothing_is_refused() -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
    run = run_of(sequence(PAID), payload_schema=schema)

    with pytest.raises(InvalidSignal, match=r"payload\.amount: the value is not of type") as refused:
        tell(run, amount="hunter2")
    assert (refused.value.data["field"], "hunter2" in refused.value.message) == ("payload.amount", False)
    with pytest.raises(SignalNotFound):
        tell(run, "ghost")
    with pytest.raises(RunNotFound):
        send_signal(uuid.uuid4(), "payment", {}, actor="bank")
    assert not Signal.objects.exists()


def test_the_same_word_is_the_same_signal() -> None:
    run = run_of(sequence(PAID, step("again", "payment", "signal")))
    first, second = (send_signal(run.pk, "payment", {}, actor="bank", word="k") for _ in range(2))
    advance(run)

    assert (first.pk, run.status) == (second.pk, "running")


def test_nobody_else_and_nothing_else_is_taken_for_the_signal_of_a_word() -> None:
    run = run_of(sequence(PAID))
    send_signal(run.pk, "payment", {"amount": 5}, actor="bank", word="1")
    for actor, amount in (("bank", 6), ("shop", 5)):
        with pytest.raises(IdempotencyKeyConflict):
            send_signal(run.pk, "payment", {"amount": amount}, actor=actor, word="1")
    assert [signal.payload for signal in Signal.objects.all()] == [{"amount": 5}]
