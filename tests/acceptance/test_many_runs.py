"""Waiting is cheap: for a worker with many runs, and for a web process with many waiting clients."""

import statistics
import time
import uuid
from concurrent.futures import wait

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.conditions import until
from tests.acceptance.deployment import POOL_SIZE, Call, Deployment
from tests.acceptance.sites import Site
from tests.acceptance.specs import sequence

RUNS = 200
CALLERS = 20
PROBE_PAUSE_SECONDS = 0.05


def test_two_hundred_runs_that_sleep_a_second_finish_on_one_worker_within_thirty(site: Site) -> None:
    deployment = site.deployment
    deployment.scale(1)
    crowd = uuid.uuid4().hex
    began_at = time.monotonic()
    jobs = deployment.start_many(RUNS, sequence(one="nap"), session_id=crowd)
    until(
        lambda: deployment.api.count(session_id=crowd, status="completed") == RUNS, within=60, what="all runs are done"
    )
    assert time.monotonic() - began_at < 30
    assert [job.ledger.starts() for job in jobs] == [{"one": 1}] * RUNS


@ONE_BROKER
def test_a_worker_holds_more_waiting_runs_than_it_has_database_connections(deployment: Deployment) -> None:
    deployment.scale(1)
    jobs = deployment.start_many(3 * POOL_SIZE, sequence(one="long_nap", two="long_nap"))
    for job in jobs:
        deployment.wait_for(job, "completed")
    began = [deployment.wait_for_start(job.ledger, "one").at for job in jobs]
    assert max(began) - min(began) < 5
    assert [job.ledger.starts() for job in jobs] == [{"one": 1, "two": 1}] * len(jobs)


@ONE_BROKER
def test_livez_answers_at_once_while_twenty_clients_wait_for_their_runs(deployment: Deployment) -> None:
    deployment.scale(1)
    calls = [deployment.call(sequence(one="long_nap")) for _ in range(CALLERS)]
    for call in calls:
        deployment.wait_for_start(call.ledger, "one")
    probes = _probe_while_waiting(deployment, calls)
    assert [call.answer.result(timeout=30).json()["status"] for call in calls] == ["completed"] * CALLERS
    assert len(probes) >= 20
    assert statistics.median(probes) < 0.1
    assert statistics.quantiles(probes, n=20)[-1] < 0.1


def _probe_while_waiting(deployment: Deployment, calls: list[Call]) -> list[float]:
    """Ask for /livez again and again while all the calls wait; return how long each answer took, in seconds."""
    answers = [call.answer for call in calls]
    probes: list[float] = []
    while not wait(answers, timeout=PROBE_PAUSE_SECONDS, return_when="FIRST_COMPLETED").done:
        asked_at = time.perf_counter()
        assert deployment.api.is_up()
        probes.append(time.perf_counter() - asked_at)
    return probes
