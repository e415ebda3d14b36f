"""A worker that stands still for longer than its lease is replaced, and writes nothing when it wakes."""

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.conditions import until
from tests.acceptance.deployment import Deployment
from tests.acceptance.specs import FOUR_STEPS, sequence


@ONE_BROKER
def test_a_worker_that_wakes_after_it_was_replaced_writes_nothing(deployment: Deployment) -> None:
    deployment.scale(2)
    job = deployment.start(sequence(**FOUR_STEPS))
    frozen = deployment.worker_of(deployment.wait_for_start(job.ledger, "two"))
    frozen.freeze()
    successor = deployment.worker_of(deployment.wait_for_start(job.ledger, "two", times=2))
    before = deployment.api.checkpoints(job.run_id)

    job.ledger.open_gate("two", pid=frozen.pid)
    frozen.thaw()
    until(lambda: job.ledger.has_ended("two", pid=frozen.pid), within=15, what="the frozen step has come to its end")
    until(lambda: _runs_on(deployment, frozen.pid), within=15, what="the worker that woke takes part again")
    assert deployment.api.checkpoints(job.run_id) == before

    job.ledger.open_gate("two", pid=successor.pid)
    deployment.wait_for(job, "completed")
    assert job.ledger.starts() == {"one": 1, "two": 2, "three": 1, "four": 1}
    recorded = [each["step_id"] for each in deployment.api.checkpoints(job.run_id) if each["type"] == "step_completed"]
    assert recorded == ["one", "two", "three", "four"]


def _runs_on(deployment: Deployment, pid: int) -> bool:
    job = deployment.start(sequence(one="mark"))
    deployment.wait_for(job, "completed")
    return deployment.wait_for_start(job.ledger, "one").pid == pid
