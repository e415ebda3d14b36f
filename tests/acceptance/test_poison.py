"""A step that ends its process takes only its own run down in the end."""

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.deployment import Deployment
from tests.acceptance.specs import sequence

NEIGHBOURS = 4


@ONE_BROKER
def test_a_run_that_kills_its_worker_is_dead_lettered_alone(deployment: Deployment) -> None:
    deployment.scale(1)
    with deployment.supervised():
        neighbours = [deployment.start(sequence(one="mark", two="long_nap", three="mark")) for _ in range(NEIGHBOURS)]
        for neighbour in neighbours:
            deployment.wait_for_start(neighbour.ledger, "two")
        poison = deployment.start(sequence(one="mark", two="exit_process", three="mark"))
        deployment.wait_for(poison, "failed", within=120)
        for neighbour in neighbours:
            deployment.wait_for(neighbour, "completed", within=60)

    assert deployment.api.run(poison.run_id)["error"]["type"] == "dead_letter"
    assert poison.ledger.starts() == {"one": 1, "two": 5}
    for neighbour in neighbours:
        starts = neighbour.ledger.starts()
        assert (starts["one"], starts["three"]) == (1, 1)
        assert 2 <= starts["two"] <= 3
