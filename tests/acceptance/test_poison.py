"""A step that ends its process takes only its own run down in the end."""

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.deployment import MAX_ATTEMPTS, Deployment
from tests.acceptance.specs import sequence


@ONE_BROKER
def test_a_run_that_kills_its_worker_is_dead_lettered_alone(deployment: Deployment) -> None:
    deployment.scale(1)
    with deployment.supervised():
        neighbours = [deployment.start(sequence(one="mark", two="gate", three="mark")) for _ in range(2)]
        for neighbour in neighbours:
            deployment.wait_for_start(neighbour.ledger, "two")
        poison = deployment.start(sequence(one="mark", two="exit_process", three="mark"))
        deployment.wait_for_start(poison.ledger, "two", times=2, within=60)
        for neighbour in neighbours:
            neighbour.ledger.open_gate("two")
        for neighbour in neighbours:
            deployment.wait_for(neighbour, "completed", within=60)
        deployment.wait_for(poison, "failed", within=60)

    assert deployment.api.run(poison.run_id)["error"]["type"] == "dead_letter"
    assert poison.ledger.starts() == {"one": 1, "two": MAX_ATTEMPTS}
    for neighbour in neighbours:
        starts = neighbour.ledger.starts()
        assert (starts["one"], starts["three"]) == (1, 1)
        assert starts["two"] in (2, 3)  # it died with the poison once; a second time only if it had started again
