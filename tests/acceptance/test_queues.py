"""Queues with workers of their own: a run waits for one that takes runs from its queue, and nobody waits for it."""

from pathlib import Path

import pytest

from tests import services
from tests.acceptance.sites import open_site
from tests.acceptance.specs import sequence

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq]
SETTINGS = {"KNEO_SERV_QUEUES": "special"}


def test_a_run_waits_for_a_worker_of_its_queue(tmp_path: Path) -> None:
    with open_site(services.RABBITMQ, tmp_path, SETTINGS) as site:
        deployment = site.deployment
        deployment.start_worker(KNEO_SERV_WORKER_QUEUES="default")
        special = deployment.start(sequence(one="mark", two={}, three="mark"), queue="special", priority="high")
        usual = deployment.start(sequence(one="mark"))
        deployment.wait_for(usual, "completed")
        assert deployment.api.run(special.run_id)["queued"] is True
        deployment.start_worker(KNEO_SERV_WORKER_QUEUES="special")
        deployment.wait_for(special, "blocked")
        deployment.approve(special).answer.result(timeout=30)
        deployment.wait_for(special, "completed")
        assert special.ledger.starts() == {"one": 1, "three": 1}
