"""Cancelling and deadlines reach a run wherever it is: running elsewhere, waiting for a worker or for a person."""

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.conditions import until
from tests.acceptance.deployment import Deployment
from tests.acceptance.ledger import Event
from tests.acceptance.specs import FOUR_STEPS, sequence

pytestmark = ONE_BROKER
REACH_SECONDS = 2


def test_cancel_reaches_a_running_step_in_another_process(deployment: Deployment) -> None:
    deployment.scale(1)
    job = deployment.start(sequence(**FOUR_STEPS))
    deployment.wait_for_start(job.ledger, "two")
    assert deployment.api.cancel(job.run_id)["status"] == "cancelled"
    until(
        lambda: job.ledger.entries("two", Event.INTERRUPTED),
        within=REACH_SECONDS,
        what="the running step has noticed the cancellation",
    )
    assert job.ledger.starts() == {"one": 1, "two": 1}


def test_a_queued_run_is_cancelled_at_once_and_never_starts(deployment: Deployment) -> None:
    [worker] = deployment.scale(1)
    worker.freeze()
    job = deployment.start(sequence(**FOUR_STEPS))
    cancelled = deployment.api.cancel(job.run_id)
    worker.thaw()
    later = deployment.start(sequence(one="mark"))
    deployment.wait_for(later, "completed")
    assert (cancelled["status"], cancelled["error"]["type"]) == ("cancelled", "cancelled")
    assert job.ledger.starts() == {}


def test_cancelling_a_blocked_run_closes_its_task(deployment: Deployment) -> None:
    deployment.scale(1)
    job = deployment.start(sequence(one="mark", ask={}, two="mark"))
    deployment.wait_for(job, "blocked")
    task_id = deployment.api.run(job.run_id)["continuation_id"]
    deployment.api.cancel(job.run_id)
    assert deployment.api.http.get(f"/v1/human-tasks/{task_id}").status_code == 404
    assert job.ledger.starts() == {"one": 1}


def test_a_deadline_ends_a_run_in_the_middle_of_a_step(deployment: Deployment) -> None:
    deployment.scale(1)
    job = deployment.start(sequence(**FOUR_STEPS), timeout_seconds=2)
    began = deployment.wait_for_start(job.ledger, "two")
    deployment.wait_for(job, "timed_out", within=10)
    [interrupted] = until(
        lambda: job.ledger.entries("two", Event.INTERRUPTED), within=REACH_SECONDS, what="the step was told to stop"
    )
    assert interrupted.at - began.at < 2 + REACH_SECONDS
    assert deployment.api.run(job.run_id)["error"]["type"] == "run_timed_out"
    assert job.ledger.starts() == {"one": 1, "two": 1}


def test_a_deadline_ends_a_run_that_waits_for_a_person(deployment: Deployment) -> None:
    deployment.scale(1)
    job = deployment.start(sequence(one="mark", ask={}, two="mark"), timeout_seconds=2)
    deployment.wait_for(job, "blocked")
    task_id = deployment.api.run(job.run_id)["continuation_id"]
    deployment.wait_for(job, "timed_out", within=15)
    assert deployment.api.run(job.run_id)["error"]["type"] == "run_timed_out"
    assert deployment.api.http.get(f"/v1/human-tasks/{task_id}").status_code == 404
    assert job.ledger.starts() == {"one": 1}
