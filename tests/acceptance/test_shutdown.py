"""A worker that is told to stop gives its runs away at once."""

from tests.acceptance.ledger import Event
from tests.acceptance.sites import Site
from tests.acceptance.specs import FOUR_STEPS, sequence

HAND_OVER_SECONDS = 3


def test_sigterm_hands_the_run_over_in_under_three_seconds(site: Site) -> None:
    deployment = site.deployment
    deployment.scale(2)
    job = deployment.start(sequence(**FOUR_STEPS))
    leaving = deployment.worker_of(deployment.wait_for_start(job.ledger, "two"))

    told_at = leaving.terminate()
    restart = deployment.wait_for_start(job.ledger, "two", times=2)
    assert restart.at - told_at < HAND_OVER_SECONDS
    assert restart.pid != leaving.pid
    leaving.wait_gone(within=15)

    job.ledger.open_gate("two")
    deployment.wait_for(job, "completed")
    assert job.ledger.starts() == {"one": 1, "two": 2, "three": 1, "four": 1}
    assert [entry.pid for entry in job.ledger.entries("two", Event.INTERRUPTED)] == [leaving.pid]
    assert site.database.attempts(job.run_id) == 0


def test_a_step_that_ends_within_the_grace_is_not_repeated(site: Site) -> None:
    deployment = site.deployment
    deployment.scale(2)
    job = deployment.start(sequence(one="nap", two="mark"))
    leaving = deployment.worker_of(deployment.wait_for_start(job.ledger, "one"))
    leaving.terminate()
    deployment.wait_for(job, "completed")
    leaving.wait_gone(within=15)
    assert job.ledger.starts() == {"one": 1, "two": 1}
    assert deployment.wait_for_start(job.ledger, "two").pid != leaving.pid


def test_an_idle_worker_stops_at_once(site: Site) -> None:
    [worker] = site.deployment.scale(1)
    worker.terminate()
    worker.wait_gone(within=4)
