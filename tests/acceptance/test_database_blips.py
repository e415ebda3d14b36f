"""The database breaks every connection; nobody notices but the log."""

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.sites import Site
from tests.acceptance.specs import sequence


@ONE_BROKER
def test_runs_survive_the_loss_of_every_database_connection(site: Site) -> None:
    deployment = site.deployment
    workers = deployment.scale(1)
    jobs = [deployment.start(sequence(one="nap", two="nap", three="mark")) for _ in range(8)]
    for step in ("one", "two"):
        for job in jobs:
            deployment.wait_for_start(job.ledger, step)
        assert site.database.terminate_connections() > 0
    for job in jobs:
        deployment.wait_for(job, "completed")
    assert [job.ledger.starts() for job in jobs] == [{"one": 1, "two": 1, "three": 1}] * len(jobs)
    assert deployment.scale(1) == workers
