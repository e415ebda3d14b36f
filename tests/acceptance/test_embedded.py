"""The embedded mode: SQLite, and a broker that is a folder. The same promises on one machine without any server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment
from tests.acceptance.specs import FOUR_STEPS, sequence


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    embedded = Deployment(
        tmp_path, database_url=f"sqlite:///{tmp_path / 'kneo.sqlite3'}", broker_url="kneo-files://", queue="kneo"
    )
    try:
        embedded.open()
        yield embedded
    finally:
        embedded.close()


def test_a_run_survives_its_worker_and_waits_for_a_person(deployment: Deployment) -> None:
    [victim] = deployment.scale(1)
    job = deployment.start(sequence(**FOUR_STEPS, ask={"description": "Is it good?"}, five="mark"))
    deployment.wait_for_start(job.ledger, "two")
    victim.kill()
    job.ledger.open_gate("two")
    deployment.scale(1)
    deployment.wait_for(job, "blocked")
    answer = deployment.api.approve(job.run_id)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert job.ledger.starts() == {"one": 1, "two": 2, "three": 1, "four": 1, "five": 1}
